#include "adapters/sqlite/sqlite_event_log.hpp"

#include "adapters/sqlite/sqlite_subscription.hpp"

#include "runtime/log.hpp"

#include <algorithm>

namespace stoa {
namespace {

auto unknown(const std::string& topic) {
    return fail(errc::invalid, "unknown_topic",
                "topic " + topic + " or its partition was not declared");
}

// Columns: position, key, id, type, version, occurred_at, traceparent, payload.
delivery read_delivery(const sqlite_statement& row, const log_partition& of,
                       const std::string& group) {
    delivery out;
    out.group = group;
    out.partition = of.number;
    out.offset = offset_in(row.integer(0));
    out.message = {of.topic->name,           std::string(row.text(1)), std::string(row.text(2)),
                   std::string(row.text(3)), row.integer(4),           timestamp{row.integer(5)},
                   std::string(row.text(6)), std::string(row.text(7))};
    return out;
}

sqlite_transaction& own(transaction& t) { return static_cast<sqlite_transaction&>(t); }

void add_dead_letter(sqlite_transaction& t, const delivery& what, const error& cause,
                     int attempts) {
    auto& log = t.log();
    auto* partition = log.find(what.message.topic, what.partition);
    constexpr auto again =
        "UPDATE dead_letters SET code = ?5, detail = ?6, attempts = attempts + ?7, at = ?8 "
        "WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 AND event_offset = ?4";
    const auto now = log.accepted_at();
    if (t.db.execute(again, what.group, what.message.topic, what.partition, what.offset, cause.code,
                     cause.detail, attempts, now.micros) > 0)
        return;
    auto& letters =
        *partition->topic->dead_letters->partitions[static_cast<std::size_t>(what.partition)];
    auto copy = what.message;
    copy.topic = partition->topic->dead_letters->name;
    const auto offset = log.append(t.db, letters, copy, now);
    t.db.execute(
        "INSERT INTO dead_letters (consumer_group, topic, partition, event_offset, key, "
        "dead_letter_offset, "
        "code, detail, attempts, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        what.group, what.message.topic, what.partition, what.offset, what.message.key, offset,
        cause.code, cause.detail, attempts, now.micros);
    const auto added = t.db.execute(
        "INSERT INTO parked_keys (consumer_group, topic, key) VALUES (?1, ?2, ?3) ON CONFLICT DO "
        "NOTHING",
        what.group, what.message.topic, what.message.key);
    if (added > 0) log.change(log.parked_keys, log.parked_keys + added);
}

void forget_dead_letter(sqlite_transaction& t, const delivery& what) {
    t.db.execute(
        "DELETE FROM dead_letters WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 "
        "AND event_offset = ?4",
        what.group, what.message.topic, what.partition, what.offset);
    const auto gone = t.db.execute(
        "DELETE FROM parked_keys WHERE consumer_group = ?1 AND topic = ?2 AND key = ?3 AND NOT "
        "EXISTS "
        "(SELECT 1 FROM dead_letters WHERE consumer_group = ?1 AND topic = ?2 AND key = ?3)",
        what.group, what.message.topic, what.message.key);
    if (gone > 0) t.log().change(t.log().parked_keys, t.log().parked_keys - gone);
}

// The offset up to which every group that takes this partition is done.
std::int64_t done_by_all(log_state& log, const log_partition& of) {
    auto out = of.next;
    for (const auto* each : log.consumers())
        if (each->partition == &of) out = std::min(out, each->next);
    return out;
}

// Makes a group's shares known on disk, so that retention waits for them in later runs too. Nobody
// waits for it: what is lost is written again with the first receipt.
class remember_consumers final : public sql_job {
 public:
    explicit remember_consumers(std::vector<log_consumer*> all) : all_(std::move(all)) {}
    bool run(transaction& t) override {
        for (auto* each : all_) own(t).log().store(own(t).db, *each);
        return true;
    }
    void reject(error why) override { log_warning("consumers_not_stored", {{"why", why.detail}}); }
    void complete() override {}

