#include "adapters/vips/picture_worker.hpp"
#include "apps/functions/host.hpp"
#include "apps/picture_function/wiring.hpp"

#include <string_view>

int main(int count, char** arguments) {
    // Not for people: the function starts it to decode pictures in.
    if (count == 2 && std::string_view(arguments[1]) == "picture-worker")
        return stoa::vips::run_picture_worker();
    return stoa::functions::run(count, arguments, stoa::functions::pictured_functions());
}
