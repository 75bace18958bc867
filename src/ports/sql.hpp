// The sql port. A use case hands over its whole transaction as one closure and is resumed on its
// own loop after the commit is durable. The closure runs where the engine likes (SQLite's writer
// thread, a pooled PostgreSQL connection, the simulated disk), so it owns what it captures and
// touches no service state.
//
// Statements are text in the subset that SQLite 3.40 and PostgreSQL 15 share, with ?1 … ?n
// parameters, and are cached by the address of the text: pass string literals.
#pragma once

#include "base/described.hpp"
#include "ports/event_log.hpp"
#include "runtime/task.hpp"

#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

namespace stoa {

using cell = std::variant<std::monostate, std::int64_t, std::string_view, std::string>;

inline cell to_cell(std::string_view text) { return text; }
inline cell to_cell(const std::string& text) { return std::string_view(text); }
inline cell to_cell(const char* text) { return std::string_view(text); }
inline cell to_cell(bool b) { return std::int64_t{b}; }
template <std::integral T>
    requires(!std::same_as<T, bool>)
cell to_cell(T n) {
    return static_cast<std::int64_t>(n);
}
inline cell to_cell(timestamp t) { return rfc3339(t); }
inline cell to_cell(money m) { return m.minor; }
inline cell to_cell(const currency_code& c) { return std::string(c.text()); }
template <class E>
    requires std::is_enum_v<E>
cell to_cell(E e) {
    return word_of(e);
}
template <class T>
cell to_cell(const std::optional<T>& maybe) {
    return maybe ? to_cell(*maybe) : cell{};
}

// The arguments ?1 … ?n of one run. Views in them live as long as the call that takes them.
using argument_row = std::vector<cell>;

// A statement for many rows of arguments. `one` is in the shared subset and is run once a row by
// engines that know no lists. `all` is PostgreSQL's: $1 … $n are lists, the columns of the rows. It
// says for all of them what `one` says for each; where it reads in a writing transaction it locks
// what it gives (FOR UPDATE), in the order of the lists.
struct list_statement {
    const char* one;
    const char* all;
};
// Throws sql_failure (internal, statement_refused) where a column is not of texts alone, or not of
// numbers alone: NULL has no place in a list.
void check_lists(std::span<const argument_row> rows);

// The current row of a running statement; views live until the next one.
class sql_row {
 public:
    virtual ~sql_row() = default;
    virtual int columns() const = 0;
    virtual std::string_view name(int column) const = 0;
    virtual bool null(int column) const = 0;
    virtual std::int64_t integer(int column) const = 0;
    virtual std::string_view text(int column) const = 0;
};

class row_visitor {
 public:
    virtual ~row_visitor() = default;
    virtual void row(const sql_row&) = 0;
};

// Pairs columns with a record's members by name; a required member without a column, or NULL in
// one, throws sql_failure: the statement and the struct disagree.
class row_reader {
 public:
    row_reader(const type& of, currency_code shop) : of_(of), shop_(shop) {}
    void read(const sql_row& from, void* into);

 private:
    const type& of_;
    currency_code shop_;
    std::vector<int> column_of_;  // by member; -1: none (an optional member)
};

// Thrown inside a closure by the engine; the engine that runs the closure turns it into an error
// value. A closure lets it pass: nothing of its transaction is kept.
struct sql_failure {
    error why;
};

// One transaction. Everything that changes with it is written through it: rows, events, the
// consumer's receipt.
class transaction {
 public:
    virtual ~transaction() = default;

