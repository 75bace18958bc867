#include "adapters/postgres/postgres_key_value.hpp"

#include "adapters/postgres/postgres_item_batch.hpp"
#include "ports/item_codec.hpp"
#include "runtime/log.hpp"

namespace stoa {
namespace {

using trouble = postgres_failure::kind;

constexpr std::size_t most_together = 64;
constexpr std::size_t most_bytes_together = 4 << 20;
constexpr int most_tries = 20;

auto unknown(const kv_table* table) {
    return fail(errc::internal, "unknown_table",
                "table " + std::string(table ? table->name : "") + " was not declared");
}
auto refused(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

// A piece of work with the coroutine that waits for it.
template <class Outcome>
class awaited : public postgres_work {
 public:
    void end(Outcome with) {
        outcome_ = std::move(with);
        complete();
    }
    void reject(error why) override { end(std::unexpected(std::move(why))); }

 protected:
    virtual void complete() = 0;
    Outcome outcome_ = std::unexpected(error{});
};

template <class Piece, class Outcome, class Handler>
class handled final : public Piece {
 public:
    handled(Piece piece, Handler h)
        : Piece(std::move(piece)),
          handler_(std::move(h)),
          busy_(asio::get_associated_executor(handler_)) {}

 private:
    void complete() override {
        const auto where = busy_.get_executor();
        asio::post(where, [h = std::move(handler_), o = std::move(this->outcome_),
                           keep = std::move(busy_)]() mutable { h(std::move(o)); });
    }
    Handler handler_;
    asio::executor_work_guard<asio::associated_executor_t<Handler>> busy_;
};

template <class Outcome, class Piece>
task<Outcome> submitted(postgres_pool& pool, std::size_t lane, Piece piece) {
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void(Outcome)>(
        [&pool, lane](auto handler, Piece p) {
            using whole = handled<Piece, Outcome, decltype(handler)>;
            const auto where = asio::get_associated_executor(handler);
            auto made = std::make_unique<whole>(std::move(p), std::move(handler));
            // Many are often told at once and come here in one turn of the loop: the first of them
            // is not to go by itself while the others are still on their way.
            asio::post(where, [&pool, lane, work = std::move(made)]() mutable {
                pool.submit(lane, std::move(work));
            });
        },
        use_task, std::move(piece));
}

// A statement whose rows are an outcome. It may be sent again.
class read_piece {
 public:
    virtual ~read_piece() = default;
    virtual void send(postgres_connection& on) = 0;
    virtual void answer() = 0;
};

using found_item = result<std::optional<item>>;
class get_piece : public awaited<found_item>, public read_piece {
 public:
    get_piece(const postgres_table& in, item key) : in_(&in), key_(std::move(key)) {}
    void send(postgres_connection& on) override {
        postgres_parameters args;
        for (const auto& each : key_) add_key(args, each.value);
        found_.reset();
        on.send(in_->get, std::move(args), [this](const postgres_rows& rows) {
            if (rows.count() > 0) found_ = decode_item(rows.at(0, 0));
        });
    }
    void answer() override { end(std::move(found_)); }

 private:
    void complete() override {}
    const postgres_table* in_;
    item key_;
    std::optional<item> found_;
};

// The attributes from which the next page goes on.
item page_key(const postgres_table& in, const postgres_path& path, const item& last) {
    item out;
    for (const auto name : {in.table->hash, in.table->range, path.hash.attribute,
                            path.ranged ? path.range.attribute : std::string_view()})
        if (const auto* found = name.empty() ? nullptr : last.find(name)) out.set(name, *found);
    return out;
}

class page_piece : public awaited<result<kv_page>>, public read_piece {
 public:
    page_piece(const postgres_table& in, const postgres_path& path,
               const postgres_prepared_text& statement, std::vector<attribute> args, int limit,
               std::size_t limit_at)
        : in_(&in),
          path_(&path),
          statement_(&statement),
          args_(std::move(args)),
          limit_(limit),
          limit_at_(limit_at) {}
    void send(postgres_connection& on) override {
        postgres_parameters args;
        for (std::size_t i = 0; i <= args_.size(); ++i) {
            if (i == limit_at_) args.add_number_binary(std::int64_t{limit_} + 1);
            if (i < args_.size()) add_key(args, args_[i]);
        }
        page_ = {};
        on.send(*statement_, std::move(args), [this](const postgres_rows& rows) { take(rows); });
    }
    void answer() override { end(std::move(page_)); }

 private:
    void complete() override {}
    // Rows until the limit or 1 MB; whatever is beyond becomes the next page.
    void take(const postgres_rows& rows) {
        std::size_t size_bytes = 0;
        for (int i = 0; i < rows.count(); ++i) {
            const auto body = rows.at(i, 0);
            size_bytes += body.size();
            if (i == limit_ || (i > 0 && size_bytes > largest_page_bytes)) {
                page_.next = page_key(*in_, *path_, page_.items.back());
                return;
            }
            page_.items.push_back(decode_item(body));
        }
    }
    const postgres_table* in_;
    const postgres_path* path_;
    const postgres_prepared_text* statement_;
    std::vector<attribute> args_;
    int limit_;
    std::size_t limit_at_;
    kv_page page_;
};

class write_piece : public awaited<result<write_outcome>> {
 public:
    explicit write_piece(postgres_item_plan p) : plan(std::move(p)) {}
    postgres_item_plan plan;

 private:
    void complete() override {}
};

class sweep_piece : public awaited<result<int>> {
 public:
    sweep_piece(timestamp n, int m) : now(n), max(m) {}
    timestamp now;
    int max;

 private:
    void complete() override {}
};

void undo(postgres_connection& on) {
    if (!on.is_open()) return;
    try {
        on.send_word("ROLLBACK");
        on.settle_later();
    } catch (const sql_failure&) {
        on.close();
    }
}

// The least text above all that begin with `prefix`; none: nothing is above.
std::optional<std::string> above_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return {};
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

// The condition as the path's statement has it; begins_with becomes a comparison where it can.
struct bounds {
    kv_query::op op = kv_query::op::any;
    std::vector<attribute> values;
    bool nothing = false;  // no value of the column's type can be there
};
result<bounds> bounds_of(const kv_query& q, const postgres_path& path) {
    using enum kv_query::op;
    bounds out{.op = q.range};
    if (q.range == any) return out;
    const auto usable = [](const attribute& v) { return v.integer() || v.text(); };
    if (!usable(q.from) || (q.range == between && q.to.value.index() != q.from.value.index()))
        return refused("range_type", "a range condition compares with text or with a number");
    const bool number = q.from.integer() != nullptr;
    if (q.range == begins_with && number)
        return refused("range_type", "only text begins with something");
    out.nothing = number != path.range.number;
    out.values.push_back(q.from);
    if (q.range == between) out.values.push_back(q.to);
    if (q.range == begins_with) {
        if (auto end = above_prefix(*q.from.text())) out.values.emplace_back(*std::move(end));
        else out.op = at_least;
    }
    return out;
}

}  // namespace

postgres_key_value::postgres_key_value(postgres_pool& pool, const postgres_items_schema& schema,
                                       std::size_t queue_limit)
    : pool_(pool), schema_(schema) {
    // What comes while one batch is on its way goes together in the next; a second connection joins
    // only where a whole batch waits. More would make the batches smaller, and dearer.
    reads_ = pool.add_lane(
        {.name = "item_reads",
         .connections = 2,
         .together = most_together,
         .spill = most_together / 4,
         .queue_limit = queue_limit,
         .run = [this](postgres_connection& on, auto& pieces) { run_reads(on, pieces); }});
    writes_ = pool.add_lane(
        {.name = "item_writes",
         .connections = 2,
         .together = most_together,
         .spill = most_together,
         .queue_limit = queue_limit,
         .run = [this](postgres_connection& on, auto& pieces) { run_writes(on, pieces); }});
    sweeps_ = pool.add_lane({.name = "item_sweeps",
                             .connections = 1,
                             .together = 1,
                             .queue_limit = 16,
                             .run = [this](postgres_connection& on, auto& pieces) {
                                 auto& sweep = static_cast<sweep_piece&>(*pieces.front());
                                 int deleted = 0;
                                 for (const auto& in : schema_.all()) {
                                     if (in->table->ttl.empty() || deleted >= sweep.max) continue;
                                     std::int64_t n = 0;
                                     postgres_parameters args;
                                     args.add_number_binary(sweep.now.unix_s());
                                     args.add_number_binary(sweep.max - deleted);
                                     on.send(in->expire, std::move(args), {}, &n);
                                     on.settle();
                                     deleted += static_cast<int>(n);
                                 }
                                 sweep.end(deleted);
                                 pieces.clear();
                             }});
}

task<result<std::optional<item>>> postgres_key_value::get(const kv_table& table, item key) {
    const auto* in = schema_.find(&table);
    if (!in) co_return unknown(&table);
    STOA_CO_TRY(auto place, table_key(*in->table, key));
    co_return co_await submitted<found_item>(pool_, reads_, get_piece(*in, std::move(place)));
}

task<result<kv_page>> postgres_key_value::query(kv_query what) {
    const auto* in = schema_.find(what.table);
    if (!in) co_return unknown(what.table);
    const postgres_path* path = what.index.empty() ? &in->items : nullptr;
    for (const auto& each : in->indexes)
        if (!what.index.empty() && each.name == what.index) path = &each;
    if (!path) co_return refused("unknown_index", "there is no index " + std::string(what.index));
    if (what.limit < 1) co_return refused("page_limit", "a page has at least one item");
    STOA_CO_TRY_VOID(check_key(*in->table, path->hash.attribute, &what.hash));
    if (what.range != kv_query::op::any && !path->ranged)
        co_return refused("range_missing", "there is no range attribute to compare");
    STOA_CO_TRY(auto range, bounds_of(what, *path));
    if (range.nothing) co_return kv_page{};
    std::vector<attribute> args{what.hash};
    for (auto& each : range.values) args.push_back(std::move(each));
    const auto limit_at = args.size();
    if (what.after) {
        if (path->order.empty())
            co_return kv_page{};  // a table without range: one item a hash value, and it was seen
        for (const auto& each : path->order) {
            const auto* found = what.after->find(each.attribute);
            STOA_CO_TRY_VOID(check_key(*in->table, each.attribute, found));
            args.push_back(*found);
        }
    }
    const auto& statement = path->query(range.op, what.forwards, what.after.has_value());
    co_return co_await submitted<result<kv_page>>(
        pool_, reads_, page_piece(*in, *path, statement, std::move(args), what.limit, limit_at));
}

task<result<kv_page>> postgres_key_value::scan(const kv_table& table, std::optional<item> after,
                                               int limit) {
    const auto* in = schema_.find(&table);
    if (!in) co_return unknown(&table);
    if (limit < 1) co_return refused("page_limit", "a page has at least one item");
    std::vector<attribute> args;
    if (after) {
        STOA_CO_TRY(const auto key, table_key(*in->table, *after));
        for (const auto& each : key) args.push_back(each.value);
    }
    const auto limit_at = args.size();
    co_return co_await submitted<result<kv_page>>(
        pool_, reads_,
        page_piece(*in, in->items, after ? in->scan_after : in->scan, std::move(args), limit,
                   limit_at));
}

task<result<write_outcome>> postgres_key_value::write(write_set what) {
    STOA_CO_TRY(auto plan, plan_items(schema_, std::move(what)));
    co_return co_await submitted<result<write_outcome>>(pool_, writes_,
                                                        write_piece(std::move(plan)));
}

task<result<int>> postgres_key_value::expire(timestamp now, int max) {
    co_return co_await submitted<result<int>>(pool_, sweeps_, sweep_piece(now, max));
}

// All of them in one round trip; where one fails, each by itself.
void postgres_key_value::run_reads(postgres_connection& on, postgres_pool::batch& pieces) {
    const auto read_of = [](postgres_work& work) -> read_piece& {
        return dynamic_cast<read_piece&>(work);
    };
    try {
        for (auto& each : pieces) read_of(*each).send(on);
        on.settle();
        for (auto& each : pieces) {
            read_of(*each).answer();
            each.reset();
        }
        return;
    } catch (const sql_failure& failure) {
        log_debug("reads_apart", {{"why", failure.why.detail}});
    }
    for (auto& each : pieces)
        for (int tries = 1; each; ++tries) {
            if (!on.is_open()) on.open();  // or the rest is rejected by the pool
            try {
                read_of(*each).send(on);
                on.settle();
                read_of(*each).answer();
            } catch (const postgres_failure& failure) {
                if (failure.is == trouble::stale && on.is_open()) on.forget_statements();
                if (failure.is != trouble::statement && tries < 2) continue;
                each->reject(failure.why);
            } catch (const sql_failure& failure) {
                each->reject(failure.why);
            }
            each.reset();
        }
}

void postgres_key_value::run_writes(postgres_connection& on, postgres_pool::batch& pieces) {
    const auto plan_of = [](postgres_work& work) -> const postgres_item_plan& {
        return static_cast<write_piece&>(work).plan;
    };
    std::size_t from = 0, together = pieces.size();
    for (int tries = 1; from < pieces.size(); ++tries) {
        postgres_item_batch batch;
        std::size_t n = 0, size_bytes = 0;
        while (n < together && from + n < pieces.size()) {
            const auto& plan = plan_of(*pieces[from + n]);
            if (n > 0 && size_bytes + plan.size_bytes > most_bytes_together) break;
            size_bytes += plan.size_bytes;
            batch.add(plan);
            ++n;
        }
        bool committing = false;
        std::optional<error> why;
        if (!on.is_open()) on.open();  // or the rest is rejected by the pool
        try {
            auto outcomes = batch.run(on, committing);
            for (std::size_t i = 0; i < n; ++i) {
                auto& piece = pieces[from + i];
                static_cast<write_piece&>(*piece).end(std::move(outcomes[i]));
                piece.reset();
            }
            from += n;
            tries = 0;
            continue;
        } catch (const postgres_failure& failure) {
            undo(on);
            const bool unsure = failure.is == trouble::lost && committing;
            if (failure.is == trouble::stale && on.is_open()) on.forget_statements();
            const bool again = failure.is != trouble::statement && !unsure && tries < most_tries;
            if (again) pool_.counters().conflicts.fetch_add(1, std::memory_order_relaxed);
            // Whatever stood in the way of one of them is not to hold up the others for long.
            if (!unsure && n > 1 && (!again || tries > 3)) {
                together = 1;
                tries = 0;
                continue;
            }
            if (again) continue;
            if (unsure) pool_.counters().unknown_outcomes.fetch_add(1, std::memory_order_relaxed);
            why = unsure ? outcome_unknown() : failure.why;
            if (why->code == "constraint") why = failure_of("40001", "a key", nullptr).why;
        } catch (const sql_failure& failure) {
            undo(on);
            if (n > 1) {
                together = 1;
                tries = 0;
                continue;
            }
            why = failure.why;
        }
        for (std::size_t i = 0; i < n; ++i) {
            pieces[from + i]->reject(*why);
            pieces[from + i].reset();
        }
        from += n;
        tries = 0;
    }
}

}  // namespace stoa
