// Notifications in the key_value port: one item an event and channel.
#pragma once

#include "ports/key_value.hpp"
#include "services/notification/notification.hpp"

namespace stoa::notifications {

// What is stored: the notification as operators see it, and what only the service needs.
struct notification_record : notification {
    bool secret = false;                 // the body is for its recipient alone
    std::optional<timestamp> not_after;  // worthless then: not sent any more
    std::optional<std::int64_t> due_shard;
};
BOOST_DESCRIBE_STRUCT(notification_record, (notification), (secret, not_after, due_shard))

inline constexpr int due_shards = 16;
inline constexpr kv_index notification_indexes[] = {
    {"by_order", "order_id", "created_at"},
    {"by_status", "status", "created_at"},
    {"by_due", "due_shard", "due_at"},
};
inline constexpr std::string_view notification_numbers[] = {"due_shard"};
inline constexpr kv_table notifications_table{.name = "ecommerce-notifications",
                                              .hash = "event_id",
                                              .range = "channel",
                                              .indexes = notification_indexes,
                                              .numbers = notification_numbers};

// A place in a list: newest first.
struct position {
    std::string created_at, event_id, channel;
};
std::string write_cursor(const position& at);
std::optional<position> read_cursor(std::string_view text);

// Thread rule: no state of its own; any loop.
class notification_store {
 public:
    explicit notification_store(key_value& items) : items_(items) {}

    task<result<std::optional<notification_record>>> get(std::string event_id, std::string channel);
    task<result<std::vector<notification_record>>> of_event(std::string event_id);
    task<result<write_outcome>> commit(write_set what) { return items_.write(std::move(what)); }

    void insert(write_set& in, notification_record fresh) const;
    // Fails its condition where another change came first. `after` gets the next version.
    void replace(write_set& in, const notification_record& before,
                 notification_record& after) const;

    struct filter {
        std::optional<std::string> order_id;
        std::optional<notification_status> status;
    };
    task<result<std::vector<notification_record>>> list(filter what, std::optional<position> after,
                                                        int limit);
    struct key {
        std::string event_id, channel;
    };
    // Due at `now`, oldest first. From an index: may be behind, look at the item.
    task<result<std::vector<key>>> due(int shard, timestamp now, int limit);

 private:
    task<result<void>> walk(std::vector<notification_record>& out, std::string_view index,
                            std::string_view hash_name, attribute hash, const filter& what,
                            const std::optional<position>& after, int limit);
    key_value& items_;
};

}  // namespace stoa::notifications
