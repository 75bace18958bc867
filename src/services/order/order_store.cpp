#include "services/order/order_store.hpp"

#include "base/ids.hpp"
#include "base/planted.hpp"

#include <algorithm>
#include <utility>

namespace stoa::orders {
namespace {

int due_shard_of(std::string_view id) { return static_cast<int>(stable_hash(id) % due_shards); }

std::string user_status_of(std::string_view user_id, order_status status) {
    return std::string(user_id) + '#' + std::string(word_of(status));
}

void set_index_attributes(order_record& of) {
    of.due_shard = of.due_at ? std::optional(due_shard_of(of.id)) : std::nullopt;
    of.user_status = user_status_of(of.user_id, of.status);
}

item user_counter(std::string_view user_id) {
    return key_of("name", "orders:user:" + std::string(user_id));
}

// One index range, newest first, read a page at a time.
class index_walk {
 public:
    index_walk(key_value& items, kv_query query) : items_(items), query_(std::move(query)) {}

    // The next item without consuming it; null at the end.
    task<result<const item*>> peek() {
        while (at_ == page_.items.size() && !ended_) {
            auto next = co_await items_.query(query_);
            if (!next) co_return std::unexpected(std::move(next).error());
            page_ = *std::move(next);
            at_ = 0;
            query_.after = page_.next;
            ended_ = !page_.next.has_value();
        }
        co_return at_ < page_.items.size() ? &page_.items[at_] : nullptr;
    }
    void pop() { ++at_; }

