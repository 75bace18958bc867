// One connection to PostgreSQL with its prepared statements, in pipeline mode. Adapter-internal:
// ports and wiring never see it.
#pragma once

#include "adapters/postgres/postgres_dialect.hpp"
#include "adapters/postgres/postgres_errors.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct pg_conn;
struct pg_result;

namespace stoa {

// Where to connect and how long to wait for what.
struct postgres_address {
    std::string url;  // postgresql://user:password@host:port/database?sslmode=…, or key=value pairs
    std::string password;       // where it is not in the URL
    std::string ssl_mode;       // empty: the URL's; else verify-full, or prefer for this machine
    std::string ssl_root_cert;  // empty: the URL's; else the system's authorities
    std::string application = "stoa";
    // A server that has fallen silent is known as such in less than a request may take, and one
    // that is back within five seconds.
    milliseconds connect_timeout{3'000};
    milliseconds statement_timeout{4'000};  // the server ends a statement; we give up a bit later
    milliseconds lock_timeout{3'000};       // waiting for another transaction's rows
    milliseconds idle_in_transaction_timeout{5'000};  // the server ends a stuck process's locks
};

// Throws sql_failure where PostgreSQL cannot store the text.
void check_storable(std::string_view text);

// The parameters of one run, as text or in PostgreSQL's binary form. Views must outlive the send.
class postgres_parameters {
 public:
    void add_null();
    void add_text(std::string_view text);
    void add_number(std::int64_t n);  // as text
    void add_number_binary(std::int64_t n);
    void add_bytes(std::string_view bytes);  // binary

 private:
    friend class postgres_connection;
    struct value {
        std::string_view view;
        std::string kept;
        bool null = false, owned = false, binary = false;
    };
    std::deque<value> values_;
};

// The rows of one result; as text or binary by how it was asked for.
class postgres_rows {
 public:
    explicit postgres_rows(const pg_result* from) : from_(from) {}
    int count() const;
    int columns() const;
    std::string_view name(int column) const;
    bool null(int row, int column) const;
    std::string_view at(int row, int column) const;

 private:
    const pg_result* from_;
};

// A statement in PostgreSQL's own words with its parameters' types, at a fixed address.
struct postgres_prepared_text {
    std::string text;
    std::vector<std::uint32_t> types;  // OIDs
    bool binary_rows = false;
};

namespace postgres_type {
inline constexpr std::uint32_t bytes = 17, number = 20, text = 25, bytes_list = 1001,
                               text_list = 1009, number_list = 1016;
}

// Thread rule: one thread at a time. Failing calls throw postgres_failure.
//
// send() only queues: what is queued goes out with the next settle(), in one round trip. A failure
// of one statement fails all queued behind it; the first is thrown by settle().
class postgres_connection {
 public:
    using rows_sink = std::function<void(const postgres_rows&)>;

    // `hurry` set: waits are cut to a second, since the process wants to end.
    postgres_connection(const postgres_address& address, const std::atomic<bool>& hurry);
    ~postgres_connection();
    postgres_connection(const postgres_connection&) = delete;
    postgres_connection& operator=(const postgres_connection&) = delete;

    // Closes what was there. Throws sql_failure with connect_error's words.
    void open();
    void close();
    bool is_open() const { return db_ != nullptr; }
    // False: the server has gone since it was last used. Costs one system call.
    bool still_there() const;

    // A statement of the sql port, known by its address and by whether it locks. `changed` and
    // `rows` are filled before settle() returns; they must live until then.
    void send(const char* sql, bool locks, std::span<const cell> args, rows_sink rows = {},
              std::int64_t* changed = nullptr);
    // A statement in PostgreSQL's own words, known by its address; `types`: OIDs, the same each
    // time.
    void send(const char* sql, std::vector<std::uint32_t> types, postgres_parameters args,
              rows_sink rows = {});
    void send(const postgres_prepared_text& statement, postgres_parameters args,
              rows_sink rows = {}, std::int64_t* changed = nullptr);
    // BEGIN …, COMMIT, ROLLBACK. `word`: a literal.
    void send_word(const char* word, std::string* tag = nullptr);

    // Everything that is queued is carried out.
    void settle();
    // It goes out, and its results are looked at, and forgotten, with the next settle().
    void settle_later();
    // How often; what was queued before it changed has been carried out.
    std::int64_t settled() const { return settled_; }

    // Several statements in one string, outside of the pipeline; for schemas. Waits for as long as
    // it takes.
    void script(const std::string& text);

    // Prepared statements are made anew: the schema has changed.
    void forget_statements();
    std::uint64_t round_trips() const { return round_trips_; }
    const std::string& where() const { return where_; }  // host:port, for messages

 private:
    struct statement {
        std::string name, text;
        std::vector<std::uint32_t> types;                       // 0: the server finds out
        std::vector<postgres_statement::parameter> parameters;  // of the sql port's
        std::size_t arguments = 0;
        enum class state : std::uint8_t { unknown, sent, ready } is = state::unknown;
    };
    struct expected {
        enum class kind : std::uint8_t { prepare, run, mark } is;
        statement* of = nullptr;
        const char* sql = nullptr;
        rows_sink rows;
        std::int64_t* changed = nullptr;
        std::string* tag = nullptr;
        bool forgotten = false;  // of a settle_later()
    };
    struct key {
        const void* address;
        bool locks;
        friend bool operator==(const key&, const key&) = default;
    };
    struct key_hash {
        std::size_t operator()(const key& k) const {
            return std::hash<const void*>()(k.address) * 2 + (k.locks ? 1 : 0);
        }
    };
    using deadline = std::chrono::steady_clock::time_point;

    void prepare(statement& s);
    void run(statement& s, const postgres_parameters& args, bool binary_rows, expected what);
    void mark();
    void wait(short events, deadline until);
    void flush(deadline until);
    pg_result* next_result(deadline until);
    void take_results(expected what, std::optional<postgres_failure>& first);
    void take_result(const expected& what, pg_result* got, std::optional<postgres_failure>& first);
    [[noreturn]] void lose(std::string_view words);
    deadline statement_deadline() const;

    postgres_address address_;
    const std::atomic<bool>& hurry_;
    std::string where_;
    pg_conn* db_ = nullptr;
    std::unordered_map<key, std::unique_ptr<statement>, key_hash> statements_;
    std::vector<std::unique_ptr<statement>> replaced_;  // results of theirs may be on the way
    std::deque<expected> waiting_;
    std::exception_ptr thrown_;  // by a sink
    std::uint64_t names_ = 0, round_trips_ = 0;
    std::int64_t settled_ = 0;
};

}  // namespace stoa
