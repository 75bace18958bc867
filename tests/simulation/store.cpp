#include "simulation/store.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <utility>

namespace stoa::simulation {
namespace {

constexpr int partitions = 4;

void append_key(std::string& out, const attribute& of) {
    if (const auto* n = of.integer()) {
        // Sortable: the sign bit flipped, most significant byte first.
        const auto bits = static_cast<std::uint64_t>(*n) ^ (std::uint64_t{1} << 63);
        for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xff);
    } else {
        out += *of.text();
    }
    out += '\0';
}

std::string table_key(const kv_table& table, const item& from) {
    std::string out;
    append_key(out, *from.find(table.hash));
    if (!table.range.empty()) append_key(out, *from.find(table.range));
    return out;
}

// Nothing where the item is not in the index.
std::optional<std::string> index_key(const kv_index& index, const item& from) {
    const auto* hash = from.find(index.hash);
    const auto* range = index.range.empty() ? nullptr : from.find(index.range);
    if (!hash || (!index.range.empty() && !range)) return {};
    std::string out;
    append_key(out, *hash);
    if (range) append_key(out, *range);
    return out;
}

template <class T>
bool compare(condition::op is, const T& a, const T& b) {
    switch (is) {
        case condition::op::less:
            return a < b;
        case condition::op::at_most:
            return a <= b;
        case condition::op::greater:
            return a > b;
        case condition::op::at_least:
            return a >= b;
        default:
            return false;
    }
}

bool holds(const condition& c, const item* standing) {
    const auto* found = standing ? standing->find(c.name) : nullptr;
    switch (c.is) {
        case condition::op::exists:
            return found;
        case condition::op::absent:
            return !found;
        case condition::op::equal:
            return found && *found == c.value;
        case condition::op::not_equal:
            return found && found->value.index() == c.value.value.index() && !(*found == c.value);
        default:
            break;
    }
    if (!found || found->value.index() != c.value.value.index()) return false;
    if (const auto* n = found->integer()) return compare(c.is, *n, *c.value.integer());
    if (const auto* t = found->text()) return compare(c.is, *t, *c.value.text());
    return false;
}

void apply(item& to, const change& c) {
    switch (c.is) {
        case change::op::set:
            to.set(c.name, c.value);
            return;
        case change::op::remove:
            to.erase(c.name);
            return;
        case change::op::add:
            to.set(c.name, to.integer(c.name) + *c.value.integer());
            return;
    }
}

bool in_range(const kv_query& what, const attribute* range) {
    if (what.range == kv_query::op::any) return true;
    if (!range) return false;
    std::string at, from, to;
    append_key(at, *range);
    append_key(from, what.from);
    if (what.range == kv_query::op::between) append_key(to, what.to);
    switch (what.range) {
        case kv_query::op::any:
            return true;
        case kv_query::op::equal:
            return at == from;
        case kv_query::op::less:
            return at < from;
        case kv_query::op::at_most:
            return at <= from;
        case kv_query::op::greater:
            return at > from;
        case kv_query::op::at_least:
            return at >= from;
        case kv_query::op::between:
            return from <= at && at <= to;
        case kv_query::op::begins_with:
            return at.starts_with(std::string_view(from).substr(0, from.size() - 1));
    }
    return false;
}

std::string inbox_key(std::string_view group, std::string_view event_id) {
    std::string out(group);
    out += '\0';
    out += event_id;
    return out;
}

}  // namespace

