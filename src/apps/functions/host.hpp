// A function's process in AWS Lambda, and what it says of itself.
#pragma once

#include "apps/functions/function_row.hpp"

namespace stoa::functions {

// Serves one of `rows` from AWS_LAMBDA_RUNTIME_API, until SIGTERM: the one that the argument names,
// as a container image has it, else _HANDLER. `--requirements NAME`: what it needs, as JSON.
// `--list`: their names. Returns the exit status.
int run(int count, char** arguments, std::span<const function_row> rows);

}  // namespace stoa::functions
