// What Stripe says, in our words: intents, refunds, refusals.
#pragma once

#include "ports/http_client.hpp"
#include "ports/payment_provider.hpp"

namespace stoa::stripe {

// Of an intent, as much as is read.
struct metadata {
    std::optional<std::string> order_id, stoa_key;
};
BOOST_DESCRIBE_STRUCT(metadata, (), (order_id, stoa_key))
struct payment_error {
    std::optional<std::string> code, decline_code;
};
BOOST_DESCRIBE_STRUCT(payment_error, (), (code, decline_code))
struct intent {
    std::string id, status, currency;
    std::int64_t amount = 0;
    std::optional<payment_error> last_payment_error;
    std::optional<stripe::metadata> metadata;
};
BOOST_DESCRIBE_STRUCT(intent, (), (id, status, currency, amount, last_payment_error, metadata))
struct intent_page {
    std::vector<intent> data;
};
BOOST_DESCRIBE_STRUCT(intent_page, (), (data))

struct refund {
    std::string id, currency;
    std::int64_t amount = 0;
    std::optional<std::string> status;
    std::optional<stripe::metadata> metadata;
};
BOOST_DESCRIBE_STRUCT(refund, (), (id, currency, amount, status, metadata))
struct refund_page {
    std::vector<refund> data;
    bool has_more = false;
};
BOOST_DESCRIBE_STRUCT(refund_page, (), (data, has_more))

struct refusal {
    int status = 0;
    std::string type, code, decline_code, message, request_id;
    // The key's stored answer came, not one of now: the same key brings nothing else for a day.
    bool replayed = false;
};
refusal read_refusal(const http_response& from);

// Stripe's reason, as customers and operators read it: card_declined, insufficient_funds,
// expired_card, incorrect_cvc, authentication_required, processing_error. What a thief should not
// be told (stolen, lost, fraud) is card_declined, as Stripe advises.
std::string decline_code(std::string_view code, std::string_view decline_code);

// One that is neither `created`, `processing` nor final (a customer is to act) is `processing`
// here: the caller ends it, `wants_action` tells.
result<payment_intent> intent_of(const intent& from);
bool wants_action(const intent& from);
result<provider_refund> refund_of(const refund& from);

// The kind by which the port's caller acts: `declined` and `invalid` are final, `conflict` is a key
// used for something else, `not_found` an id that Stripe has not; anything else is `unavailable`:
// nothing is known. Wrong keys are `unavailable` too: customers' payments wait for who mends them.
error error_of(const refusal& from, std::string_view what);
error ill_formed(const http_response& from, std::string_view what);

}  // namespace stoa::stripe
