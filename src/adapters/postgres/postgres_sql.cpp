#include "adapters/postgres/postgres_sql.hpp"

#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <charconv>

namespace stoa {
namespace {

using trouble = postgres_failure::kind;

// How often a transaction is run again after another was in its way.
constexpr int most_tries = 12;

constexpr const char* begin_write = "BEGIN";
constexpr const char* begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* commit_all = "COMMIT";
constexpr const char* rollback = "ROLLBACK";

class text_row final : public sql_row {
 public:
    explicit text_row(const postgres_rows& of) : of_(of) {}
    void at(int row) { row_ = row; }
    int columns() const override { return of_.columns(); }
    std::string_view name(int column) const override { return of_.name(column); }
    bool null(int column) const override { return of_.null(row_, column); }
    std::int64_t integer(int column) const override {
        const auto text = of_.at(row_, column);
        if (text == "t") return 1;
        std::int64_t out = 0;
        std::from_chars(text.data(), text.data() + text.size(), out);
        return out;
    }
    std::string_view text(int column) const override { return of_.at(row_, column); }

 private:
    const postgres_rows& of_;
    int row_ = 0;
};

// The columns of rows of arguments, as parameters.
struct argument_lists {
    explicit argument_lists(std::span<const argument_row> rows) {
        for (std::size_t i = 0; i < rows.front().size(); ++i) {
            const bool numbers = std::holds_alternative<std::int64_t>(rows.front()[i]);
            types.push_back(numbers ? postgres_type::number_list : postgres_type::text_list);
            auto list = numbers ? postgres_list(true) : postgres_list::of_texts();
            for (const auto& row : rows) add(list, row[i]);
            lists.push_back(list.take());
        }
        for (const auto& each : lists) parameters.add_bytes(each);
    }
    std::vector<std::uint32_t> types;
    std::vector<std::string> lists;  // the parameters are views of them
    postgres_parameters parameters;

 private:
    static void add(postgres_list& to, const cell& value) {
        if (const auto* n = std::get_if<std::int64_t>(&value)) return to.add(*n);
        const auto* view = std::get_if<std::string_view>(&value);
        const auto text = view ? *view : std::string_view(std::get<std::string>(value));
        check_storable(text);
        to.add(text);
    }
};

class postgres_transaction final : public transaction {
 public:
    enum class mode : std::uint8_t { read, write };
    postgres_transaction(postgres_connection& on, const postgres_events& events, currency_code shop,
                         mode how)
        : on_(on), events_(events), how_(how) {
        shop_currency = shop;
    }
    void publish(event what) override {
        must_write();
        events_.publish(on_, what, published_++);
    }
    bool receive(const delivery& what) override {
        must_write();
        return events_.receive(on_, what);
    }

 protected:
    std::int64_t run(const char* sql, std::span<const cell> args, row_visitor* rows) override {
        std::int64_t changed = 0;
        postgres_connection::rows_sink sink;
        if (rows) sink = [rows](const postgres_rows& all) { tell(all, *rows); };
        on_.send(sql, how_ == mode::write, args, std::move(sink), &changed);
        on_.settle();
        return changed;
    }
    void run_unwatched(const char* sql, std::span<const cell> args) override {
        on_.send(sql, how_ == mode::write, args);
    }
    void run_asked(const char* sql, std::span<const cell> args,
                   std::shared_ptr<row_visitor> rows) override {
        on_.send(sql, how_ == mode::write, args,
                 [rows = std::move(rows)](const postgres_rows& all) { tell(all, *rows); });
        asked_ = on_.settled();
    }
    void run_all(const list_statement& what, std::span<const argument_row> rows,
                 std::shared_ptr<row_visitor> told) override {
        // Its plan is cheaper.
        if (rows.size() == 1) return transaction::run_all(what, rows, std::move(told));
        argument_lists all(rows);
        postgres_connection::rows_sink sink;
        if (told) {
            sink = [told = std::move(told)](const postgres_rows& given) { tell(given, *told); };
            asked_ = on_.settled();
        }
        on_.send(what.all, std::move(all.types), std::move(all.parameters), std::move(sink));
    }
    void settle_asked() override {
        if (asked_ == on_.settled()) on_.settle();
        asked_ = -1;
    }

