// One SQLite connection with its prepared statements. Engine-internal: ports and wiring never see
// it.
#pragma once

#include "base/item.hpp"
#include "ports/sql.hpp"

#include <string>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace stoa {

// What an error says about the storage, beyond the statement that met it.
enum class storage_fault : std::uint8_t {
    none,
    full,    // no space: writing may work again later
    broken,  // I/O error or corruption: nothing written since the last commit can be trusted
};

struct blob_view {
    std::string_view bytes;
};

// A statement on loan from its connection for one run; going out of scope resets it. Bound text and
// bytes are not copied: they must outlive the run.
class sqlite_statement final : public sql_row {
 public:
    // `sql` is known by its address: a literal, or text that lives as long as the connection.
    template <class... Args>
    sqlite_statement(class sqlite_connection& of, const char* sql, const Args&... args)
        : sqlite_statement(of, prepared(of, sql, static_cast<int>(sizeof...(Args)))) {
        int at = 0;
        (bind(++at, args), ...);
    }
    sqlite_statement(sqlite_connection& of, sqlite3_stmt* borrowed)
        : statement_(borrowed), of_(of) {}
    sqlite_statement(const sqlite_statement&) = delete;
    sqlite_statement& operator=(const sqlite_statement&) = delete;
    ~sqlite_statement() override;

    void bind(int at, std::int64_t n);
    void bind(int at, int n) { bind(at, std::int64_t{n}); }
    void bind(int at, std::string_view text);
    void bind(int at, const std::string& text) { bind(at, std::string_view(text)); }
    void bind(int at, blob_view bytes);
    void bind(int at, std::monostate);
    void bind(int at, const cell& value);
    void bind(int at, const std::optional<std::int64_t>& n);
    void bind(int at, const attribute& key);  // text or a number

    bool step();  // false: the end. Throws sql_failure

    int columns() const override;
    std::string_view name(int column) const override;
    bool null(int column) const override;
    std::int64_t integer(int column) const override;
    std::string_view text(int column) const override;
    std::string_view bytes(int column) const;
    bool is_integer(int column) const;  // as stored, whatever the column was declared

 private:
    static sqlite3_stmt* prepared(sqlite_connection& of, const char* sql, int arguments);

    sqlite3_stmt* statement_;
    sqlite_connection& of_;
};

// Thread rule: one thread at a time. Every failing call throws sql_failure; broken constraints have
// the kind conflict and code `constraint`.
class sqlite_connection {
 public:
    enum class mode : std::uint8_t { write, read };
    sqlite_connection(const std::string& path, mode how, const std::string& vfs);
    ~sqlite_connection();
    sqlite_connection(const sqlite_connection&) = delete;
    sqlite_connection& operator=(const sqlite_connection&) = delete;

    // Runs to the end; the rows changed.
    template <class... Args>
    std::int64_t execute(const char* sql, const Args&... args) {
        sqlite_statement ready(*this, sql, args...);
        while (ready.step()) {
        }
        return changes();
    }
    std::int64_t run(const char* sql, std::span<const cell> args, row_visitor* rows);
    // For a sqlite_statement whose arguments are bound one by one.
    sqlite3_stmt* borrow(const char* sql, int arguments) { return find(sql, arguments).statement; }
    void script(const std::string& sql);  // several statements, not cached

    std::int64_t changes() const;
    bool in_transaction() const;  // false after SQLite rolled a transaction back by itself
    storage_fault fault() const { return fault_; }
    void forget_full() { fault_ = fault_ == storage_fault::full ? storage_fault::none : fault_; }

    // Moves the log's pages into the file; `all` waits for readers and empties the log.
    void checkpoint(bool all);
    int log_pages() const { return log_pages_; }
    void keep_log_on_close();

    // Throws the failure that the connection's last call left.
    [[noreturn]] void raise();

 private:
    struct entry {
        sqlite3_stmt* statement = nullptr;
        int parameters = 0;
        bool reads = false;
    };
    const entry& find(const char* sql, int arguments);

    sqlite3* db_ = nullptr;
    std::unordered_map<const char*, entry> statements_;
    storage_fault fault_ = storage_fault::none;
    int log_pages_ = 0;
};

}  // namespace stoa
