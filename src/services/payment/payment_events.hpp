// Events of the payment service, written in camelCase (R70, R71): orderId, paymentId.
#pragma once

#include "base/described.hpp"

#include <string_view>

namespace stoa::payments {

namespace topic {
inline constexpr std::string_view succeeded = "payment.succeeded";
inline constexpr std::string_view failed = "payment.failed";
inline constexpr std::string_view closed = "payment.closed";
inline constexpr std::string_view refunded = "payment.refunded";
}  // namespace topic

struct payment_succeeded {
    std::string order_id, payment_id, user_id;
    std::int32_t attempt = 0;
    money amount;
    currency_code currency;
    std::string transaction_id;
};
BOOST_DESCRIBE_STRUCT(payment_succeeded, (),
                      (order_id, payment_id, user_id, attempt, amount, currency, transaction_id))

struct payment_failed {
    std::string order_id, payment_id, user_id;
    std::int32_t attempt = 0;
    std::string reason;
    money amount;
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(payment_failed, (),
                      (order_id, payment_id, user_id, attempt, reason, amount, currency))

// No money can come for this order any more.
struct payment_closed {
    std::string order_id, user_id;
    std::int32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(payment_closed, (), (order_id, user_id, attempt))

// The end of refund n: given back, or refused by the provider for good.
struct payment_refunded {
    std::string order_id, user_id;
    std::int32_t n = 0;
    bool succeeded = false;
    money amount;
    currency_code currency;
    std::string payment_id;
};
BOOST_DESCRIBE_STRUCT(payment_refunded, (),
                      (order_id, user_id, n, succeeded, amount, currency, payment_id))

}  // namespace stoa::payments
