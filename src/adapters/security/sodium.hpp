#pragma once

namespace stoa {

// libsodium picks its implementations once; any thread, any number of times. Ends the process where
// it cannot.
void start_sodium();

}  // namespace stoa
