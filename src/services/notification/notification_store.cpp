#include "services/notification/notification_store.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <tuple>

namespace stoa::notifications {
namespace {

void set_due_shard(notification_record& of) {
    of.due_shard =
        of.due_at ? std::optional(static_cast<std::int64_t>(stable_hash(of.event_id) % due_shards))
                  : std::nullopt;
}

}  // namespace

std::string write_cursor(const position& at) {
    return at.created_at + '_' + at.event_id + '_' + at.channel;
}

std::optional<position> read_cursor(std::string_view text) {
    const auto first = text.find('_'), last = text.rfind('_');
    if (first == std::string_view::npos || first == last || last + 1 == text.size()) return {};
    const auto time = read_rfc3339(text.substr(0, first));
    if (!time || last == first + 1) return {};
    return position{rfc3339(*time), std::string(text.substr(first + 1, last - first - 1)),
                    std::string(text.substr(last + 1))};
}

task<result<std::optional<notification_record>>> notification_store::get(std::string event_id,
                                                                         std::string channel) {
    return items_.find<notification_record>(
        notifications_table,
        key_of("event_id", std::move(event_id), "channel", std::move(channel)));
}

task<result<std::vector<notification_record>>> notification_store::of_event(std::string event_id) {
    STOA_CO_TRY(const auto page, co_await items_.query(
                                     {.table = &notifications_table, .hash = std::move(event_id)}));
    std::vector<notification_record> out;
    for (const auto& each : page.items) {
        STOA_CO_TRY(auto one, from_item<notification_record>(each));
        out.push_back(std::move(one));
    }
    co_return out;
}

void notification_store::insert(write_set& in, notification_record fresh) const {
    set_due_shard(fresh);
    in.put(notifications_table, to_item(fresh), {absent("event_id")});
}

void notification_store::replace(write_set& in, const notification_record& before,
                                 notification_record& after) const {
    after.version = before.version + 1;
    set_due_shard(after);
    in.put(notifications_table, to_item(after), {equals("version", before.version)});
}

task<result<void>> notification_store::walk(std::vector<notification_record>& out,
                                            std::string_view index, std::string_view hash_name,
                                            attribute hash, const filter& what,
                                            const std::optional<position>& after, int limit) {
    kv_query query{.table = &notifications_table,
                   .index = index,
                   .hash = hash,
                   .forwards = false,
                   .limit = limit};
    if (after) {
        item from = key_of("event_id", after->event_id, "channel", after->channel);
        from.set(hash_name, std::move(hash));
        from.set("created_at", after->created_at);
        query.after = std::move(from);
    }
    for (int found = 0; found < limit;) {
        STOA_CO_TRY(auto page, co_await items_.query(query));
        for (const auto& each : page.items) {
            STOA_CO_TRY(auto one, from_item<notification_record>(each));
            if (what.status && one.status != *what.status) continue;
            out.push_back(std::move(one));
            ++found;
        }
        if (!page.next) break;
        query.after = std::move(page.next);
    }
    co_return result<void>{};
}

task<result<std::vector<notification_record>>> notification_store::list(
    filter what, std::optional<position> after, int limit) {
    std::vector<notification_record> out;
    if (what.order_id) {
        STOA_CO_TRY_VOID(
            co_await walk(out, "by_order", "order_id", *what.order_id, what, after, limit));
    } else {
        for (std::size_t i = 0; i < type_of<notification_status>.words.size(); ++i) {
            const auto status = static_cast<notification_status>(i);
            if (what.status && *what.status != status) continue;
            STOA_CO_TRY_VOID(
                co_await walk(out, "by_status", "status", word_of(status), what, after, limit));
        }
    }
    std::ranges::sort(out, std::ranges::greater{}, [](const notification_record& each) {
        return std::tuple(each.created_at, std::string_view(each.event_id),
                          std::string_view(each.channel));
    });
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<result<std::vector<notification_store::key>>> notification_store::due(int shard, timestamp now,
                                                                           int limit) {
    STOA_CO_TRY(const auto page, co_await items_.query({.table = &notifications_table,
                                                        .index = "by_due",
                                                        .hash = shard,
                                                        .range = kv_query::op::at_most,
                                                        .from = rfc3339(now),
                                                        .limit = limit}));
    std::vector<key> out;
    for (const auto& each : page.items)
        out.push_back({std::string(each.text("event_id")), std::string(each.text("channel"))});
    co_return out;
}

}  // namespace stoa::notifications
