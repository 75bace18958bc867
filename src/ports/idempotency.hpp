// Idempotency keys of the services whose store is the key_value port (design §5). The row is
// written in the very transactions that have the effect, so one key has one effect; the answer is
// stored with the last of them and every replay gives the same bytes.
#pragma once

#include "base/context.hpp"
#include "ports/clock.hpp"
#include "ports/key_value.hpp"

namespace stoa {

enum class idempotency_state : std::uint8_t { in_progress, done };
BOOST_DESCRIBE_ENUM(idempotency_state, in_progress, done)

struct idempotency_record {
    std::string scope_key;  // principal, operation and key
    std::string request_hash;
    std::string subject;  // the id the first request made (an order id); once written it stays
    idempotency_state state{};
    std::string owner;        // the process epoch that works on it
    timestamp lease_until;    // of a request in flight; another may take over after it
    std::int32_t status = 0;  // of the stored answer
    std::string body;
    std::int64_t expires_at = 0;  // Unix seconds
};
BOOST_DESCRIBE_STRUCT(idempotency_record, (),
                      (scope_key, request_hash, subject, state, owner, lease_until, status, body,
                       expires_at))

inline constexpr kv_table idempotency_table{
    .name = "ecommerce-idempotency", .hash = "scope_key", .ttl = "expires_at"};

// 409 with Retry-After: another request with the key is being worked on.
error request_in_progress();
// 422: the key came before with another request.
error idempotency_key_reused();

// Keys of one process. `sole_process`: no other process shares the store, so a lease of another
// epoch belongs to a process that is gone. Thread rule: a loop's own instance, or any thread (it
// has no mutable state).
class idempotency_keys {
 public:
    idempotency_keys(key_value& store, clock& time, std::string epoch, bool sole_process)
        : store_(store), time_(time), epoch_(std::move(epoch)), sole_process_(sole_process) {}

    static std::string scope_key(const request_context& context);

    // What the key stands for now. Nothing: the request is the first. Otherwise either
    // - the stored answer is put into context.reply and the record comes back with state done, or
    // - the record of a request that died: go on with its subject, take_over() in the next
    // transaction. Errors: invalid idempotency_key_reused (other body), conflict
    // request_in_progress with Retry-After.
    task<result<std::optional<idempotency_record>>> look_up(request_context context);

    // The first transaction: fails its condition where another request with the key came first.
    void begin(write_set& in, const request_context& context, std::string_view subject) const;
    // Instead of begin, after look_up gave a dead request's record.
    void take_over(write_set& in, const request_context& context,
                   const idempotency_record& from) const;
    // begin and complete in one, for operations of a single transaction.
    void record(write_set& in, const request_context& context, std::string_view subject, int status,
                std::string body) const;
    // With the last transaction: the answer, as the client gets it.
    void complete(write_set& in, std::string_view scope_key, int status, std::string body) const;

 private:
    timestamp lease_end(const request_context& context) const;

    key_value& store_;
    clock& time_;
    std::string epoch_;
    bool sole_process_;
};

}  // namespace stoa
