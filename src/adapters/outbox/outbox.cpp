#include "adapters/outbox/outbox.hpp"

#include "base/ids.hpp"
#include "base/planted.hpp"
#include "ports/event_log.hpp"

namespace stoa {
namespace {

std::string padded(std::int64_t n, std::size_t digits) {
    auto out = std::to_string(n);
    return out.size() < digits ? std::string(digits - out.size(), '0') + out : out;
}

}  // namespace

item outbox_item(const event& what, int nth) {
    const auto shard = stable_hash(what.key) % static_cast<std::uint64_t>(outbox_shards);
    item out =
        key_of("shard", static_cast<std::int64_t>(shard), "place",
               what.key + '#' + padded(what.version, 20) + '#' + padded(nth, 2) + '#' + what.id);
    out.set("topic", what.topic);
    out.set("key", what.key);
    out.set("id", what.id);
    out.set("type", what.type);
    out.set("version", what.version);
    out.set("occurred_at", rfc3339(what.occurred_at));
    if (!what.traceparent.empty()) out.set("traceparent", what.traceparent);
    out.set("payload", what.payload);
    return out;
}

item inbox_item(const delivery& what, timestamp now) {
    item out = key_of("consumer", what.group, "event_id", what.message.id);
    out.set("expires_at", (now + inbox_kept).unix_s());
    return out;
}

result<event> event_of_outbox(const item& from) {
    const auto at = read_rfc3339(from.text("occurred_at"));
    event out{.topic = std::string(from.text("topic")),
              .key = std::string(from.text("key")),
              .id = std::string(from.text("id")),
              .type = std::string(from.text("type")),
              .version = from.integer("version"),
              .occurred_at = at.value_or(timestamp{}),
              .traceparent = std::string(from.text("traceparent")),
              .payload = std::string(from.text("payload"))};
    if (!at || out.topic.empty() || out.id.empty())
        return fail(errc::internal, "stored_item_ill_formed",
                    "an item of the outbox is no event: " + std::string(from.text("place")));
    return out;
}

task<result<write_outcome>> outboxed_items::write(write_set what) {
    for (const auto& each : what.events)
        if (!topics_.empty() && std::ranges::find(topics_, each.topic) == topics_.end())
            co_return fail(errc::invalid, "unknown_topic",
                           "topic " + each.topic + " was not declared");
    // The receipt stands first: where it fails, nothing else matters.
    const bool receives = what.receipt.has_value();
    write_set plain;
    plain.writes.reserve(what.writes.size() + what.events.size() + (receives ? 1 : 0));
    if (receives) {
        item seen = inbox_item(*what.receipt, time_.now());
        if (planted(planted_bug::receipt_is_not_looked_at)) plain.put(inbox_table, std::move(seen));
        else plain.put(inbox_table, std::move(seen), {absent("consumer")});
    }
    for (auto& each : what.writes) plain.add(std::move(each));
    int nth = 0;
    for (const auto& each : what.events) plain.put(outbox_table, outbox_item(each, nth++));
    auto outcome = co_await store_.write(std::move(plain));
    if (!outcome || outcome->committed() || !receives) co_return outcome;
    if (outcome->failed == 0) co_return write_outcome{.what = write_outcome::is::received_before};
    --outcome->failed;
    co_return outcome;
}

}  // namespace stoa
