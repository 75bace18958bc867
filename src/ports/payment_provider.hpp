// What Stoa asks of a payment provider: intents that are created under a key, then confirmed. Any
// call may end in `unavailable` or `timeout`, and then nothing is known: the same key again, or the
// intent asked by id, tells.
#pragma once

#include "base/described.hpp"
#include "runtime/task.hpp"

namespace stoa {

enum class intent_status : std::uint8_t {
    created,     // may be confirmed or cancelled
    processing,  // the provider works on it; ask again
    succeeded,   // captured: final
    declined,    // final
    cancelled,   // final: no money can come
};
BOOST_DESCRIBE_ENUM(intent_status, created, processing, succeeded, declined, cancelled)

struct payment_intent {
    std::string id;
    intent_status status{};
    money amount;
    currency_code currency;
    std::string decline_code;  // card_declined, insufficient_funds …; empty unless declined
    std::string reference;     // what create() was given
};
BOOST_DESCRIBE_STRUCT(payment_intent, (), (id, status, amount, currency, decline_code, reference))

struct provider_refund {
    std::string id;
    bool succeeded = false;  // false: refused for good
    money amount;
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(provider_refund, (), (id, succeeded, amount, currency))

class payment_provider {
 public:
    virtual ~payment_provider() = default;
    // The same key gives the same intent for at least 20 hours; another amount under it is
    // `conflict`.
    virtual task<result<payment_intent>> create(std::string key, money amount, std::string method,
                                                std::string reference) = 0;
    virtual task<result<payment_intent>> confirm(std::string intent_id) = 0;  // idempotent
    virtual task<result<payment_intent>> get(std::string intent_id) = 0;      // not_found
    // Ends in `cancelled`, or in `succeeded` where a confirm came first.
    virtual task<result<payment_intent>> cancel(std::string intent_id) = 0;
    virtual task<result<provider_refund>> refund(std::string key, std::string intent_id,
                                                 money amount) = 0;
};

}  // namespace stoa
