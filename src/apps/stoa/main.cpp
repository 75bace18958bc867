#include "apps/stoa/commands.hpp"

int main(int count, char** arguments) { return stoa::run_command(count, arguments); }
