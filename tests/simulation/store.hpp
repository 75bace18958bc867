// What survives a crash: items, rows, the log and the inbox. One object for all nodes; each node
// sees it through fronts of its own (fronts.hpp), which delay, refuse and lose.
//
// A model of what the ports promise, not of an engine: every effect happens at one moment of
// simulated time, index reads may be behind, a batch may begin again with what was handed out
// before.
#pragma once

#include "adapters/outbox/outbox.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/sqlite_connection.hpp"
#include "ports/event_log.hpp"
#include "ports/key_value.hpp"
#include "ports/sql.hpp"
#include "simulation/faults.hpp"

#include <deque>
#include <memory>
#include <set>
#include <unordered_map>

namespace stoa::simulation {

// A rule that did not hold: the seed has failed.
struct violation {
    std::string what;
};

// The sql rows, in memory and kept between seeds: opening one costs more than a seed.
class memory_rows {
 public:
    memory_rows(std::vector<sql_component> schema);
    void clear();
    sqlite_connection db;

 private:
    std::vector<std::string> tables_;
};

class store {
 public:
    store(world& in, const faults& wrong, memory_rows& rows);
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // --- items
    void declare(const kv_table& table);
    std::shared_ptr<const item> get(const kv_table& table, const item& key) const;
    kv_page query(const kv_query& what);
    result<write_outcome> write(write_set& what);
    kv_page scan(const kv_table& table, const std::optional<item>& after, int limit) const;

    // --- rows
    // True: kept. Runs the job's closure in a transaction; nothing of it is kept where it fails.
    bool commit(sql_job& job);
    void read(sql_job& job);
    sqlite_connection& rows() { return rows_.db; }

    // --- the log
    struct place {
        std::string topic;
        int partition;
        friend auto operator<=>(const place&, const place&) = default;
    };
    class member;  // a node's part in a group
    void append(std::vector<event> events);
    const std::vector<event>& events_of(const std::string& topic, int partition) const;
    const std::map<std::string, std::vector<std::vector<event>>, std::less<>>& log() const {
        return log_;
    }
    std::unique_ptr<member> join(std::string group, std::vector<std::string> topics, lane share);
    void rebalance();
    bool all_consumed() const;

    struct dead_letter {
        delivery what;
        error cause;
    };
    std::vector<dead_letter> dead_letters;
    std::set<std::string> parked_keys;

    // --- looking on
    std::function<void(const kv_table&, const item* before, const item* after)> on_item;
    std::function<void()> on_rows;  // some row changed
    std::function<void(const event&)> on_published;

    bool applied(std::string_view group, std::string_view event_id) const;
    world& in() { return world_; }
    const faults& wrong() const { return wrong_; }
    bool quiet = false;  // the faults have stopped

 private:
    friend class member;
    using row = std::shared_ptr<const item>;
    struct index_state {
        kv_index spec;
        std::map<std::string, row> rows;  // by index key, then table key
    };
    struct late_change {
        instant due;
        row before, after;
        std::string key;
    };
    struct table_state {
        const kv_table* spec;
        std::map<std::string, row> rows;
        std::vector<index_state> indexes;
        std::deque<late_change> late;
    };
    struct group_state {
        std::map<place, std::int64_t> done;
        std::vector<member*> members;
    };

    table_state& state_of(const kv_table& table);
    const table_state& state_of(const kv_table& table) const;
    void set(table_state& in, const std::string& key, row value);
    static void change_indexes(table_state& in, const late_change& what);
    void catch_up(table_state& in);
    void publish(event what, int nth);
    void assign(group_state& group);
    void feed(const std::string& topic);

    world& world_;
    const faults& wrong_;
    memory_rows& rows_;
    std::unordered_map<std::string_view, table_state> tables_;
    std::map<std::string, std::vector<std::vector<event>>, std::less<>> log_;
    std::map<std::string, group_state> groups_;
    std::set<std::string> inbox_;  // group NUL event id
};

class store::member {
 public:
    using give = std::function<void(result<delivery_batch>, nanos)>;
    member(store& of, std::string group, std::vector<std::string> topics, lane share);
    ~member();

    void next(int max, give to);
    void done(const std::string& topic, int partition, std::int64_t next_offset);

 private:
    friend class store;
    bool try_feed();

    store& store_;
    std::string group_;
    std::vector<std::string> topics_;
    lane share_;
    std::map<place, std::int64_t> at_;  // assigned, with the next offset to hand out
    std::set<place> out_;               // handed out and not done
    give waiting_;
    int max_ = 0;
};

}  // namespace stoa::simulation