memory_rows::memory_rows(std::vector<sql_component> schema)
    : db(":memory:", sqlite_connection::mode::write, "") {
    const auto done = migrate(db, schema, {});
    if (!done) throw violation{"the schema: " + done.error().detail};
    sqlite_statement names(
        db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%migration%'");
    while (names.step()) tables_.emplace_back(names.text(0));
}

void memory_rows::clear() {
    std::string all;
    for (const auto& each : tables_) all += "DELETE FROM " + each + ";";
    db.script(all);
}

store::store(world& in, const faults& wrong, memory_rows& rows)
    : world_(in), wrong_(wrong), rows_(rows) {
    rows_.clear();
}

// --- items

void store::declare(const kv_table& table) {
    auto& made = tables_[table.name];
    made.spec = &table;
    for (const auto& each : table.indexes) made.indexes.push_back({each, {}});
}

store::table_state& store::state_of(const kv_table& table) {
    const auto found = tables_.find(table.name);
    if (found == tables_.end()) throw violation{"no table " + std::string(table.name)};
    return found->second;
}
const store::table_state& store::state_of(const kv_table& table) const {
    return const_cast<store*>(this)->state_of(table);
}

std::shared_ptr<const item> store::get(const kv_table& table, const item& key) const {
    const auto& in = state_of(table);
    const auto found = in.rows.find(table_key(table, key));
    return found == in.rows.end() ? nullptr : found->second;
}

void store::change_indexes(table_state& in, const late_change& what) {
    for (auto& index : in.indexes) {
        if (what.before)
            if (auto key = index_key(index.spec, *what.before)) index.rows.erase(*key + what.key);
        if (what.after)
            if (auto key = index_key(index.spec, *what.after))
                index.rows[*key + what.key] = what.after;
    }
}

void store::catch_up(table_state& in) {
    while (!in.late.empty() && (quiet || in.late.front().due <= world_.now())) {
        change_indexes(in, in.late.front());
        in.late.pop_front();
    }
}

void store::set(table_state& in, const std::string& key, row value) {
    auto& place = in.rows[key];
    auto before = std::exchange(place, value);
    if (!value) in.rows.erase(key);
    late_change what{world_.now() + world_.between(nanos(0), wrong_.index_lag), before, value, key};
    catch_up(in);
    if (in.late.empty() && (quiet || wrong_.index_lag.count() == 0)) change_indexes(in, what);
    else in.late.push_back(std::move(what));
    if (on_item) on_item(*in.spec, before.get(), value.get());
    if (in.spec == &outbox_table && value && on_published) on_published(*event_of_outbox(*value));
}

result<write_outcome> store::write(write_set& what) {
    if (what.writes.size() + what.events.size() > 100)
        return fail(errc::invalid, "too_many_writes", "a transaction has at most 100 writes");
    if (what.receipt && inbox_.contains(inbox_key(what.receipt->group, what.receipt->message.id)))
        return write_outcome{.what = write_outcome::is::received_before};
    struct planned {
        table_state* in;
        std::string key;
        row standing;
    };
    std::vector<planned> plan;
    for (std::size_t i = 0; i < what.writes.size(); ++i) {
        auto& each = what.writes[i];
        auto& in = state_of(*each.table);
        auto key = table_key(*each.table, each.value);
        for (const auto& other : plan)
            if (other.in == &in && other.key == key)
                return fail(errc::invalid, "item_twice", "an item stands twice in a transaction");
        const auto found = in.rows.find(key);
        auto standing = found == in.rows.end() ? row() : found->second;
        for (const auto& c : each.conditions)
            if (!holds(c, standing.get()))
                return write_outcome{.what = write_outcome::is::condition_failed,
                                     .failed = static_cast<int>(i)};
        plan.push_back({&in, std::move(key), std::move(standing)});
    }
    for (std::size_t i = 0; i < plan.size(); ++i) {
        auto& each = what.writes[i];
        auto& at = plan[i];
        switch (each.is) {
            case write_set::op::check:
                break;
            case write_set::op::put:
                set(*at.in, at.key, std::make_shared<const item>(std::move(each.value)));
                break;
            case write_set::op::erase:
                if (at.standing) set(*at.in, at.key, nullptr);
                break;
            case write_set::op::update: {
                auto next = at.standing ? *at.standing : std::move(each.value);
                for (const auto& c : each.changes) apply(next, c);
                set(*at.in, at.key, std::make_shared<const item>(std::move(next)));
                break;
            }
        }
    }
    if (what.receipt) inbox_.insert(inbox_key(what.receipt->group, what.receipt->message.id));
    int nth = 0;
    for (auto& each : what.events) publish(std::move(each), nth++);
    return write_outcome{};
}

kv_page store::query(const kv_query& what) {
    auto& in = state_of(*what.table);
    const auto* index = static_cast<index_state*>(nullptr);
    if (!what.index.empty()) {
        catch_up(in);
        if (!in.late.empty()) world_.sometimes("an index read was behind");
        for (const auto& each : in.indexes)
            if (each.spec.name == what.index) index = &each;
        if (!index) throw violation{"no index " + std::string(what.index)};
    }
    const auto& rows = index ? index->rows : in.rows;
    const auto range = index ? index->spec.range : what.table->range;
    std::string prefix;
    append_key(prefix, what.hash);
    std::vector<std::pair<const std::string*, const row*>> all;
    for (auto at = rows.lower_bound(prefix); at != rows.end() && at->first.starts_with(prefix);
         ++at)
        if (in_range(what, range.empty() ? nullptr : at->second->find(range)))
            all.emplace_back(&at->first, &at->second);
    if (!what.forwards) std::ranges::reverse(all);
    std::optional<std::string> after;
    if (what.after) {
        after = table_key(*what.table, *what.after);
        if (index) after = *index_key(index->spec, *what.after) + *after;
    }
    kv_page out;
    for (const auto& [key, value] : all) {
        if (after && (what.forwards ? *key <= *after : *key >= *after)) continue;
        if (std::ssize(out.items) == what.limit) {
            out.next = out.items.back();
            break;
        }
        out.items.push_back(**value);
    }
    return out;
}

kv_page store::scan(const kv_table& table, const std::optional<item>& after, int limit) const {
    const auto& in = state_of(table);
    kv_page out;
    auto at = after ? in.rows.upper_bound(table_key(table, *after)) : in.rows.begin();
    for (; at != in.rows.end(); ++at) {
        if (std::ssize(out.items) == limit) {
            out.next = out.items.back();
            break;
        }
        out.items.push_back(*at->second);
    }
    return out;
}

// --- rows

namespace {

class simulated_transaction final : public transaction {
 public:
    simulated_transaction(sqlite_connection& on, std::function<bool(const delivery&)> seen)
        : db_(on), seen_(std::move(seen)) {}
    void publish(event what) override { events.push_back(std::move(what)); }
    bool receive(const delivery& what) override {
        if (seen_(what)) return false;
        receipts.push_back(inbox_key(what.group, what.message.id));
        return true;
    }
    std::vector<event> events;
    std::vector<std::string> receipts;

 protected:
    std::int64_t run(const char* sql, std::span<const cell> args, row_visitor* rows) override {
        return db_.run(sql, args, rows);
    }

 private:
    sqlite_connection& db_;
    std::function<bool(const delivery&)> seen_;
};

}  // namespace

bool store::commit(sql_job& job) {
    simulated_transaction t(rows_.db, [this](const delivery& what) {
        return inbox_.contains(inbox_key(what.group, what.message.id));
    });
    rows_.db.execute("BEGIN");
    bool kept = false;
    try {
        kept = job.run(t);
    } catch (const sql_failure& failure) {
        job.reject(failure.why);
    }
    rows_.db.execute(kept ? "COMMIT" : "ROLLBACK");
    if (!kept) return false;
    for (auto& each : t.receipts) inbox_.insert(std::move(each));
    int nth = 0;
    for (auto& each : t.events) publish(std::move(each), nth++);
    if (on_rows) on_rows();
    return true;
}

void store::read(sql_job& job) {
    simulated_transaction t(rows_.db, [](const delivery&) { return false; });
    try {
        (void)job.run(t);
    } catch (const sql_failure& failure) {
        job.reject(failure.why);
    }
}

// --- the log

// At once where the log is the outbox; else as a row of it, which a relay brings.
void store::publish(event what, int nth) {
    if (wrong_.kind == town_kind::house) {
        if (on_published) on_published(what);
        std::vector<event> one;
        one.push_back(std::move(what));
        return append(std::move(one));
    }
    const auto made = outbox_item(what, nth);
    set(state_of(outbox_table), table_key(outbox_table, made), std::make_shared<const item>(made));
}

void store::append(std::vector<event> events) {
    std::set<std::string> touched;
    for (auto& each : events) {
        auto& topic = log_[each.topic];
        topic.resize(partitions);
        touched.insert(each.topic);
        world_.trace(each.type, stable_hash(each.key));
        const auto to = static_cast<std::size_t>(partition_of(each.key, partitions));
        topic[to].push_back(std::move(each));
    }
    for (const auto& each : touched) feed(each);
}

const std::vector<event>& store::events_of(const std::string& topic, int partition) const {
    static const std::vector<event> none;
    const auto found = log_.find(topic);
    return found == log_.end() ? none : found->second[static_cast<std::size_t>(partition)];
}

void store::feed(const std::string& topic) {
    for (auto& [name, group] : groups_)
        for (auto* each : group.members)
            if (std::ranges::find(each->topics_, topic) != each->topics_.end())
                (void)each->try_feed();
}

std::unique_ptr<store::member> store::join(std::string group, std::vector<std::string> topics,
                                           lane share) {
    auto out = std::make_unique<member>(*this, group, std::move(topics), share);
    auto& all = groups_[group];
    all.members.push_back(out.get());
    assign(all);
    return out;
}

// House: by the lanes that the consumers named. Cluster: round the members, moved at will.
void store::assign(group_state& group) {
    const auto& members = group.members;
    for (std::size_t m = 0; m < members.size(); ++m) {
        auto& one = *members[m];
        std::map<place, std::int64_t> now;
        for (const auto& topic : one.topics_)
            for (int p = 0; p < partitions; ++p) {
                const bool its = wrong_.kind == town_kind::house
                                     ? p % one.share_.of == one.share_.index
                                     : static_cast<std::size_t>(p) % members.size() == m;
                if (!its) continue;
                const place at{topic, p};
                const auto kept = one.at_.find(at);
                now[at] = kept != one.at_.end() ? kept->second : group.done[at];
            }
        one.at_ = std::move(now);
        (void)one.try_feed();
    }
}

void store::rebalance() {
    for (auto& [name, group] : groups_) {
        if (group.members.size() < 2 || !world_.happens(0.5)) continue;
        world_.sometimes("partitions moved while their holder worked on");
        std::ranges::rotate(group.members, group.members.begin() + 1);
        assign(group);
    }
}

bool store::all_consumed() const {
    if (!state_of(outbox_table).rows.empty()) return false;
    for (const auto& [name, group] : groups_) {
        std::set<std::string> topics;
        for (const auto* each : group.members)
            topics.insert(each->topics_.begin(), each->topics_.end());
        for (const auto& topic : topics)
            for (int p = 0; p < partitions; ++p) {
                const auto done = group.done.find({topic, p});
                const auto end = std::ssize(events_of(topic, p));
                if ((done == group.done.end() ? 0 : done->second) < end) return false;
            }
    }
    return true;
}

bool store::applied(std::string_view group, std::string_view event_id) const {
    return inbox_.contains(inbox_key(group, event_id)) ||
           get(inbox_table, key_of("consumer", group, "event_id", event_id));
}

store::member::member(store& of, std::string group, std::vector<std::string> topics, lane share)
    : store_(of), group_(std::move(group)), topics_(std::move(topics)), share_(share) {}

store::member::~member() {
    auto& group = store_.groups_[group_];
    std::erase(group.members, this);
    waiting_ = nullptr;
    if (!group.members.empty() && store_.wrong_.kind == town_kind::cluster) store_.assign(group);
}

void store::member::next(int max, give to) {
    max_ = max;
    waiting_ = std::move(to);
    (void)try_feed();
}

bool store::member::try_feed() {
    if (!waiting_) return false;
    auto& in = store_.world_;
    for (auto& [at, next] : at_) {
        const auto& events = store_.events_of(at.topic, at.partition);
        if (next >= std::ssize(events) || out_.contains(at)) continue;
        auto from = next;
        if (!store_.quiet && from > 0 && in.happens(store_.wrong_.redeliver)) {
            from =
                std::max<std::int64_t>(0, from - static_cast<std::int64_t>(1 + in.chance.below(5)));
            in.sometimes("a batch began again with what was handed out before");
        }
        delivery_batch batch{.topic = at.topic, .partition = at.partition, .events = {}};
        auto to = from;
        for (; to < std::ssize(events) && std::ssize(batch.events) < max_; ++to)
            batch.events.push_back({.group = group_,
                                    .partition = at.partition,
                                    .offset = to,
                                    .message = events[static_cast<std::size_t>(to)]});
        next = std::max(next, to);
        out_.insert(at);
        auto give_to = std::exchange(waiting_, nullptr);
        give_to(std::move(batch),
                in.between(nanos(1'000), store_.wrong_.slowest_call + nanos(100'000)));
        return true;
    }
    return false;
}

void store::member::done(const std::string& topic, int partition, std::int64_t next_offset) {
    const place at{topic, partition};
    out_.erase(at);
    auto& done = store_.groups_[group_].done[at];
    // A member that lost the partition meanwhile is not believed.
    if (at_.contains(at)) done = std::max(done, next_offset);
    if (at_.contains(at)) at_[at] = std::max(at_[at], done);
    (void)try_feed();
}

}  // namespace stoa::simulation
