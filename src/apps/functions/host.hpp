// A function's process in AWS Lambda, and what it says of itself.
#pragma once

namespace stoa::functions {

// Without arguments: serves the function that _HANDLER names from AWS_LAMBDA_RUNTIME_API, until
// SIGTERM. `--requirements NAME`: what it needs, as JSON. `--list`: their names. Returns the exit
// status.
int run(int count, char** arguments);

}  // namespace stoa::functions
