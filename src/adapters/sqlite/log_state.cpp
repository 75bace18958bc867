#include "adapters/sqlite/log_state.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS log_topics (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL) "
    "WITHOUT ROWID;"
    // first_offset outlives the rows that retention takes away.
    "CREATE TABLE IF NOT EXISTS log_partitions (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, "
    "  partition INTEGER NOT NULL, first_offset INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, "
    "partition));"
    "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, accepted_at INTEGER NOT "
    "NULL, "
    "  key TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, "
    "  occurred_at INTEGER NOT NULL, traceparent TEXT NOT NULL, payload TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS log_consumers (id INTEGER PRIMARY KEY, consumer_group TEXT NOT "
    "NULL, "
    "  partition_id INTEGER NOT NULL, next_offset INTEGER NOT NULL, UNIQUE (consumer_group, "
    "partition_id));"
    "CREATE TABLE IF NOT EXISTS inbox (position INTEGER PRIMARY KEY);"
    "CREATE TABLE IF NOT EXISTS inbox_redriven (consumer_group TEXT NOT NULL, event_id TEXT NOT "
    "NULL, "
    "  at INTEGER NOT NULL, PRIMARY KEY (consumer_group, event_id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS dead_letters (consumer_group TEXT NOT NULL, topic TEXT NOT NULL, "
    "  partition INTEGER NOT NULL, event_offset INTEGER NOT NULL, key TEXT NOT NULL, "
    "  dead_letter_offset INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, "
    "  attempts INTEGER NOT NULL, at INTEGER NOT NULL, "
    "  PRIMARY KEY (consumer_group, topic, partition, event_offset)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS dead_letters_by_key ON dead_letters (consumer_group, topic, key, "
    "event_offset);"
    "CREATE TABLE IF NOT EXISTS parked_keys (consumer_group TEXT NOT NULL, topic TEXT NOT NULL, "
    "  key TEXT NOT NULL, PRIMARY KEY (consumer_group, topic, key)) WITHOUT ROWID";

[[noreturn]] void refuse(std::string_view code, std::string detail) {
    throw sql_failure{
        error{.kind = errc::invalid, .code = std::string(code), .detail = std::move(detail)}};
}

}  // namespace

