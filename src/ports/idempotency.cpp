#include "ports/idempotency.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr auto kept = hours(48);
constexpr auto longest_lease = seconds(5);

}  // namespace

error request_in_progress() {
    return {.kind = errc::conflict,
            .code = "request_in_progress",
            .detail = "a request with this Idempotency-Key is being worked on; ask again",
            .retry_after_s = 1};
}

error idempotency_key_reused() {
    return {.kind = errc::invalid,
            .code = "idempotency_key_reused",
            .detail = "this Idempotency-Key came before with another request; use a new key"};
}

std::string idempotency_keys::scope_key(const request_context& context) {
    return context.caller.scope() + '|' + context.operation + '|' + context.idempotency_key;
}

timestamp idempotency_keys::lease_end(const request_context& context) const {
    // No longer than the request itself may run: its own deadline, at most five seconds.
    const auto left = std::chrono::duration_cast<microseconds>(context.deadline - time_.ticks());
    return time_.now() + std::clamp<microseconds>(left, microseconds(0), longest_lease);
}

task<result<std::optional<idempotency_record>>> idempotency_keys::look_up(request_context context) {
    auto found = co_await store_.find<idempotency_record>(idempotency_table,
                                                          key_of("scope_key", scope_key(context)));
    if (!found) co_return std::unexpected(std::move(found).error());
    const auto now = time_.now();
    if (!*found) co_return std::optional<idempotency_record>{};
    auto& record = **found;
    if (record.expires_at <= now.unix_s()) {
        // Expired rows may still be there (the port's rule) and would fail begin()'s condition.
        write_set forget;
        forget.erase(idempotency_table, key_of("scope_key", record.scope_key),
                     {equals("expires_at", record.expires_at)});
        auto forgotten = co_await store_.write(std::move(forget));
        if (!forgotten) co_return std::unexpected(std::move(forgotten).error());
        co_return std::optional<idempotency_record>{};
    }
    if (record.request_hash != std::to_string(context.request_hash))
        co_return fail(idempotency_key_reused());
    if (record.state == idempotency_state::done) {
        *context.reply = {.status = record.status, .body = record.body, .replayed = true};
        co_return std::move(record);
    }
    const bool owner_is_gone = record.owner != epoch_ && sole_process_;
    if (!owner_is_gone && record.lease_until > now) co_return fail(request_in_progress());
    co_return std::move(record);
}

void idempotency_keys::begin(write_set& in, const request_context& context,
                             std::string_view subject) const {
    const idempotency_record record{
        .scope_key = scope_key(context),
        .request_hash = std::to_string(context.request_hash),
        .subject = std::string(subject),
        .state = idempotency_state::in_progress,
        .owner = epoch_,
        .lease_until = lease_end(context),
        .expires_at = (time_.now() + kept).unix_s(),
    };
    in.put(idempotency_table, to_item(record), {absent("scope_key")});
}

void idempotency_keys::take_over(write_set& in, const request_context& context,
                                 const idempotency_record& from) const {
    in.update(idempotency_table, key_of("scope_key", from.scope_key),
              {set_to("owner", epoch_), set_to("lease_until", rfc3339(lease_end(context)))},
              {equals("owner", from.owner), equals("lease_until", rfc3339(from.lease_until)),
               equals("state", "in_progress")});
}

void idempotency_keys::record(write_set& in, const request_context& context,
                              std::string_view subject, int status, std::string body) const {
    const idempotency_record made{
        .scope_key = scope_key(context),
        .request_hash = std::to_string(context.request_hash),
        .subject = std::string(subject),
        .state = idempotency_state::done,
        .owner = epoch_,
        .lease_until = time_.now(),
        .status = status,
        .body = std::move(body),
        .expires_at = (time_.now() + kept).unix_s(),
    };
    in.put(idempotency_table, to_item(made), {absent("scope_key")});
}

void idempotency_keys::complete(write_set& in, std::string_view scope_key, int status,
                                std::string body) const {
    in.update(idempotency_table, key_of("scope_key", scope_key),
              {set_to("state", "done"), set_to("status", status), set_to("body", std::move(body))},
              {equals("state", "in_progress")});
}

}  // namespace stoa
