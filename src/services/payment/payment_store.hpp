// Payments in the key_value port: one head item an order, an item an attempt, an item a refund, in
// one table.
#pragma once

#include "ports/key_value.hpp"
#include "services/payment/payment.hpp"

namespace stoa::payments {

inline constexpr int due_shards = 16;
inline constexpr kv_index payment_indexes[] = {
    {"by_order", "order_id", "created_at"},
    {"by_due", "due_shard", "due_at"},
};
inline constexpr std::string_view payment_numbers[] = {"due_shard"};
inline constexpr kv_table payments_table{.name = "ecommerce-payments",
                                         .hash = "id",
                                         .indexes = payment_indexes,
                                         .numbers = payment_numbers};

inline std::string head_id(std::string_view order_id) { return "order:" + std::string(order_id); }
inline std::string refund_id(std::string_view order_id, std::int32_t n) {
    return "refund:" + std::string(order_id) + ':' + std::to_string(n);
}

// Thread rule: no state of its own; any loop.
class payment_store {
 public:
    explicit payment_store(key_value& items) : items_(items) {}

    task<result<std::optional<payment_head>>> head_of(std::string order_id) {
        return items_.find<payment_head>(payments_table, key_of("id", head_id(order_id)));
    }
    task<result<std::optional<payment>>> attempt(std::string payment_id) {
        return items_.find<payment>(payments_table, key_of("id", std::move(payment_id)));
    }
    task<result<std::optional<refund>>> refund_of(std::string id) {
        return items_.find<refund>(payments_table, key_of("id", std::move(id)));
    }
    task<result<write_outcome>> commit(write_set what) { return items_.write(std::move(what)); }

    // Inserting fails its condition where the item exists; replacing where it is not at `before`'s
    // version.
    void insert(write_set& in, payment_head fresh) const;
    void insert(write_set& in, const payment& fresh) const;
    void insert(write_set& in, refund fresh) const;
    void replace(write_set& in, const payment_head& before, payment_head& after) const;
    void replace(write_set& in, const payment& before, payment& after) const;
    void replace(write_set& in, const refund& before, refund& after) const;
    // The attempt of a head in review, which leaves that state in the same transaction: both are
    // only ever written together, so the head's condition stands for both.
    void cancel_reviewed(write_set& in, std::string_view payment_id, timestamp now) const;

    task<result<std::vector<payment>>> attempts_of(std::string order_id);
    // Ids (heads and refunds) that were due at `now`. From an index: may be behind, look at the
    // item.
    task<result<std::vector<std::string>>> due(int shard, timestamp now, int limit);

 private:
    key_value& items_;
};

}  // namespace stoa::payments
