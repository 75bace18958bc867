#include "apps/functions/host.hpp"

int main(int count, char** arguments) { return stoa::functions::run(count, arguments); }
