// The demo shop: a catalogue of our own, two customers and an operator.
#pragma once

#include "ports/clock.hpp"
#include "services/product/product_service.hpp"
#include "services/user/user_service.hpp"

namespace stoa {

// What is there stays as it is. Null: that part is another process's to load. Returns lines for the
// terminal: the operator's password when it was made now.
task<result<std::string>> load_demo(products::product_service* products, users::user_service* users,
                                    clock& time, random_source& random);

}  // namespace stoa