 private:
    key_value& items_;
    kv_query query_;
    kv_page page_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

bool newer(const item& a, const item& b) {
    const auto by_time = a.text("created_at") <=> b.text("created_at");
    return by_time != 0 ? by_time > 0 : a.text("id") > b.text("id");
}

std::vector<order_status> or_all(std::vector<order_status> statuses) {
    if (statuses.empty())
        for (std::size_t i = 0; i < type_of<order_status>.words.size(); ++i)
            statuses.push_back(static_cast<order_status>(i));
    return statuses;
}

}  // namespace

std::string write_cursor(const position& at) { return at.created_at + '_' + at.id; }

std::optional<position> read_cursor(std::string_view text) {
    const auto cut = text.find('_');
    if (cut == std::string_view::npos || !is_uuid(text.substr(cut + 1))) return {};
    const auto time = read_rfc3339(text.substr(0, cut));
    if (!time) return {};
    return position{rfc3339(*time), std::string(text.substr(cut + 1))};
}

task<result<std::optional<order_record>>> order_store::get(std::string id) {
    return items_.find<order_record>(orders_table, key_of("id", std::move(id)));
}

std::string order_store::counter_name(std::string_view order_id) const {
    const auto shard = stable_hash(order_id) % static_cast<std::uint64_t>(counter_shards_);
    return "orders:" + std::to_string(shard);
}

void order_store::insert(write_set& in, order_record& fresh) const {
    set_index_attributes(fresh);
    in.put(orders_table, to_item(fresh), {absent("id")});
    in.update(counters_table, key_of("name", counter_name(fresh.id)),
              {add_to(word_of(fresh.status), 1)});
    in.update(counters_table, user_counter(fresh.user_id),
              {add_to("all", 1), add_to(word_of(fresh.status), 1)});
}

void order_store::save(write_set& in, const order_record& before, order_record& after) const {
    after.version = before.version + 1;
    set_index_attributes(after);
    in.put(orders_table, to_item(after),
           {planted(planted_bug::order_saved_whatever_came_between)
                ? exists("version")
                : equals("version", before.version)});
    if (after.status != before.status)
        in.update(counters_table, key_of("name", counter_name(after.id)),
                  {add_to(word_of(before.status), -1), add_to(word_of(after.status), 1)});
    if (after.user_status == before.user_status) return;
    // What no user's status counts yet is counted from here on, and taken from none.
    std::vector<change> leaves, joins{add_to(word_of(after.status), 1)};
    if (before.user_status) leaves.push_back(add_to(word_of(before.status), -1));
    if (after.user_id != before.user_id) {
        leaves.push_back(add_to("all", -1));
        joins.push_back(add_to("all", 1));
        in.update(counters_table, user_counter(before.user_id), std::move(leaves));
    } else {
        // An item stands in a transaction once.
        joins.insert(joins.end(), leaves.begin(), leaves.end());
    }
    in.update(counters_table, user_counter(after.user_id), std::move(joins));
}

task<result<std::vector<order>>> order_store::list(filter what, std::optional<position> after,
                                                   int skip, int limit) {
    // One walk a status, or one over all of the user's orders; merged by age.
    std::vector<index_walk> walks;
    const auto add_walk = [&](std::string_view index, std::string_view hash_name, attribute hash) {
        kv_query query{.table = &orders_table,
                       .index = index,
                       .hash = hash,
                       .forwards = false,
                       .limit = std::clamp(limit + skip, 1, 100)};
        if (after) {
            item key = key_of("id", after->id);
            key.set(hash_name, std::move(hash));
            key.set("created_at", after->created_at);
            query.after = std::move(key);
        }
        walks.emplace_back(items_, std::move(query));
    };
    const auto statuses = or_all(what.statuses);
    bool by_status = !what.user_id;
    if (what.user_id && !what.statuses.empty()) {
        STOA_CO_TRY(const auto counters, co_await counters_of(*what.user_id));
        by_status = counters.whole;
    }
    if (!by_status) add_walk("by_user", "user_id", *what.user_id);
    else if (what.user_id)
        for (const auto status : statuses)
            add_walk("by_user_status", "user_status", user_status_of(*what.user_id, status));
    else
        for (const auto status : statuses) add_walk("by_status", "status", word_of(status));

    std::vector<order> out;
    std::string last_id;
    while (std::ssize(out) < limit) {
        index_walk* best = nullptr;
        const item* newest = nullptr;
        for (auto& walk : walks) {
            STOA_CO_TRY(const item* head, co_await walk.peek());
            if (head && (!newest || newer(*head, *newest))) newest = head, best = &walk;
        }
        if (!best) break;
        STOA_CO_TRY(auto found, from_item<order>(*newest));
        best->pop();
        // An order that moves between the walks' reads stands in two of them.
        if (std::exchange(last_id, found.id) == found.id) continue;
        if (what.user_id && std::ranges::find(statuses, found.status) == statuses.end()) continue;
        if (skip-- > 0) continue;
        out.push_back(std::move(found));
    }
    co_return out;
}

task<result<order_store::user_counters>> order_store::counters_of(std::string user_id) {
    STOA_CO_TRY(auto stored, co_await items_.get(counters_table, user_counter(user_id)));
    user_counters out;
    if (stored) out.numbers = *std::move(stored);
    std::int64_t known = 0;
    for (const auto status : or_all({})) known += out.numbers.integer(word_of(status));
    out.whole = known == out.numbers.integer("all");
    co_return out;
}

task<result<std::int64_t>> order_store::count(filter what) {
    std::int64_t total = 0;
    if (what.user_id) {
        STOA_CO_TRY(const auto counters, co_await counters_of(*what.user_id));
        if (what.statuses.empty()) co_return counters.numbers.integer("all");
        if (counters.whole) {
            for (const auto status : what.statuses)
                total += counters.numbers.integer(word_of(status));
            co_return total;
        }
        index_walk walk(items_,
                        {.table = &orders_table, .index = "by_user", .hash = *what.user_id});
        for (;;) {
            STOA_CO_TRY(const item* head, co_await walk.peek());
            if (!head) co_return total;
            const auto status = read_word<order_status>(head->text("status"));
            total += status && std::ranges::find(what.statuses, *status) != what.statuses.end();
            walk.pop();
        }
    }
    STOA_CO_TRY(const auto counts, co_await count_by_status());
    for (const auto status : or_all(what.statuses))
        total += counts[static_cast<std::size_t>(status)];
    co_return total;
}

task<result<std::vector<std::int64_t>>> order_store::count_by_status() {
    const auto statuses = or_all({});
    std::vector<std::int64_t> out(statuses.size());
    for (int shard = 0; shard < counter_shards_; ++shard) {
        STOA_CO_TRY(
            const auto counter,
            co_await items_.get(counters_table, key_of("name", "orders:" + std::to_string(shard))));
        if (!counter) continue;
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] += counter->integer(word_of(statuses[i]));
    }
    co_return out;
}

task<result<order_store::some_ids>> order_store::of_user(std::string user_id, int limit) {
    STOA_CO_TRY(const auto page, co_await items_.query({.table = &orders_table,
                                                        .index = "by_user",
                                                        .hash = std::move(user_id),
                                                        .forwards = false,
                                                        .limit = limit}));
    some_ids out{.more = page.next.has_value()};
    for (const auto& each : page.items) out.ids.emplace_back(each.text("id"));
    co_return out;
}

task<result<std::vector<std::string>>> order_store::due(int shard, timestamp now, int limit) {
    STOA_CO_TRY(auto page, co_await items_.query({.table = &orders_table,
                                                  .index = "by_due",
                                                  .hash = shard,
                                                  .range = kv_query::op::at_most,
                                                  .from = rfc3339(now),
                                                  .limit = limit}));
    std::vector<std::string> ids;
    for (const auto& each : page.items) ids.emplace_back(each.text("id"));
    co_return ids;
}

task<result<std::vector<order>>> order_store::waiting_since_before(timestamp at) {
    constexpr int most = 1'000;  // by deadline, and as many that are being cancelled
    std::vector<order_record> found;
    for (int shard = 0; shard < due_shards && std::ssize(found) < most; ++shard) {
        index_walk walk(items_, {.table = &orders_table,
                                 .index = "by_due",
                                 .hash = shard,
                                 .range = kv_query::op::at_most,
                                 .from = rfc3339(at),
                                 .limit = 100});
        while (std::ssize(found) < most) {
            STOA_CO_TRY(const item* head, co_await walk.peek());
            if (!head) break;
            STOA_CO_TRY(auto one, from_item<order_record>(*head));
            walk.pop();
            if (one.due_at && *one.due_at < at) found.push_back(std::move(one));
        }
    }
    index_walk cancelling(items_, {.table = &orders_table,
                                   .index = "by_status",
                                   .hash = word_of(order_status::cancelling),
                                   .limit = 100});
    for (int looked = 0; looked < most; ++looked) {
        STOA_CO_TRY(const item* head, co_await cancelling.peek());
        if (!head) break;
        STOA_CO_TRY(auto one, from_item<order_record>(*head));
        cancelling.pop();
        if (!one.due_at && one.updated_at < at) found.push_back(std::move(one));
    }
    std::ranges::sort(found, {}, [](const order_record& one) {
        return std::pair(one.due_at.value_or(one.updated_at), one.id);
    });
    std::vector<order> out;
    for (auto& each : found) out.push_back(static_cast<order&&>(each));
    co_return out;
}

}  // namespace stoa::orders
