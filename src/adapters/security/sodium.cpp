#include "adapters/security/sodium.hpp"

#include <sodium.h>

#include <cstdlib>

namespace stoa {

void start_sodium() {
    if (sodium_init() < 0) std::abort();
}

}  // namespace stoa
