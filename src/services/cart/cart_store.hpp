// Carts in the key_value port: one item a line, so that lines change independently.
#pragma once

#include "ports/key_value.hpp"
#include "services/cart/cart.hpp"

#include <algorithm>
#include <map>

namespace stoa::carts {

inline constexpr int due_shards = 16;
inline constexpr kv_index cart_indexes[] = {{"by_product", "product_id"}};
inline constexpr kv_table carts_table{.name = "ecommerce-carts",
                                      .hash = "user_id",
                                      .range = "product_id",
                                      .indexes = cart_indexes,
                                      .ttl = "expires_at"};
// What carts must remember besides lines: deleted products (`deleted:<product>`) and those that
// came back (`restored:<product>`), each with the product's version then, which lines an order was
// placed over (`ordered:<order>`), chunks of a paid order that are done
// (`paid:<event>:<chunk>`), and where a guest's cart went (`merged:<guest>`).
inline constexpr kv_index guard_indexes[] = {{"by_due", "due_shard", "due_at"}};
inline constexpr std::string_view guard_numbers[] = {"due_shard"};
inline constexpr kv_table guards_table{.name = "ecommerce-cart-guards",
                                       .hash = "id",
                                       .indexes = guard_indexes,
                                       .ttl = "expires_at",
                                       .numbers = guard_numbers};

inline std::string tombstone_id(std::string_view product_id) {
    return "deleted:" + std::string(product_id);
}

// Thread rule: no state of its own; any loop.
class cart_store {
 public:
    explicit cart_store(key_value& items) : items_(items) {}

    // Lines by product id, expired ones too: who reads them filters.
    task<result<std::vector<line>>> lines_of(std::string user_id);
    task<result<std::optional<line>>> get(std::string user_id, std::string product_id);
    task<result<write_outcome>> commit(write_set what) { return items_.write(std::move(what)); }

    // Fails its condition unless the line is as `standing` says: absent, or expired at that second.
    void insert(write_set& in, const line& fresh, const std::optional<line>& standing) const;
    void overwrite(write_set& in, const line& to) const;
    // Takes n of a line that has more.
    void take(write_set& in, const line& from, std::int64_t n) const;
    // Takes the whole line; fails its condition where the quantity changed.
    void erase(write_set& in, const line& whole) const;
    void forget(write_set& in, std::string_view user_id, std::string_view product_id) const;

    // Tombstones of deleted products.
    void refuse_if_deleted(write_set& in, std::string_view product_id) const;
    // What is known of a product's end: its tombstone and its last return.
    struct fate {
        std::optional<item> stone, back;

        // Of the product, after the last event of either kind; 0: none.
        std::int64_t version() const {
            const auto of = [](const auto& guard) { return guard ? guard->integer("version") : 0; };
            return std::max<std::int64_t>(of(stone), of(back));
        }
    };
    task<result<fate>> fate_of(std::string product_id);
    // Both fail their condition where the product's fate is no longer `seen`.
    void bury(write_set& in, std::string_view product_id, std::int64_t version, const fate& seen,
              timestamp look_again_at, timestamp until) const;
    void lift(write_set& in, std::string_view product_id, std::int64_t version, const fate& seen,
              timestamp until) const;
    // Looks at the tombstone; one whose time is over is removed, since conditions cannot tell.
    task<result<bool>> deleted(std::string product_id, timestamp now);
    // Takes a product's lines out of all carts that the index knows, while its tombstone stands.
    // How many.
    task<result<int>> empty_of(std::string product_id);
    // Products whose carts must be emptied once more. From an index: may be behind.
    task<result<std::vector<std::string>>> due(int shard, timestamp now, int limit);
    task<result<void>> rest(std::string product_id);

    // The lines that stood in the cart when an order was placed past it, by product: a line is
    // known by when it was begun.
    using line_ages = std::map<std::string, timestamp, std::less<>>;
    void remember_order(write_set& in, std::string_view order_id, const line_ages& lines,
                        timestamp until) const;
    task<result<line_ages>> ordered_over(std::string order_id);

    // Where the cart of a guest went; nothing if nowhere.
    task<result<std::optional<std::string>>> merged_into(std::string guest_id);
    void remember_merge(write_set& in, std::string_view guest_id, std::string_view user_id,
                        timestamp until) const;

 private:
    key_value& items_;
};

inline item key_of_line(std::string_view user_id, std::string_view product_id) {
    return key_of("user_id", user_id, "product_id", product_id);
}

}  // namespace stoa::carts
