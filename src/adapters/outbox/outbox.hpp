// Events and receipts on an engine whose log is another system: what a transaction publishes is
// written beside its state, as items of an outbox, and what it receives as items of an inbox. The
// relay (relay.hpp) brings the outbox to the log.
#pragma once

#include "ports/clock.hpp"
#include "ports/key_value.hpp"

namespace stoa {

inline constexpr int outbox_shards = 16;
// With those of events that the log has and a queue beside it has not yet; they stand behind.
inline constexpr int outbox_shards_in_all = 2 * outbox_shards;

// One item an event. The range orders the events of an aggregate by version, and within one
// version as they were published.
inline constexpr std::string_view outbox_numbers[] = {"shard"};
inline constexpr kv_table outbox_table{
    .name = "ecommerce-outbox", .hash = "shard", .range = "place", .numbers = outbox_numbers};
// One item an event and consumer group; kept longer than any log keeps its events.
inline constexpr kv_table inbox_table{
    .name = "ecommerce-inbox", .hash = "consumer", .range = "event_id", .ttl = "expires_at"};
inline constexpr std::chrono::hours inbox_kept{24 * 14};

item outbox_item(const event& what, int nth);
item inbox_item(const delivery& what, timestamp now);
result<event> event_of_outbox(const item& from);

// Engine-neutral: `store` need not know events or receipts. Thread rule: the store's.
class outboxed_items final : public key_value {
 public:
    // `topics`: those that may be published to, others are `invalid` (unknown_topic), since no
    // relay could ever bring their events; none given: any.
    outboxed_items(key_value& store, clock& time, std::vector<std::string> topics = {})
        : store_(store), time_(time), topics_(std::move(topics)) {}
    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        return store_.get(table, std::move(key));
    }
    task<result<kv_page>> query(kv_query what) override { return store_.query(std::move(what)); }
    task<result<write_outcome>> write(write_set what) override;
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        return store_.scan(table, std::move(after), limit);
    }

 private:
    key_value& store_;
    clock& time_;
    std::vector<std::string> topics_;
};

}  // namespace stoa