result<void> log_state::open(sqlite_connection& db, const std::vector<topic_spec>& topics) {
    try {
        db.script("BEGIN IMMEDIATE");
        db.script(schema);
        for (const auto& each : topics) {
            const std::string name(each.name);
            declare(db, name, each.partitions, each.keep);
            declare(db, name + ".dlq", each.partitions, hours(0));
            topics_[name]->dead_letters = topics_[name + ".dlq"].get();
        }
        load_consumers(db);
        sqlite_statement redriven(db, "SELECT 1 FROM inbox_redriven LIMIT 1");
        any_redriven_ = redriven.step();
        sqlite_statement parked(db, "SELECT count(*) FROM parked_keys");
        parked.step();
        parked_keys = parked.integer(0);
        parked_keys_committed = parked_keys;
    } catch (const sql_failure& failure) {
        if (db.in_transaction()) db.script("ROLLBACK");
        return fail(failure.why);
    }
    try {
        db.script("COMMIT");
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

void log_state::declare(sqlite_connection& db, const std::string& name, int partitions,
                        hours keep) {
    if (partitions < 1)
        refuse("topic_partitions", "topic " + name + " needs at least one partition");
    auto& topic = topics_[name];
    if (topic) refuse("topic_declared_twice", "topic " + name + " is declared twice");
    topic = std::make_unique<log_topic>();
    topic->name = name;
    topic->keep = keep;
    {
        sqlite_statement known(db, "SELECT partitions FROM log_topics WHERE name = ?1", name);
        if (known.step() && known.integer(0) != partitions)
            throw sql_failure{error{.kind = errc::conflict,
                                    .code = "topic_changed",
                                    .detail = "topic " + name + " has " +
                                              std::to_string(known.integer(0)) +
                                              " partitions in this database and cannot have " +
                                              std::to_string(partitions) +
                                              ": the order of a key's events would be lost"}};
    }
    db.execute("INSERT INTO log_topics (name, partitions) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
               name, partitions);
    for (int p = 0; p < partitions; ++p) {
        db.execute(
            "INSERT INTO log_partitions (topic, partition) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            name, p);
        std::int64_t id = 0, first = 0, next = 0;
        {
            sqlite_statement row(
                db,
                "SELECT id, first_offset FROM log_partitions WHERE topic = ?1 AND partition = ?2",
                name, p);
            row.step();
            id = row.integer(0);
            first = row.integer(1);
        }
        sqlite_statement last(
            db, "SELECT max(position) FROM events WHERE position >= ?1 AND position < ?2",
            position_of(id, 0), position_of(id + 1, 0));
        next = last.step() && !last.null(0) ? offset_in(last.integer(0)) + 1 : first;
        add_partition(*topic, id, p, first, next);
    }
}

void log_state::add_partition(log_topic& to, std::int64_t id, int number, std::int64_t first,
                              std::int64_t next) {
    auto& made = to.partitions.emplace_back(std::make_unique<log_partition>());
    made->id = id;
    made->number = number;
    made->topic = &to;
    made->next = next;
    made->end = next;
    made->first_next = first;
    made->first = first;
    by_id_[id] = made.get();
}

void log_state::load_consumers(sqlite_connection& db) {
    sqlite_statement rows(
        db, "SELECT id, consumer_group, partition_id, next_offset FROM log_consumers");
    while (rows.step()) {
        next_consumer_id_ = std::max(next_consumer_id_, rows.integer(0) + 1);
        const auto partition = by_id_.find(rows.integer(2));
        if (partition == by_id_.end()) continue;  // of a topic that this version does not declare
        auto made = std::make_unique<log_consumer>();
        made->id = rows.integer(0);
        made->group = rows.text(1);
        made->partition = partition->second;
        made->stored = 1;
        made->next = rows.integer(3);
        made->committed = made->next;
        const auto id = partition->second->id;
        groups_[made->group][id] = std::move(made);
    }
}

log_topic* log_state::find(std::string_view topic) {
    const auto found = topics_.find(topic);
    return found == topics_.end() ? nullptr : found->second.get();
}
log_partition* log_state::find(std::string_view topic, int partition) {
    auto* of = find(topic);
    if (!of || partition < 0 || partition >= std::ssize(of->partitions)) return nullptr;
    return of->partitions[static_cast<std::size_t>(partition)].get();
}

log_consumer& log_state::consumer(const std::string& group, log_partition& of) {
    const std::scoped_lock lock(mutex_);
    auto& found = groups_[group][of.id];
    if (!found) {
        found = std::make_unique<log_consumer>();
        found->id = next_consumer_id_++;
        found->group = group;
        found->partition = &of;
    }
    return *found;
}

std::vector<log_consumer*> log_state::consumers() {
    const std::scoped_lock lock(mutex_);
    std::vector<log_consumer*> out;
    for (auto& [name, shares] : groups_)
        for (auto& [id, each] : shares) out.push_back(each.get());
    return out;
}

std::vector<log_topic*> log_state::topics() {
    std::vector<log_topic*> out;
    for (auto& [name, each] : topics_) out.push_back(each.get());
    return out;
}

void log_state::change(std::int64_t& what, std::int64_t to) {
    changed_.push_back({&what, what});
    what = to;
}

void log_state::undo_to(std::size_t mark) {
    for (; changed_.size() > mark; changed_.pop_back()) *changed_.back().what = changed_.back().was;
}

void log_state::committed() {
    changed_.clear();
    parked_keys_committed.store(parked_keys, std::memory_order_release);
    for (auto* each : advanced_) each->committed.store(each->next, std::memory_order_release);
    advanced_.clear();
    for (auto* each : trimmed_) each->first.store(each->first_next, std::memory_order_release);
    trimmed_.clear();
    for (auto* each : appended_) {
        each->end.store(each->next, std::memory_order_release);
        each->topic->touched = true;
    }
    for (auto* each : appended_)
        if (std::exchange(each->topic->touched, false)) wake(*each->topic);
    appended_.clear();
}

void log_state::publish(sqlite_connection& db, const event& what, timestamp accepted_at) {
    auto* topic = find(what.topic);
    if (!topic) refuse("unknown_topic", "topic " + what.topic + " was not declared");
    const int share = partition_of(what.key, static_cast<int>(topic->partitions.size()));
    append(db, *topic->partitions[static_cast<std::size_t>(share)], what, accepted_at);
}

std::int64_t log_state::append(sqlite_connection& db, log_partition& to, const event& what,
                               timestamp accepted_at) {
    const auto offset = to.next;
    db.execute(
        "INSERT INTO events (position, accepted_at, key, id, type, version, occurred_at, "
        "traceparent, "
        "payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        position_of(to.id, offset), accepted_at.micros, what.key, what.id, what.type, what.version,
        what.occurred_at.micros, what.traceparent, what.payload);
    change(to.next, offset + 1);
    if (appended_.empty() || appended_.back() != &to) appended_.push_back(&to);
    return offset;
}

bool log_state::receive(sqlite_connection& db, const delivery& what) {
    auto* partition = find(what.message.topic, what.partition);
    if (!partition) refuse("unknown_topic", "topic " + what.message.topic + " was not declared");
    constexpr auto receipt =
        "INSERT INTO inbox_redriven (consumer_group, event_id, at) VALUES (?1, ?2, ?3) ON CONFLICT "
        "DO NOTHING";
    auto& who = consumer(what.group, *partition);
    if (what.redriven) {
        any_redriven_ = true;
        return db.execute(receipt, what.group, what.message.id, accepted_at_.micros) == 1;
    }
    if (what.offset < who.next) return false;
    if (any_redriven_) {
        // Its parking was kept, the group's offset was not: the redrive has applied it already.
        sqlite_statement before(
            db, "SELECT 1 FROM inbox_redriven WHERE consumer_group = ?1 AND event_id = ?2",
            what.group, what.message.id);
        if (before.step()) return false;
    }
    store(db, who);
    return db.execute("INSERT INTO inbox (position) VALUES (?1) ON CONFLICT DO NOTHING",
                      position_of(who.id, what.offset)) == 1;
}

void log_state::withdraw(sqlite_connection& db, const delivery& what) {
    if (what.redriven) {
        db.execute("DELETE FROM inbox_redriven WHERE consumer_group = ?1 AND event_id = ?2",
                   what.group, what.message.id);
        return;
    }
    auto& who = consumer(what.group, *find(what.message.topic, what.partition));
    db.execute("DELETE FROM inbox WHERE position = ?1", position_of(who.id, what.offset));
}

void log_state::store(sqlite_connection& db, log_consumer& who) {
    if (who.stored) return;
    db.execute(
        "INSERT INTO log_consumers (id, consumer_group, partition_id, next_offset) "
        "VALUES (?1, ?2, ?3, ?4)",
        who.id, who.group, who.partition->id, who.next);
    change(who.stored, 1);
}

void log_state::done(sqlite_connection& db, log_consumer& who, std::int64_t next_offset) {
    if (next_offset <= who.next) return;
    if (next_offset > who.partition->next)
        refuse("offset_past_end", "partition " + std::to_string(who.partition->number) + " of " +
                                      who.partition->topic->name + " ends at " +
                                      std::to_string(who.partition->next));
    store(db, who);
    db.execute("UPDATE log_consumers SET next_offset = ?1 WHERE id = ?2", next_offset, who.id);
    db.execute("DELETE FROM inbox WHERE position >= ?1 AND position < ?2", position_of(who.id, 0),
               position_of(who.id, next_offset));
    change(who.next, next_offset);
    advanced_.push_back(&who);
}

void log_state::trimmed(log_partition& of, std::int64_t first) {
    change(of.first_next, first);
    trimmed_.push_back(&of);
}

void log_state::wake(log_topic& topic) {
    const std::scoped_lock lock(mutex_);
    const auto waiting = std::exchange(topic.waiting, {});
    for (auto* each : waiting) each->wake();
}

void log_state::wait(log_waiter& who, const std::vector<log_topic*>& for_topics) {
    const std::scoped_lock lock(mutex_);
    for (auto* each : for_topics)
        if (std::ranges::find(each->waiting, &who) == each->waiting.end())
            each->waiting.push_back(&who);
}

void log_state::forget(log_waiter& who) {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, topic] : topics_) std::erase(topic->waiting, &who);
}

}  // namespace stoa
