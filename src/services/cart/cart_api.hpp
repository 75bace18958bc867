#pragma once

#include "runtime/task.hpp"

#include <string>

namespace stoa::carts {

// What other services may ask of carts.
class baskets {
 public:
    virtual ~baskets() = default;
    // A guest has logged in: the guest's lines go to the user's cart, quantities summed and capped.
    // Safe to repeat after any failure; the guest's cart ends empty.
    virtual task<result<void>> merge(std::string guest_id, std::string user_id) = 0;
};

}  // namespace stoa::carts
