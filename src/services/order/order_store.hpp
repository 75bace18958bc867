// Orders in the key_value port: one item an order, lines inside it.
#pragma once

#include "ports/key_value.hpp"
#include "services/order/order_api.hpp"

namespace stoa::orders {

// What is stored: the order as clients see it, and what only the service needs.
struct order_record : order {
    std::optional<std::string> scope_key;       // of the idempotency row, while it is open
    std::optional<std::string> payment_method;  // named with the order
    std::optional<std::string> cart_note;       // of the cart it was ordered from
    std::optional<std::int32_t> due_shard;      // with due_at: the sweeper must look then
    std::optional<timestamp> due_at;
    // user_id#status, for the index by both. Absent in orders last written before there was one:
    // those are in no counter of their user's statuses either.
    std::optional<std::string> user_status;
};
BOOST_DESCRIBE_STRUCT(order_record, (order),
                      (scope_key, payment_method, cart_note, due_shard, due_at, user_status))

inline constexpr int due_shards = 16;
inline constexpr kv_index order_indexes[] = {
    {"by_user", "user_id", "created_at"},
    {"by_user_status", "user_status", "created_at"},
    {"by_status", "status", "created_at"},
    {"by_due", "due_shard", "due_at"},
};
inline constexpr std::string_view order_numbers[] = {"due_shard"};
inline constexpr kv_table orders_table{
    .name = "ecommerce-orders", .hash = "id", .indexes = order_indexes, .numbers = order_numbers};
// Totals: `orders:<shard>` has a number for each status, `orders:user:<id>` one for each of that
// user's and `all`.
inline constexpr kv_table counters_table{.name = "ecommerce-counters", .hash = "name"};

// A place in a list: newest first, ties by id.
struct position {
    std::string created_at, id;
};
std::string write_cursor(const position& at);
std::optional<position> read_cursor(std::string_view text);

// Thread rule: no state of its own; any loop. Counter shards: 1 embedded, 16 where one hot item
// would throttle.
class order_store {
 public:
    explicit order_store(key_value& items, int counter_shards = 1)
        : items_(items), counter_shards_(counter_shards) {}

    task<result<std::optional<order_record>>> get(std::string id);
    task<result<write_outcome>> commit(write_set what) { return items_.write(std::move(what)); }

    // Sets what the indexes need in `fresh`, so that it is as stored.
    void insert(write_set& in, order_record& fresh) const;
    // Replaces `before`, as it was read or inserted, by `after`, which gets the next version; fails
    // its condition where another came first.
    void save(write_set& in, const order_record& before, order_record& after) const;

    struct filter {
        std::optional<std::string> user_id;
        std::vector<order_status> statuses;  // empty: all
    };
    // Looks at about as many items as it returns or skips, whatever the number of orders.
    task<result<std::vector<order>>> list(filter what, std::optional<position> after, int skip,
                                          int limit);
    // From counters; one walk over a user's orders where some were last written before there were
    // counters of a user's statuses.
    task<result<std::int64_t>> count(filter what);
    // Of all orders, by status in their order. Reads each counter once.
    task<result<std::vector<std::int64_t>>> count_by_status();

    // Ids of a user's orders, newest first, and whether there are more. From an index: may be
    // behind, look at the order.
    struct some_ids {
        std::vector<std::string> ids;
        bool more = false;
    };
    task<result<some_ids>> of_user(std::string user_id, int limit);

    // Ids of orders that were due at `now`, oldest first. From an index: may be behind, look at the
    // order.
    task<result<std::vector<std::string>>> due(int shard, timestamp now, int limit);

    // Orders whose deadline, or else last step on the way to `cancelled`, was before `at`: what has
    // waited longest first. Looks at 2,000 at most.
    task<result<std::vector<order>>> waiting_since_before(timestamp at);

 private:
    // The counters of one user; `whole` where they know the status of every order, so that the
    // index by user and status does too.
    struct user_counters {
        item numbers;
        bool whole = true;
    };
    task<result<user_counters>> counters_of(std::string user_id);
    std::string counter_name(std::string_view order_id) const;
    key_value& items_;
    int counter_shards_;
};

}  // namespace stoa::orders
