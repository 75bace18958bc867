// One transaction for many callers: while one is under way, what comes meanwhile gathers, and the
// next carries it all. A commit, its wait for the disk and its round trips are then shared, and the
// transaction can lock the rows of all in one order. One that only reads begins after all have
// asked.
#pragma once

#include "ports/sql.hpp"

#include <deque>
#include <functional>

namespace stoa {

// Thread rule: one loop. Parts are decided in the order in which they came. Where the engine is at
// fault (away, too slow, full), all are told. Where the transaction failed by what is in it, each
// part is tried alone, so that one that cannot be stored takes no other with it.
template <class Part, class Outcome>
class sql_together {
 public:
    // One outcome a part. It may run again, after a rollback: it changes nothing but rows.
    using decide = std::function<std::vector<Outcome>(transaction&, std::span<const Part>)>;

    // `how`: a commit, or &sql::submit_read.
    using submit = void (sql::*)(std::unique_ptr<sql_job>);
    sql_together(sql& db, decide work, std::size_t most_at_once = 64, submit how = &sql::submit)
        : state_(std::make_shared<state>(db, std::move(work), most_at_once, how)) {}

    // Returns when the part's transaction is durable. Not cancelled, as no commit is.
    task<result<Outcome>> ask(Part part) {
        return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                    void(result<Outcome>)>(
            [s = state_](auto handler, Part p) {
                const auto where = asio::get_associated_executor(handler);
                s->waiting.push_back({std::move(p), std::move(handler)});
                s->start_soon(where);
            },
            use_task, std::move(part));
    }

 private:
    struct waiting_part {
        Part part;
        std::move_only_function<void(result<Outcome>)> tell;
    };
    struct state;

    class job final : public sql_job {
     public:
        job(std::shared_ptr<state> of, std::vector<waiting_part> all, loop::executor_type where)
            : of_(std::move(of)), busy_(asio::make_work_guard(where)) {
            for (auto& each : all) {
                parts_.push_back(std::move(each.part));
                tell_.push_back(std::move(each.tell));
            }
        }
        bool run(transaction& t) override {
            outcomes_ = of_->work(t, parts_);
            return true;
        }
        void reject(error why) override { failed_ = std::move(why); }
        bool repeatable() const override { return true; }
        // What waits leaves with the post: when the job dies, on the engine's thread, the loop may
        // be gone.
        void complete() override {
            const auto where = busy_.get_executor();
            asio::post(where, [of = std::move(of_), parts = std::move(parts_),
                               tell = std::move(tell_), outcomes = std::move(outcomes_),
                               failed = std::move(failed_), busy = std::move(busy_)]() mutable {
                const auto on = busy.get_executor();
                of->end(std::move(parts), std::move(tell), std::move(outcomes), std::move(failed),
                        on);
            });
        }

     private:
        std::shared_ptr<state> of_;
        std::vector<Part> parts_;
        std::vector<std::move_only_function<void(result<Outcome>)>> tell_;
        std::vector<Outcome> outcomes_;
        std::optional<error> failed_;
        asio::executor_work_guard<loop::executor_type> busy_;
    };

    static bool is_of_a_part(errc kind) {
        return kind != errc::unavailable && kind != errc::timeout && kind != errc::storage_full;
    }

    struct state : std::enable_shared_from_this<state> {
        state(sql& d, decide w, std::size_t most, submit s)
            : db(d), work(std::move(w)), most_at_once(most), how(s) {}

        sql& db;
        const decide work;
        const std::size_t most_at_once;
        const submit how;
        std::deque<waiting_part> waiting;
        std::size_t alone = 0;  // so many, from the front, go one by one
        bool under_way = false, starting = false;

        // Once the loop has run what is ready now: many are often told at once, and all of them
        // come here. Were the first sent by itself, the others would wait for its commit, too.
        void start_soon(loop::executor_type where) {
            if (under_way || starting) return;
            starting = true;
            asio::post(where, [s = this->shared_from_this(), where] {
                s->starting = false;
                s->start(where);
            });
        }
        void start(loop::executor_type where) {
            if (under_way || waiting.empty()) return;
            const auto count = alone > 0 ? 1 : std::min(most_at_once, waiting.size());
            if (alone > 0) --alone;
            const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
            std::vector<waiting_part> all(std::make_move_iterator(waiting.begin()),
                                          std::make_move_iterator(end));
            waiting.erase(waiting.begin(), end);
            under_way = true;
            (db.*how)(std::make_unique<job>(this->shared_from_this(), std::move(all), where));
        }
        void end(std::vector<Part> parts,
                 std::vector<std::move_only_function<void(result<Outcome>)>> tell,
                 std::vector<Outcome> outcomes, std::optional<error> failed,
                 loop::executor_type where) {
            under_way = false;
            const bool again = failed && parts.size() > 1 && is_of_a_part(failed->kind);
            if (again) {
                for (auto i = parts.size(); i-- > 0;)
                    waiting.push_front({std::move(parts[i]), std::move(tell[i])});
                alone += parts.size();
            }
            // Before anybody hears: whoever comes next waits for this one.
            start(where);
            if (again) return;
            for (std::size_t i = 0; i < tell.size(); ++i) {
                if (failed) tell[i](std::unexpected(*failed));
                else tell[i](std::move(outcomes[i]));
            }
        }
    };

    std::shared_ptr<state> state_;
};

}  // namespace stoa
