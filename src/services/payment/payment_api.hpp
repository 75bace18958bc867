#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"
#include "services/payment/payment.hpp"

namespace stoa::payments {

struct create_payment_request {
    std::string order_id;
    money amount;  // must be the order's total, to the cent
    std::optional<currency_code> currency;
    std::string
        method;  // credit_card, or a test token of the simulator; `payment_method` is accepted
};
BOOST_DESCRIBE_STRUCT(create_payment_request, (), (order_id, amount, currency, method))

struct get_payment_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_payment_request, (), (id))

struct list_payments_request {
    std::string order_id;
};
BOOST_DESCRIBE_STRUCT(list_payments_request, (), (order_id))

struct payment_list {
    std::vector<payment> payments;
};
BOOST_DESCRIBE_STRUCT(payment_list, (), (payments))

// What other services may ask of payments.
class till {
 public:
    virtual ~till() = default;
    virtual task<result<payment>> create_payment(request_context, create_payment_request) = 0;
    virtual task<result<payment>> get_payment(request_context, get_payment_request) = 0;
    virtual task<result<payment_list>> list_payments(request_context, list_payments_request) = 0;
};

}  // namespace stoa::payments

template <>
inline constexpr auto stoa::rules_of<stoa::payments::create_payment_request> =
    std::to_array<stoa::rule>({stoa::uuid("order_id"), stoa::range("amount", 0, 100'000'000'000),
                               stoa::range("method", 1, 64),
                               stoa::alias("payment_method", "method"), stoa::refused("status"),
                               stoa::refused("user_id"), stoa::refused("transaction_id")});
