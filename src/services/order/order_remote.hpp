// The order service from another process: what it answers there, and its api from here.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/order/order_service.hpp"

namespace stoa::orders {

struct adopt_orders_request {
    std::string guest_id, user_id;
};
BOOST_DESCRIBE_STRUCT(adopt_orders_request, (), (guest_id, user_id))

struct adopted_orders {
    std::int32_t moved = 0;
    bool complete = true;
};
BOOST_DESCRIBE_STRUCT(adopted_orders, (), (moved, complete))

// Thread rule: its service's.
class order_rpcs {
 public:
    explicit order_rpcs(order_service& of) : orders_(of) {}
    task<result<order>> begin_attempt(request_context, begin_attempt_request);
    task<result<adopted_orders>> adopt_orders(request_context, adopt_orders_request);

 private:
    order_service& orders_;
};
service rpcs_of(order_rpcs& implementation);

// Thread rule: a loop's own.
class remote_book final : public book {
 public:
    explicit remote_book(remote_service& orders) : orders_(orders) {}
    task<result<order>> create_order(request_context, create_order_request) override;
    task<result<order>> get_order(request_context, get_order_request) override;
    task<result<order_list>> list_orders(request_context, list_orders_request) override;
    task<result<order>> begin_attempt(request_context, begin_attempt_request) override;
    task<result<users::adopted>> adopt(std::string guest_id, std::string user_id);

 private:
    remote_service& orders_;
};

}  // namespace stoa::orders
