#include "adapters/sqlite/sqlite_snapshot.hpp"

#include "adapters/sqlite/kv_write.hpp"
#include "adapters/sqlite/sqlite_file.hpp"
#include "ports/item_codec.hpp"

#include <algorithm>

namespace stoa {
namespace {

// As an argument of SQLite's json_each. Topic names need no escapes.
std::string as_list(const std::vector<std::string_view>& words) {
    std::string out = "[";
    for (const auto word : words) ((out += out.size() > 1 ? ",\"" : "\"") += word) += '"';
    return out + ']';
}

#define EVENTS_OF_TOPICS                                                                      \
    "FROM log_partitions p CROSS JOIN events e ON e.position >= p.id << 40 AND e.position < " \
    "(p.id + 1) << 40 WHERE p.topic IN (SELECT value FROM json_each(?1)) "

}  // namespace

snapshot_rows::snapshot_rows(sqlite_connection& db, const char* sql, std::vector<std::string> texts)
    : texts_(std::move(texts)), statement_(db, db.borrow(sql, static_cast<int>(texts_.size()))) {
    for (int at = 0; const auto& each : texts_) statement_.bind(++at, each);
}

std::optional<item> snapshot_items::next() {
    if (!from_->next()) return {};
    return decode_item(from_->row().bytes(0));
}

std::optional<snapshot_event> snapshot_events::next() {
    if (!from_->next()) return {};
    const auto& row = from_->row();
    const auto position = row.integer(0);
    const auto* of = of_.find_partition(position >> offset_bits);
    if (!of) return next();
    return snapshot_event{.key = std::string(row.text(1)),
                          .id = std::string(row.text(4)),
                          .type = std::string(row.text(2)),
                          .topic = of->topic,
                          .partition = of->number,
                          .offset = offset_in(position),
                          .version = row.integer(3)};
}

sqlite_snapshot::sqlite_snapshot(std::unique_ptr<sqlite_connection> db, const kv_schema& schema)
    : db_(std::move(db)), schema_(&schema) {
    // The transaction's moment is that of its first read. What is joined, sorted and looked up by
    // key wants more room than a request does.
    db_->script("PRAGMA cache_size=-32768; BEGIN");
    auto found = rows(
        "SELECT p.id, p.topic, p.partition, p.first_offset, (SELECT max(e.position) FROM events e "
        "WHERE e.position >= p.id << 40 AND e.position < (p.id + 1) << 40) FROM log_partitions p "
        "ORDER BY p.id");
    while (found->next()) {
        const auto& row = found->row();
        const auto first = row.integer(3);
        partitions_.push_back({row.integer(0), std::string(row.text(1)),
                               static_cast<int>(row.integer(2)), first,
                               row.null(4) ? first : offset_in(row.integer(4)) + 1});
    }
}

sqlite_snapshot::~sqlite_snapshot() = default;

const char* sqlite_snapshot::kept(std::string sql) const {
    auto& found = texts_[sql];
    if (!found) found = std::make_unique<std::string>(std::move(sql));
    return found->c_str();
}

std::unique_ptr<snapshot_rows> sqlite_snapshot::rows(const char* sql,
                                                     std::vector<std::string> texts) const {
    return std::make_unique<snapshot_rows>(*db_, sql, std::move(texts));
}

std::int64_t sqlite_snapshot::number(const char* sql, std::vector<std::string> texts) const {
    const auto found = rows(sql, std::move(texts));
    return found->next() && !found->row().null(0) ? found->row().integer(0) : 0;
}

const kv_state& sqlite_snapshot::state_of(const kv_table& table) const {
    const auto* found = schema_->find(&table);
    if (!found)
        throw sql_failure{
            error{.kind = errc::internal,
                  .code = "unknown_table",
                  .detail = "table " + std::string(table.name) + " was not declared"}};
    return *found;
}

snapshot_items sqlite_snapshot::items(const kv_table& table) const {
    const auto& in = state_of(table);
    return snapshot_items(rows(kept("SELECT body FROM " + in.items.relation + " ORDER BY h" +
                                    (in.ranged() ? ", r" : ""))));
}

snapshot_items sqlite_snapshot::items_by(const kv_table& table, std::string_view index) const {
    const auto& in = state_of(table);
    const auto path = std::ranges::find(in.indexes, index, &kv_path::name);
    if (path == in.indexes.end())
        throw sql_failure{error{.kind = errc::internal, .code = "unknown_index"}};
    return snapshot_items(
        rows(kept("SELECT m.body FROM " + path->relation + " i CROSS JOIN " + in.items.relation +
                  " m ON m.h = i.h" + (in.ranged() ? " AND m.r = i.r" : "") + " ORDER BY i.ih" +
                  (path->range.empty() ? "" : ", i.ir") + ", i.h" + (in.ranged() ? ", i.r" : ""))));
}

std::optional<item> sqlite_snapshot::get(const kv_table& table, const item& key) const {
    return read_item_row(*db_, state_of(table), key);
}

std::vector<item> sqlite_snapshot::query(const kv_table& table, std::string_view index,
                                         std::string hash, std::string_view from) const {
    const auto& in = state_of(table);
    const auto path = std::ranges::find(in.indexes, index, &kv_path::name);
    if (path == in.indexes.end())
        throw sql_failure{error{.kind = errc::internal, .code = "unknown_index"}};
    snapshot_items found(
        rows(kept("SELECT m.body FROM " + path->relation + " i CROSS JOIN " + in.items.relation +
                  " m ON m.h = i.h" + (in.ranged() ? " AND m.r = i.r" : "") +
                  " WHERE i.ih = ?1 AND " + (path->range.empty() ? "'' " : "i.ir") + " >= ?2"),
             {std::move(hash), std::string(from)}));
    std::vector<item> out;
    while (auto one = found.next()) out.push_back(*std::move(one));
    return out;
}

std::int64_t sqlite_snapshot::count(const kv_table& table) const {
    const auto& in = state_of(table);
    // An index is smaller to read through; it may lack some.
    const auto& relation = in.indexes.empty() ? in.items.relation : in.indexes.front().relation;
    return number(kept("SELECT count(*) FROM " + relation));
}

const sqlite_snapshot::partition* sqlite_snapshot::find_partition(std::int64_t id) const {
    const auto found = std::ranges::lower_bound(partitions_, id, {}, &partition::id);
    return found != partitions_.end() && found->id == id ? &*found : nullptr;
}

std::vector<sqlite_snapshot::group_share> sqlite_snapshot::groups() const {
    std::vector<group_share> out;
    const auto found = rows(
        "SELECT c.consumer_group, p.topic, p.partition, c.next_offset FROM log_consumers c "
        "JOIN log_partitions p ON p.id = c.partition_id ORDER BY 1, 2, 3");
    while (found->next()) {
        const auto& row = found->row();
        out.push_back({std::string(row.text(0)), std::string(row.text(1)),
                       static_cast<int>(row.integer(2)), row.integer(3)});
    }
    return out;
}

std::vector<sqlite_snapshot::group_share> sqlite_snapshot::inbox() const {
    std::vector<group_share> out;
    const auto found = rows(
        "SELECT c.consumer_group, p.topic, p.partition, i.position & ((1 << 40) - 1) FROM inbox i "
        "JOIN log_consumers c ON c.id = i.position >> 40 "
        "JOIN log_partitions p ON p.id = c.partition_id ORDER BY i.position");
    while (found->next()) {
        const auto& row = found->row();
        out.push_back({std::string(row.text(0)), std::string(row.text(1)),
                       static_cast<int>(row.integer(2)), row.integer(3)});
    }
    return out;
}

std::vector<sqlite_snapshot::parked_key> sqlite_snapshot::parked() const {
    std::vector<parked_key> out;
    const auto found = rows("SELECT consumer_group, topic, key FROM parked_keys");
    while (found->next()) {
        const auto& row = found->row();
        out.push_back(
            {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))});
    }
    return out;
}

