#include "adapters/sqlite/log_groups.hpp"

#include <algorithm>

namespace stoa {
namespace {

void add(std::optional<timestamp>& to, const sqlite_statement& row, int column, bool later) {
    if (row.null(column)) return;
    const timestamp at{row.integer(column)};
    if (!to || (later ? *to < at : at < *to)) to = at;
}

void read_share(std::vector<log_group>& into, const sqlite_statement& row) {
    const auto name = row.text(0), topic = row.text(1);
    if (into.empty() || into.back().name != name)
        into.push_back({.name = std::string(name), .dead_letters = row.integer(5)});
    auto& topics = into.back().topics;
    if (topics.empty() || topics.back().topic != topic)
        topics.push_back({.topic = std::string(topic)});
    auto& share = topics.back();
    share.lag += row.integer(2);
    add(share.last_done, row, 3, true);
    add(share.behind_since, row, 4, false);
}

}  // namespace

result<std::vector<log_group>> read_log_groups(const std::string& directory) {
    std::vector<log_group> out;
    try {
        sqlite_connection db(directory + "/shop.db", sqlite_connection::mode::read, "");
        // One row a partition, from the ends of its range: no event is scanned but those that lag.
        sqlite_statement rows(
            db,
            "SELECT c.consumer_group, p.topic, "
            "(SELECT count(*) FROM events WHERE position >= (p.id << 40 | c.next_offset) "
            "  AND position < (p.id + 1) << 40), "
            "(SELECT accepted_at FROM events WHERE position >= p.id << 40 "
            "  AND position < (p.id << 40 | c.next_offset) ORDER BY position DESC LIMIT 1), "
            "(SELECT accepted_at FROM events WHERE position >= (p.id << 40 | c.next_offset) "
            "  AND position < (p.id + 1) << 40 ORDER BY position LIMIT 1), "
            "(SELECT count(*) FROM dead_letters d WHERE d.consumer_group = c.consumer_group) "
            "FROM log_consumers c JOIN log_partitions p ON p.id = c.partition_id "
            "ORDER BY c.consumer_group, p.topic, p.partition");
        while (rows.step()) read_share(out, rows);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

task<result<void>> drop_log_group(sqlite_shop& of, std::string name) {
    auto work = [name = std::move(name)](transaction& t) -> result<void> {
        // A receipt's place is the share's id and the offset, as an event's is the partition's.
        t.execute(
            "DELETE FROM inbox WHERE EXISTS (SELECT 1 FROM log_consumers c WHERE "
            "c.consumer_group = ?1 AND inbox.position >= c.id << 40 "
            "AND inbox.position < (c.id + 1) << 40)",
            name);
        t.execute("DELETE FROM inbox_redriven WHERE consumer_group = ?1", name);
        t.execute("DELETE FROM dead_letters WHERE consumer_group = ?1", name);
        t.execute("DELETE FROM parked_keys WHERE consumer_group = ?1", name);
        if (t.execute("DELETE FROM log_consumers WHERE consumer_group = ?1", name) == 0)
            return fail(errc::not_found, "group_not_found", "there is no group `" + name + "`");
        return {};
    };
    co_return co_await of.database().commit(std::move(work));
}

}  // namespace stoa
