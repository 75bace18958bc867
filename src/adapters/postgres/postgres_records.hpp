// A whole database at one moment, to read, and an empty one filled with rows: for audits, backups
// and moves. Both have a connection of their own. Records are those of sqlite_records.hpp.
#pragma once

#include "adapters/postgres/postgres_connection.hpp"
#include "base/item.hpp"
#include "ports/key_value.hpp"
#include "ports/sql_migrations.hpp"

#include <atomic>
#include <map>
#include <set>

namespace stoa {

// The names of the tables that migrations make, sorted.
std::vector<std::string> tables_of(const std::vector<sql_component>& components);

// The moment of open(), for as long as it lives. Thread rule: one thread at a time. All but open()
// throw sql_failure.
class postgres_records {
 public:
    // Errors: connect_error's.
    static result<std::unique_ptr<postgres_records>> open(const postgres_address& where);
    ~postgres_records();

    // Records of one kind after another: begin, then take() until it gives nothing.
    void migrations();                    // component, version, name, checksum
    void rows(const std::string& table);  // by column names; NULL = absent
    void items(const kv_table& table);    // each as it is stored
    std::optional<std::string> take();

    // One item of a table with text keys.
    std::optional<item> get(const kv_table& table, std::string_view hash, std::string_view range);

 private:
    struct column {
        std::string name;
        bool number = false;
    };
    explicit postgres_records(const postgres_address& where) : on_(where, hurry_) {}
    void declare(const std::string& select, bool binary);
    void fetch();
    std::vector<column> columns_of(const std::string& table);

    std::atomic<bool> hurry_{false};
    postgres_connection on_;
    // Statements are known by their address.
    std::vector<std::unique_ptr<postgres_prepared_text>> texts_;
    std::map<std::string, const postgres_prepared_text*> gets_;
    const postgres_prepared_text* fetch_ = nullptr;
    std::vector<column> columns_;  // none: a row's only column is the record
    std::deque<std::string> ready_;
    bool more_ = false;
};

// Rows into tables that stand, in one transaction: all of it is there after finish(), or nothing.
// What a table holds when begin() names it goes. Thread rule: one thread at a time.
class postgres_filler {
 public:
    // Errors: connect_error's.
    static result<std::unique_ptr<postgres_filler>> open(const postgres_address& where);
    ~postgres_filler();

    // The first of the tables that has a row; nothing: none.
    result<std::optional<std::string>> filled(const std::vector<std::string>& tables);
    result<void> begin(const std::string& table);
    result<void> add(const item& row);
    // An item of a table with text keys, which need not be begun; one that stands stays.
    result<void> put(const kv_table& table, const item& one);
    result<void> finish();

 private:
    explicit postgres_filler(const postgres_address& where) : on_(where, hurry_) {}
    void send();
    const postgres_prepared_text& text_of(std::string sql, std::vector<std::uint32_t> types);
    result<void> guarded(const std::function<void()>& work);

    std::atomic<bool> hurry_{false};
    postgres_connection on_;
    // Statements are known by their address.
    std::map<std::string, std::unique_ptr<postgres_prepared_text>> texts_;
    std::string table_, rows_;  // a JSON array that is not closed yet
    std::set<std::string, std::less<>> columns_;
    int waiting_ = 0;
};

}  // namespace stoa