snapshot_events sqlite_snapshot::events_by_key(const std::vector<std::string_view>& topics) const {
    // Without ids, which nobody asks for here: what is sorted should be small.
    return {rows("SELECT e.position, e.key, e.type, e.version, '' " EVENTS_OF_TOPICS
                 "ORDER BY e.key, e.position",
                 {as_list(topics)}),
            *this};
}

snapshot_events sqlite_snapshot::events_by_id(const std::vector<std::string_view>& topics) const {
    return {
        rows("SELECT e.position, e.key, e.type, e.version, e.id " EVENTS_OF_TOPICS "ORDER BY e.id",
             {as_list(topics)}),
        *this};
}

snapshot_events sqlite_snapshot::events_of(std::string_view topic) const {
    return {rows("SELECT e.position, e.key, e.type, e.version, e.id " EVENTS_OF_TOPICS
                 "ORDER BY p.id, e.position",
                 {as_list({topic})}),
            *this};
}

std::int64_t sqlite_snapshot::last_accepted_micros() const {
    std::int64_t out = 0;
    for (const auto& each : partitions_) {
        const auto last =
            rows("SELECT accepted_at FROM events WHERE position = CAST(?1 AS INTEGER)",
                 {std::to_string(position_of(each.id, each.end - 1))});
        if (last->next()) out = std::max(out, last->row().integer(0));
    }
    return out;
}

#undef EVENTS_OF_TOPICS

}  // namespace stoa
