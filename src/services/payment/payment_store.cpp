#include "services/payment/payment_store.hpp"

#include "base/ids.hpp"

#include <algorithm>

namespace stoa::payments {
namespace {

template <class T>
void set_due_shard(T& of) {
    of.due_shard =
        of.due_at ? std::optional(static_cast<std::int64_t>(stable_hash(of.order_id) % due_shards))
                  : std::nullopt;
}

template <class T>
void put_new(write_set& in, const T& fresh) {
    in.put(payments_table, to_item(fresh), {absent("id")});
}
template <class T>
void put_next(write_set& in, const T& before, T& after) {
    after.version = before.version + 1;
    in.put(payments_table, to_item(after), {equals("version", before.version)});
}

}  // namespace

void payment_store::insert(write_set& in, payment_head fresh) const {
    set_due_shard(fresh);
    put_new(in, fresh);
}
void payment_store::insert(write_set& in, const payment& fresh) const { put_new(in, fresh); }
void payment_store::insert(write_set& in, refund fresh) const {
    set_due_shard(fresh);
    put_new(in, fresh);
}
void payment_store::replace(write_set& in, const payment_head& before, payment_head& after) const {
    set_due_shard(after);
    put_next(in, before, after);
}
void payment_store::replace(write_set& in, const payment& before, payment& after) const {
    put_next(in, before, after);
}
void payment_store::replace(write_set& in, const refund& before, refund& after) const {
    set_due_shard(after);
    put_next(in, before, after);
}
void payment_store::cancel_reviewed(write_set& in, std::string_view payment_id,
                                    timestamp now) const {
    in.update(payments_table, key_of("id", payment_id),
              {set_to("status", word_of(payment_status::cancelled)),
               set_to("updated_at", rfc3339(now)), add_to("version", 1)});
}

task<result<std::vector<payment>>> payment_store::attempts_of(std::string order_id) {
    std::vector<payment> out;
    kv_query query{.table = &payments_table, .index = "by_order", .hash = std::move(order_id)};
    for (;;) {
        STOA_CO_TRY(auto page, co_await items_.query(query));
        for (const auto& each : page.items) {
            if (!is_uuid(each.text("id"))) continue;  // the head, or a refund
            STOA_CO_TRY(auto one, from_item<payment>(each));
            out.push_back(std::move(one));
        }
        if (!page.next) co_return out;
        query.after = std::move(page.next);
    }
}

task<result<std::vector<std::string>>> payment_store::due(int shard, timestamp now, int limit) {
    STOA_CO_TRY(const auto page, co_await items_.query({.table = &payments_table,
                                                        .index = "by_due",
                                                        .hash = shard,
                                                        .range = kv_query::op::at_most,
                                                        .from = rfc3339(now),
                                                        .limit = limit}));
    std::vector<std::string> ids;
    for (const auto& each : page.items) ids.emplace_back(each.text("id"));
    co_return ids;
}

}  // namespace stoa::payments
