#include "apps/functions/host.hpp"
#include "apps/functions/wiring.hpp"

int main(int count, char** arguments) {
    return stoa::functions::run(count, arguments, stoa::functions::zipped_functions());
}
