// The nouns of the payment service.
#pragma once

#include "base/described.hpp"

namespace stoa::payments {

enum class payment_status : std::uint8_t { processing, succeeded, failed, review, cancelled };
BOOST_DESCRIBE_ENUM(payment_status, processing, succeeded, failed, review, cancelled)

// One attempt to pay an order.
struct payment {
    std::string id;
    std::string payment_id;  // the same id: documents show both names (R54, R55)
    std::string order_id, user_id;
    std::int32_t attempt = 1;
    money amount;
    currency_code currency;
    payment_status status{};
    std::string method;
    std::optional<std::string> transaction_id;  // the provider's
    std::optional<std::string> failure_reason;
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(payment, (),
                      (id, payment_id, order_id, user_id, attempt, amount, currency, status, method,
                       transaction_id, failure_reason, created_at, updated_at, version))

// What the shop knows about paying one order: the item that submit, close and capture exclude each
// other on.
enum class head_state : std::uint8_t {
    open,       // no attempt is under way; waits for a method
    submitted,  // an attempt is with the provider
    unknown,    // the provider did not say: asked until it does
    failed,     // the attempt was declined; another may begin
    review,     // a person decides first
    captured,   // paid
    closed,     // no money can come any more
};
BOOST_DESCRIBE_ENUM(head_state, open, submitted, unknown, failed, review, captured, closed)

struct payment_head {
    std::string id;  // order:<order id>
    std::string order_id, user_id;
    money amount;
    currency_code currency;
    head_state state{};
    std::int32_t attempt = 1;
    std::optional<std::string> method;
    std::optional<std::string> payment_id;  // of the attempt
    std::optional<std::string> intent_id;   // the provider's, once it answered
    bool close_requested = false;
    std::optional<timestamp> submitted_at;  // first: a key older than 20 hours is not used again
    std::optional<std::string> owner;       // the process epoch that drives the attempt
    std::int32_t tries = 0;                 // of asking the provider
    std::optional<std::int64_t> due_shard;
    std::optional<timestamp> due_at;  // a worker must look then
    // W3C, of who asked last: the worker's events belong to that trace.
    std::optional<std::string> traceparent;
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(payment_head, (),
                      (id, order_id, user_id, amount, currency, state, attempt, method, payment_id,
                       intent_id, close_requested, submitted_at, owner, tries, due_shard, due_at,
                       traceparent, created_at, updated_at, version))

enum class refund_state : std::uint8_t { pending, succeeded, refused };
BOOST_DESCRIBE_ENUM(refund_state, pending, succeeded, refused)

struct refund {
    std::string id;  // refund:<order id>:<n>
    std::string order_id, user_id;
    std::int32_t n = 0;
    money amount;
    currency_code currency;
    std::string payment_id;
    refund_state state{};
    std::optional<std::string> provider_refund_id;
    std::int32_t tries = 0;
    std::optional<std::int64_t> due_shard;
    std::optional<timestamp> due_at;
    std::optional<std::string> traceparent;  // of the event that asked for it
    timestamp created_at, updated_at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(refund, (),
                      (id, order_id, user_id, n, amount, currency, payment_id, state,
                       provider_refund_id, tries, due_shard, due_at, traceparent, created_at,
                       updated_at, version))

}  // namespace stoa::payments