    // Runs a statement to its end; returns the rows changed. A broken constraint throws sql_failure
    // with kind conflict: write ON CONFLICT where a conflict is expected.
    template <class... Args>
    std::int64_t execute(const char* sql, const Args&... args) {
        const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
        return run(sql, cells, nullptr);
    }
    // As execute() where nobody needs the count: an engine may carry it out together with the next
    // statement that is waited for, or with the commit, and throws then.
    template <class... Args>
    void send(const char* sql, const Args&... args) {
        const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
        run_unwatched(sql, cells);
    }
    // Questions that do not wait for each other's answers: an engine may ask them in one round
    // trip. get() waits; the statements run in the order in which they were asked, and a failure
    // throws there.
    template <class T>
    class asked;
    template <class T, class... Args>
    asked<T> ask_first(const char* sql, const Args&... args);
    template <class... Args>
    asked<std::int64_t> ask_number(const char* sql, const Args&... args);
    // A statement for each of `rows`, which may be none. What ask_all() gives comes in any order.
    void send_all(const list_statement& what, std::span<const argument_row> rows) {
        check_lists(rows);
        if (!rows.empty()) run_all(what, rows, nullptr);
    }
    template <class T>
    class asked_all;
    template <class T>
    asked_all<T> ask_all(const list_statement& what, std::span<const argument_row> rows);
    // Records read by column name. Amounts take the row's `currency`, else `shop`.
    template <class T, class... Args>
    std::vector<T> query(const char* sql, const Args&... args) {
        every_row<T> all(shop_currency);
        const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
        run(sql, cells, &all);
        return std::move(all.found);
    }
    template <class T, class... Args>
    std::optional<T> first(const char* sql, const Args&... args) {
        auto rows = query<T>(sql, args...);
        if (rows.empty()) return {};
        return std::move(rows.front());
    }
    // The first column of the first row; nothing where there is no row or it is NULL.
    template <class... Args>
    std::optional<std::int64_t> number(const char* sql, const Args&... args) {
        struct one final : row_visitor {
            void row(const sql_row& r) override {
                if (!out && !r.null(0)) out = r.integer(0);
            }
            std::optional<std::int64_t> out;
        } found;
        const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
        run(sql, cells, &found);
        return found.out;
    }
    template <class... Args>
    std::vector<std::string> texts(const char* sql, const Args&... args) {
        struct column final : row_visitor {
            void row(const sql_row& r) override { out.emplace_back(r.text(0)); }
            std::vector<std::string> out;
        } all;
        const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
        run(sql, cells, &all);
        return std::move(all.out);
    }

    // The event is on its way exactly if this transaction commits.
    virtual void publish(event what) = 0;
    // False: this consumer has applied the event before; leave everything as it is.
    virtual bool receive(const delivery& what) = 0;

    currency_code shop_currency;

 protected:
    virtual std::int64_t run(const char* sql, std::span<const cell> args, row_visitor* rows) = 0;
    virtual void run_unwatched(const char* sql, std::span<const cell> args) {
        run(sql, args, nullptr);
    }
    // `rows` is told before settle_asked() returns.
    virtual void run_asked(const char* sql, std::span<const cell> args,
                           std::shared_ptr<row_visitor> rows) {
        run(sql, args, rows.get());
    }
    virtual void settle_asked() {}
    // `told`, where there is one, as of run_asked().
    virtual void run_all(const list_statement& what, std::span<const argument_row> rows,
                         std::shared_ptr<row_visitor> told) {
        for (const auto& each : rows)
            if (told) run_asked(what.one, each, told);
            else run_unwatched(what.one, each);
    }

 private:
    template <class T>
    struct first_row final : row_visitor {
        explicit first_row(currency_code shop) : reader(type_of<T>, shop) {}
        void row(const sql_row& r) override {
            if (!found) reader.read(r, &found.emplace());
        }
        row_reader reader;
        std::optional<T> found;
    };
    template <class T>
    struct every_row final : row_visitor {
        explicit every_row(currency_code shop) : reader(type_of<T>, shop) {}
        void row(const sql_row& r) override { reader.read(r, &found.emplace_back()); }
        row_reader reader;
        std::vector<T> found;
    };
};

template <class T>
class transaction::asked {
 public:
    // The first row; nothing where there is none. Once, before the closure ends.
    std::optional<T> get() {
        of_->settle_asked();
        return std::move(rows_->found);
    }

 private:
    friend class transaction;
    asked(transaction& of, std::shared_ptr<first_row<T>> rows) : of_(&of), rows_(std::move(rows)) {}
    transaction* of_;
    std::shared_ptr<first_row<T>> rows_;
};

template <class T>
class transaction::asked_all {
 public:
    // Once, before the closure ends.
    std::vector<T> get() {
        of_->settle_asked();
        return std::move(rows_->found);
    }

