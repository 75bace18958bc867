#include "transport/rpc/envelope.hpp"

#include "base/json.hpp"

namespace stoa {
// Described here and not at home: only this file writes them down.
BOOST_DESCRIBE_STRUCT(reply_note, (), (status, body, replayed))
BOOST_DESCRIBE_STRUCT(problem, (), (where, code, detail, available))
BOOST_DESCRIBE_ENUM(errc, malformed, unauthenticated, declined, forbidden, not_found, conflict,
                    precondition_failed, too_large, invalid, rate_limited, internal, unavailable,
                    timeout, storage_full)
BOOST_DESCRIBE_STRUCT(error, (), (kind, code, detail, errors, allowed, retry_after_s))
}  // namespace stoa

namespace stoa::rpc {
namespace {

struct carried_context {
    principal caller;
    std::string request_id;
    std::string operation, idempotency_key;
    bool key_from_client = false;
    std::int64_t request_hash = 0;
    std::string if_match, address;
};
BOOST_DESCRIBE_STRUCT(carried_context, (),
                      (caller, request_id, operation, idempotency_key, key_from_client,
                       request_hash, if_match, address))

}  // namespace

std::string write_context(const request_context& from) {
    return to_json(carried_context{.caller = from.caller,
                                   .request_id = from.request_id,
                                   .operation = from.operation,
                                   .idempotency_key = from.idempotency_key,
                                   .key_from_client = from.key_from_client,
                                   .request_hash = static_cast<std::int64_t>(from.request_hash),
                                   .if_match = from.if_match,
                                   .address = from.address});
}

result<void> read_context(std::string_view text, request_context& into) {
    STOA_TRY(auto read, from_json<carried_context>(text));
    into.caller = std::move(read.caller);
    into.request_id = std::move(read.request_id);
    into.operation = std::move(read.operation);
    into.idempotency_key = std::move(read.idempotency_key);
    into.key_from_client = read.key_from_client;
    into.request_hash = static_cast<std::uint64_t>(read.request_hash);
    into.if_match = std::move(read.if_match);
    into.address = std::move(read.address);
    return {};
}

std::string write_reply(const reply_note& from) {
    if (from.status == 0 && from.body.empty() && !from.replayed) return {};
    return to_json(from);
}

result<void> read_reply(std::string_view text, reply_note& into) {
    STOA_TRY(into, from_json<reply_note>(text));
    return {};
}

std::string write_error(const error& from) { return to_json(from); }

error read_error(std::string_view text) {
    auto read = from_json<error>(text);
    if (read) return *std::move(read);
    return {.kind = errc::internal,
            .code = "bad_answer",
            .detail = "a part of the shop answered with an error that cannot be read"};
}

}  // namespace stoa::rpc