 private:
    std::vector<log_consumer*> all_;
};

int trim_partition(sqlite_transaction& t, log_partition& of, timestamp before, int max) {
    const auto until = done_by_all(t.log(), of);
    std::int64_t from = 0, cut = -1;
    int found = 0;
    {
        sqlite_statement rows(
            t.db,
            "SELECT position, accepted_at FROM events WHERE position >= ?1 AND position < ?2 "
            "ORDER BY position LIMIT ?3",
            position_of(of.id, 0), position_of(of.id, until), max);
        while (rows.step() && rows.integer(1) < before.micros) {
            if (found++ == 0) from = rows.integer(0);
            cut = rows.integer(0) + 1;
        }
    }
    if (found == 0) return 0;
    t.db.execute("DELETE FROM events WHERE position >= ?1 AND position < ?2", from, cut);
    t.db.execute("UPDATE log_partitions SET first_offset = ?1 WHERE id = ?2", offset_in(cut),
                 of.id);
    t.log().trimmed(of, offset_in(cut));
    return found;
}

}  // namespace

task<result<void>> sqlite_event_log::append(std::vector<event> events) {
    auto work = [events = std::move(events)](transaction& t) -> result<void> {
        auto& log = own(t).log();
        for (const auto& each : events) log.publish(own(t).db, each, log.accepted_at());
        return {};
    };
    co_return co_await database_.commit(std::move(work));
}

result<std::unique_ptr<subscription>> sqlite_event_log::subscribe(std::string group,
                                                                  std::vector<std::string> topics,
                                                                  lane share) {
    if (share.of < 1 || share.index < 0 || share.index >= share.of)
        return fail(errc::invalid, "lane", "a lane is one of its count");
    std::vector<log_consumer*> mine, all;
    for (const auto& name : topics) {
        auto* topic = state_.find(name);
        if (!topic) return unknown(name);
        for (auto& partition : topic->partitions) {
            // Every share is known from now on, or retention could run ahead of a lane that starts
            // later.
            auto& who = state_.consumer(group, *partition);
            all.push_back(&who);
            if (partition->number % share.of == share.index) mine.push_back(&who);
        }
    }
    database_.submit(std::make_unique<remember_consumers>(std::move(all)));
    return std::make_unique<sqlite_subscription>(*this, std::move(group), std::move(mine));
}

result<std::vector<delivery>> sqlite_event_log::read_now(const log_partition& of,
                                                         const std::string& group,
                                                         std::int64_t from, std::int64_t until,
                                                         int max) {
    std::vector<delivery> out;
    if (from >= until || max < 1) return out;
    try {
        const auto db = readers_.take();
        sqlite_statement rows(
            *db,
            "SELECT position, key, id, type, version, occurred_at, traceparent, payload FROM "
            "events WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3",
            position_of(of.id, from), position_of(of.id, until), max);
        while (rows.step()) out.push_back(read_delivery(rows, of, group));
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

task<result<std::vector<delivery>>> sqlite_event_log::read(std::string topic, int partition,
                                                           std::int64_t from, int max) {
    auto* of = state_.find(topic, partition);
    if (!of) co_return unknown(topic);
    co_return read_now(*of, {}, std::max<std::int64_t>(0, from),
                       of->end.load(std::memory_order_acquire), max);
}

task<result<std::vector<topic_position>>> sqlite_event_log::positions(std::string topic) {
    auto* of = state_.find(topic);
    if (!of) co_return unknown(topic);
    std::vector<topic_position> out;
    for (const auto& each : of->partitions)
        out.push_back({topic, each->number, each->first.load(), each->end.load()});
    co_return out;
}

std::vector<group_lag> sqlite_event_log::lags_now() {
    std::vector<group_lag> out;
    for (const auto* each : state_.consumers()) {
        const auto& of = *each->partition;
        const auto from = std::max(each->committed.load(), of.first.load());
        const auto events = std::max<std::int64_t>(0, of.end.load() - from);
        const auto same = std::ranges::find_if(out, [&](const group_lag& g) {
            return g.group == each->group && g.topic == of.topic->name;
        });
        if (same != out.end()) same->events += events;
        else out.push_back({each->group, of.topic->name, events});
    }
    return out;
}

task<result<std::vector<group_lag>>> sqlite_event_log::lags() { co_return lags_now(); }

std::vector<std::pair<std::string, std::int64_t>> sqlite_event_log::published_now() {
    std::vector<std::pair<std::string, std::int64_t>> out;
    for (const auto* topic : state_.topics()) {
        std::int64_t events = 0;
        for (const auto& partition : topic->partitions) events += partition->end.load();
        out.emplace_back(topic->name, events);
    }
    return out;
}

task<result<void>> sqlite_event_log::park(delivery what, error cause, int attempts) {
    const auto* partition = state_.find(what.message.topic, what.partition);
    if (!partition || !partition->topic->dead_letters) co_return unknown(what.message.topic);
    auto work = [what = std::move(what), cause = std::move(cause),
                 attempts](transaction& t) -> result<void> {
        add_dead_letter(own(t), what, cause, attempts);
        return {};
    };
    co_return co_await database_.commit(std::move(work));
}

result<bool> sqlite_event_log::is_parked_now(const std::string& group, const std::string& topic,
                                             const std::string& key) {
    // Nearly always nothing is parked at all.
    if (state_.parked_keys_committed.load(std::memory_order_acquire) == 0) return false;
    try {
        const auto db = readers_.take();
        sqlite_statement row(
            *db, "SELECT 1 FROM parked_keys WHERE consumer_group = ?1 AND topic = ?2 AND key = ?3",
            group, topic, key);
        return row.step();
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

task<result<bool>> sqlite_event_log::is_parked(std::string group, std::string topic,
                                               std::string key) {
    co_return is_parked_now(group, topic, key);
}

result<std::vector<parked_key>> sqlite_event_log::parked_keys_now(const std::string& group) {
    std::vector<parked_key> out;
    try {
        const auto db = readers_.take();
        sqlite_statement rows(
            *db,
            "SELECT k.topic, k.key, (SELECT count(*) FROM dead_letters d WHERE "
            "d.consumer_group = k.consumer_group AND d.topic = k.topic AND d.key = k.key) "
            "FROM parked_keys k WHERE k.consumer_group = ?1 ORDER BY k.topic, k.key",
            group);
        while (rows.step())
            out.push_back({std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2)});
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

task<result<std::vector<parked_key>>> sqlite_event_log::parked_keys(std::string group) {
    co_return parked_keys_now(group);
}

result<std::vector<dead_letter>> sqlite_event_log::dead_letters_now(const std::string& group,
                                                                    const std::string& topic,
                                                                    const std::string& key,
                                                                    int max) {
    std::vector<dead_letter> out;
    try {
        const auto db = readers_.take();
        constexpr auto text =
            "SELECT e.position, e.key, e.id, e.type, e.version, e.occurred_at, e.traceparent, "
            "e.payload, "
            "d.partition, d.event_offset, d.code, d.detail, d.attempts, d.at FROM dead_letters d "
            "CROSS JOIN log_partitions p ON p.topic = d.topic || '.dlq' AND p.partition = "
            "d.partition "
            "CROSS JOIN events e ON e.position = (p.id << 40) + d.dead_letter_offset "
            "WHERE d.consumer_group = ?1 AND d.topic = ?2 AND (?3 = '' OR d.key = ?3) "
            "ORDER BY d.partition, d.event_offset LIMIT ?4";
        sqlite_statement rows(*db, text, group, topic, key, max);
        while (rows.step()) {
            const auto* of = state_.find(topic, static_cast<int>(rows.integer(8)));
            if (!of) return unknown(topic);
            auto& made = out.emplace_back();
            made.what = read_delivery(rows, *of, group);
            made.what.offset = rows.integer(9);
            made.what.redriven = true;
            made.code = rows.text(10);
            made.detail = rows.text(11);
            made.attempts = static_cast<int>(rows.integer(12));
            made.at = {rows.integer(13)};
        }
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

task<result<std::vector<dead_letter>>> sqlite_event_log::dead_letters(std::string group,
                                                                      std::string topic,
                                                                      std::string key, int max) {
    co_return dead_letters_now(group, topic, key, max);
}

task<result<void>> sqlite_event_log::redriven(delivery what) {
    auto work = [what = std::move(what)](transaction& t) -> result<void> {
        forget_dead_letter(own(t), what);
        return {};
    };
    co_return co_await database_.commit(std::move(work));
}

task<result<int>> sqlite_event_log::trim(timestamp now, int max) {
    auto work = [now, max](transaction& t) -> result<int> {
        int deleted = 0;
        for (auto* topic : own(t).log().topics()) {
            if (topic->keep <= hours(0)) continue;
            for (auto& each : topic->partitions)
                if (deleted < max)
                    deleted += trim_partition(own(t), *each, now - topic->keep, max - deleted);
        }
        // Receipts of redriven events: longer than any event can still be on its way.
        if (deleted < max)
            deleted += static_cast<int>(own(t).db.execute(
                "DELETE FROM inbox_redriven WHERE at < ?1", (now - hours(24 * 14)).micros));
        return deleted;
    };
    co_return co_await database_.commit(std::move(work));
}

}  // namespace stoa