 private:
    static void tell(const postgres_rows& all, row_visitor& rows) {
        text_row row(all);
        for (int i = 0; i < all.count(); ++i) {
            row.at(i);
            rows.row(row);
        }
    }
    void must_write() const {
        if (how_ == mode::read)
            throw sql_failure{error{.kind = errc::internal,
                                    .code = "read_only",
                                    .detail = "a reading transaction cannot write"}};
    }
    postgres_connection& on_;
    const postgres_events& events_;
    mode how_;
    int published_ = 0;
    std::int64_t asked_ = -1;  // what was settled when something was last asked
};

error unexpected(const std::exception& thrown) {
    log_error("transaction_threw", {{"why", thrown.what()}});
    return {.kind = errc::internal, .code = "unexpected", .detail = thrown.what()};
}

// Whatever the connection's transaction did is undone; a connection that cannot say so is closed.
void undo(postgres_connection& on) {
    if (!on.is_open()) return;
    try {
        on.send_word(rollback);
        on.settle_later();
    } catch (const sql_failure&) {
        on.close();
    }
}

}  // namespace

struct postgres_sql::piece final : postgres_work {
    explicit piece(std::unique_ptr<sql_job> j) : job(std::move(j)) {}
    void reject(error why) override {
        job->reject(std::move(why));
        job->complete();
    }
    std::unique_ptr<sql_job> job;
};

postgres_sql::postgres_sql(postgres_pool& pool, const postgres_events& events, currency_code shop,
                           std::size_t connections, std::size_t queue_limit)
    : pool_(pool), events_(events), shop_(shop) {
    // Writers may all wait for each other's rows: some connections are never theirs.
    const auto spare = std::max<std::size_t>(connections / 4, 1);
    writes_ = pool.add_lane(
        {.name = "sql_writes",
         .connections = connections - spare,
         .together = 1,
         .queue_limit = queue_limit,
         .run = [this](postgres_connection& on, auto& pieces) { run_writes(on, pieces); }});
    reads_ = pool.add_lane(
        {.name = "sql_reads",
         .connections = connections,
         .together = 16,
         .spill = 4,
         .queue_limit = queue_limit,
         .run = [this](postgres_connection& on, auto& pieces) { run_reads(on, pieces); }});
}

void postgres_sql::submit(std::unique_ptr<sql_job> job) {
    pool_.submit(writes_, std::make_unique<piece>(std::move(job)));
}
void postgres_sql::submit_read(std::unique_ptr<sql_job> job) {
    pool_.submit(reads_, std::make_unique<piece>(std::move(job)));
}

void postgres_sql::run_writes(postgres_connection& on, postgres_pool::batch& pieces) {
    for (auto& each : pieces) {
        auto& job = *static_cast<piece&>(*each).job;
        run_write(on, job);
        job.complete();
        each.reset();
    }
}

void postgres_sql::run_write(postgres_connection& on, sql_job& job) {
    for (int tries = 1;; ++tries) {
        if (try_write(on, job, tries) != end::again) return;
        pool_.counters().conflicts.fetch_add(1, std::memory_order_relaxed);
        try {
            if (!on.is_open()) on.open();
        } catch (const sql_failure& failure) {
            auto why = failure.why;
            why.kind = errc::unavailable;
            return job.reject(std::move(why));
        }
    }
}

// The job's outcome is in the job, unless it is to be run again.
postgres_sql::end postgres_sql::try_write(postgres_connection& on, sql_job& job, int tries) {
    bool committing = false;
    try {
        on.send_word(begin_write);
        postgres_transaction t(on, events_, shop_, postgres_transaction::mode::write);
        if (!job.run(t)) {
            undo(on);
            return end::undone;
        }
        crash_point("batch_ran");
        std::string tag;
        on.send_word(commit_all, &tag);
        committing = true;
        on.settle();
        crash_point("batch_committed");
        if (tag == "COMMIT") return end::kept;
        job.reject({.kind = errc::internal,
                    .code = "transaction_lost",
                    .detail = "the database gave the transaction up; nothing was written"});
    } catch (const postgres_failure& failure) {
        if (failure.is == trouble::lost && committing) {
            pool_.counters().unknown_outcomes.fetch_add(1, std::memory_order_relaxed);
            job.reject(outcome_unknown());
            return end::undone;
        }
        undo(on);
        const int allowed = failure.is == trouble::conflict    ? most_tries
                            : failure.is == trouble::statement ? 0
                                                               : 2;
        if (failure.is == trouble::stale && on.is_open()) on.forget_statements();
        if (tries < allowed && job.repeatable()) return end::again;
        job.reject(failure.why);
    } catch (const sql_failure& failure) {
        undo(on);
        job.reject(failure.why);
    } catch (const std::exception& thrown) {
        undo(on);
        job.reject(unexpected(thrown));
    }
    return end::undone;
}

// One snapshot for all of them: it was taken after the last was asked for.
void postgres_sql::run_reads(postgres_connection& on, postgres_pool::batch& pieces) {
    bool fresh = false;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        auto& job = *static_cast<piece&>(*pieces[i]).job;
        for (int tries = 1;; ++tries) {
            if (!on.is_open()) on.open();  // or the rest is rejected by the pool
            try {
                if (!fresh) on.send_word(begin_read);
                fresh = true;
                postgres_transaction t(on, events_, shop_, postgres_transaction::mode::read);
                job.run(t);
                break;
            } catch (const postgres_failure& failure) {
                undo(on);
                fresh = false;
                if (failure.is == trouble::stale && on.is_open()) on.forget_statements();
                const bool again =
                    failure.is != trouble::statement && tries < 2 && job.repeatable();
                if (again) continue;
                job.reject(failure.why);
                break;
            } catch (const sql_failure& failure) {
                undo(on);
                fresh = false;
                job.reject(failure.why);
                break;
            } catch (const std::exception& thrown) {
                undo(on);
                fresh = false;
                job.reject(unexpected(thrown));
                break;
            }
        }
        job.complete();
        pieces[i].reset();
    }
    // Its answer is nobody's business: it goes out now and is read with what comes next.
    if (fresh) {
        on.send_word(commit_all);
        on.settle_later();
    }
}

}  // namespace stoa