 private:
    friend class transaction;
    asked_all(transaction& of, std::shared_ptr<every_row<T>> rows)
        : of_(&of), rows_(std::move(rows)) {}
    transaction* of_;
    std::shared_ptr<every_row<T>> rows_;
};

template <class T>
transaction::asked_all<T> transaction::ask_all(const list_statement& what,
                                               std::span<const argument_row> rows) {
    auto told = std::make_shared<every_row<T>>(shop_currency);
    check_lists(rows);
    if (!rows.empty()) run_all(what, rows, told);
    return {*this, std::move(told)};
}

// The first column of the first row, where it is not NULL.
template <>
struct transaction::first_row<std::int64_t> final : row_visitor {
    void row(const sql_row& r) override {
        if (!found && !r.null(0)) found = r.integer(0);
    }
    std::optional<std::int64_t> found;
};

template <class T, class... Args>
transaction::asked<T> transaction::ask_first(const char* sql, const Args&... args) {
    auto rows = std::make_shared<first_row<T>>(shop_currency);
    const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
    run_asked(sql, cells, rows);
    return {*this, std::move(rows)};
}
template <class... Args>
transaction::asked<std::int64_t> transaction::ask_number(const char* sql, const Args&... args) {
    auto rows = std::make_shared<first_row<std::int64_t>>();
    const std::array<cell, sizeof...(Args)> cells{to_cell(args)...};
    run_asked(sql, cells, rows);
    return {*this, std::move(rows)};
}

// A closure with the coroutine that waits for it. The outcome lives here, not in the coroutine's
// frame: a frame may die while the engine still works.
class sql_job {
 public:
    virtual ~sql_job() = default;
    virtual bool run(transaction&) = 0;  // engine's thread; false: roll back. May throw sql_failure
    virtual void reject(error why) = 0;  // instead of, or after, run: nothing was kept
    virtual void complete() = 0;         // any thread; posts to the waiter's loop
    // What it did may be rolled back and run() called again: its closure does not change what it
    // owns.
    virtual bool repeatable() const { return false; }
};

namespace detail {
template <class Work, class Handler, class Outcome>
struct waiting_job final : sql_job {
    waiting_job(Work w, Handler h)
        : work(std::move(w)), handler(std::move(h)), busy(asio::get_associated_executor(handler)) {}
    bool run(transaction& t) override {
        outcome = work(t);
        return outcome.has_value();
    }
    void reject(error why) override { outcome = std::unexpected(std::move(why)); }
    bool repeatable() const override { return std::is_invocable_v<const Work&, transaction&>; }
    // The guard leaves with the handler: when the job dies, on the engine's thread, the loop may be
    // gone.
    void complete() override {
        const auto where = busy.get_executor();
        asio::post(where, [h = std::move(handler), o = std::move(outcome),
                           keep = std::move(busy)]() mutable { h(std::move(o)); });
    }
    Work work;
    Handler handler;
    asio::executor_work_guard<asio::associated_executor_t<Handler>> busy;
    Outcome outcome = std::unexpected(error{});
};
}  // namespace detail

// Thread rule: any loop. `commit` does not honour cancellation, `read` need not.
class sql {
 public:
    virtual ~sql() = default;

    // co_await db.commit([=](transaction& t) -> result<order> { … }); an error rolls back.
    template <class Work>
    task<std::invoke_result_t<Work&, transaction&>> commit(Work work) {
        return start(std::move(work), &sql::submit);
    }
    // A consistent snapshot; the closure must not write.
    template <class Work>
    task<std::invoke_result_t<Work&, transaction&>> read(Work work) {
        return start(std::move(work), &sql::submit_read);
    }

    // For engines and their tests. A full queue rejects with `unavailable`.
    virtual void submit(std::unique_ptr<sql_job>) = 0;
    virtual void submit_read(std::unique_ptr<sql_job>) = 0;

 private:
    template <class Work>
    task<std::invoke_result_t<Work&, transaction&>> start(
        Work work, void (sql::*how)(std::unique_ptr<sql_job>)) {
        using outcome = std::invoke_result_t<Work&, transaction&>;
        return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                    void(outcome)>(
            [this, how](auto handler, Work w) {
                using job = detail::waiting_job<Work, decltype(handler), outcome>;
                (this->*how)(std::make_unique<job>(std::move(w), std::move(handler)));
            },
            use_task, std::move(work));
    }
};

}  // namespace stoa
