// The cart service from another process: what it answers there, and its api from here.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/cart/cart_api.hpp"

namespace stoa::carts {

struct merge_carts_request {
    std::string guest_id, user_id;
};
BOOST_DESCRIBE_STRUCT(merge_carts_request, (), (guest_id, user_id))
struct merged {};
BOOST_DESCRIBE_STRUCT(merged, (), ())

// Thread rule: its service's.
class cart_rpcs {
 public:
    explicit cart_rpcs(baskets& of) : carts_(of) {}
    task<result<merged>> merge_carts(request_context, merge_carts_request);

 private:
    baskets& carts_;
};
service rpcs_of(cart_rpcs& implementation);

// Thread rule: a loop's own.
class remote_baskets final : public baskets {
 public:
    explicit remote_baskets(remote_service& carts) : carts_(carts) {}
    task<result<void>> merge(std::string guest_id, std::string user_id) override;

 private:
    remote_service& carts_;
};

}  // namespace stoa::carts
