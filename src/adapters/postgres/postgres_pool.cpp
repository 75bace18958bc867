#include "adapters/postgres/postgres_pool.hpp"

#include "runtime/log.hpp"

#include <pthread.h>

#include <algorithm>

namespace stoa {
namespace {

constexpr std::chrono::seconds longest_farewell{5};
// Between tries to connect; work that comes meanwhile is refused at once.
constexpr std::chrono::milliseconds first_wait{50}, longest_wait{1'000};

}  // namespace

postgres_pool::postgres_pool(postgres_address address, std::size_t connections,
                             std::function<result<void>(postgres_connection&)> prepare)
    : address_(std::move(address)),
      connections_(std::clamp<std::size_t>(connections, 2, 128)),
      prepare_(std::move(prepare)) {}

std::size_t postgres_pool::add_lane(lane_settings how) {
    auto& made = lanes_.emplace_back(std::make_unique<lane>());
    made->how = std::move(how);
    made->place = lanes_.size() - 1;
    return made->place;
}

result<void> postgres_pool::start(bool may_be_away) {
    {
        postgres_connection first(address_, hurry_);
        auto made = connect(first);
        if (first.is_open()) counters_.open.fetch_sub(1, std::memory_order_relaxed);
        const bool away = !made && made.error().kind == errc::unavailable;
        if (!made && !(away && may_be_away)) return made;
    }
    for (std::size_t i = 0; i < connections_; ++i) threads_.emplace_back([this] { work(); });
    return {};
}

error postgres_pool::refusal() const {
    if (closing_)
        return {.kind = errc::unavailable,
                .code = "shutting_down",
                .detail = "the shop is shutting down",
                .retry_after_s = 1};
    return {.kind = errc::unavailable,
            .code = "overloaded",
            .detail = "too much work for the database is waiting",
            .retry_after_s = 1};
}

void postgres_pool::submit(std::size_t to, std::unique_ptr<postgres_work> work) {
    error why;
    {
        std::unique_lock lock(mutex_);
        auto& in = *lanes_[to];
        const bool away = away_for_.count() > 0 && steady::now() < away_until_;
        if (!closing_ && !away && in.queue.size() < in.how.queue_limit) {
            in.queue.push_back(std::move(work));
            counters_.queued.store(++queued_, std::memory_order_relaxed);
            // One thread at a time is woken; it wakes the next where there is more to do.
            const bool wake = waiting_ > 0 && !waking_ && wants_another(in);
            waking_ = waking_ || wake;
            lock.unlock();
            if (wake) some_.notify_one();
            return;
        }
        why = away && !closing_ ? away_why_ : refusal();
    }
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    work->reject(std::move(why));
}

void postgres_pool::close() {
    std::vector<std::unique_ptr<postgres_work>> left;
    {
        std::unique_lock lock(mutex_);
        if (closed_) return;
        closing_ = true;
        some_.notify_all();
        idle_.wait_for(lock, longest_farewell,
                       [this] { return (queued_ == 0 && at_work_ == 0) || threads_.empty(); });
        closed_ = true;
        for (auto& each : lanes_) {
            for (auto& piece : each->queue) left.push_back(std::move(piece));
            each->queue.clear();
        }
        queued_ = 0;
    }
    hurry_ = true;
    some_.notify_all();
    threads_.clear();
    reject_all(left, refusal());
}

bool postgres_pool::wants_another(const lane& of) {
    const auto least = of.running == 0 ? 1 : of.how.spill;
    return of.queue.size() >= least && of.running < of.how.connections;
}

// Lanes take turns.
postgres_pool::lane* postgres_pool::next_lane() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        auto& each = *lanes_[(next_ + i) % lanes_.size()];
        if (wants_another(each)) return &each;
    }
    return nullptr;
}

// Null: closed.
postgres_pool::lane* postgres_pool::take(batch& out, std::unique_lock<std::mutex>& lock) {
    lane* from = nullptr;
    while (!(from = next_lane())) {
        if (closed_) return nullptr;
        ++waiting_;
        some_.wait(lock);
        --waiting_;
        waking_ = false;
    }
    next_ = from->place + 1;
    const auto n = std::min(from->how.together, from->queue.size());
    for (std::size_t i = 0; i < n; ++i) {
        out.push_back(std::move(from->queue.front()));
        from->queue.pop_front();
    }
    queued_ -= n;
    counters_.queued.store(queued_, std::memory_order_relaxed);
    ++from->running;
    ++at_work_;
    return from;
}

void postgres_pool::work() {
    pthread_setname_np(pthread_self(), "stoa-postgres");
    postgres_connection on(address_, hurry_);
    batch pieces;
    for (;;) {
        lane* from = nullptr;
        bool more = false;
        {
            std::unique_lock lock(mutex_);
            from = take(pieces, lock);
            more = waiting_ > 0 && !waking_ && next_lane() != nullptr;
            waking_ = waking_ || more;
        }
        if (!from) break;
        if (more) some_.notify_one();
        run(on, *from, pieces);
        pieces.clear();
        const std::scoped_lock lock(mutex_);
        --from->running;
        --at_work_;
        if (closing_ && queued_ == 0 && at_work_ == 0) idle_.notify_all();
    }
    if (on.is_open()) counters_.open.fetch_sub(1, std::memory_order_relaxed);
}

void postgres_pool::run(postgres_connection& on, lane& of, batch& pieces) {
    const auto n = pieces.size();
    if (on.is_open() && !on.still_there()) {
        on.close();
        counters_.open.fetch_sub(1, std::memory_order_relaxed);
    }
    if (!on.is_open()) {
        if (auto made = connect(on); !made) {
            auto why = made.error();
            why.kind = errc::unavailable;
            why.retry_after_s = 1;
            return reject_all(pieces, why);
        }
    }
    const auto began = steady::now();
    const auto trips = on.round_trips();
    counters_.busy.fetch_add(1, std::memory_order_relaxed);
    try {
        of.how.run(on, pieces);
    } catch (const sql_failure& failure) {
        auto why = failure.why;
        if (!on.is_open()) why.kind = errc::unavailable;
        reject_all(pieces, why);
    } catch (const std::exception& thrown) {
        log_error("postgres_lane_threw", {{"lane", of.how.name}, {"why", thrown.what()}});
        on.close();
        reject_all(pieces, {.kind = errc::internal, .code = "unexpected", .detail = thrown.what()});
    }
    if (!on.is_open()) counters_.open.fetch_sub(1, std::memory_order_relaxed);
    counters_.busy.fetch_sub(1, std::memory_order_relaxed);
    counters_.batches.fetch_add(1, std::memory_order_relaxed);
    counters_.done.fetch_add(n, std::memory_order_relaxed);
    counters_.round_trips.fetch_add(on.round_trips() - trips, std::memory_order_relaxed);
    counters_.busy_nanos.fetch_add(
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now() - began).count()),
        std::memory_order_relaxed);
    auto largest = counters_.largest_batch.load(std::memory_order_relaxed);
    while (n > largest && !counters_.largest_batch.compare_exchange_weak(largest, n)) {
    }
}

result<void> postgres_pool::connect(postgres_connection& on) {
    auto why = error{};
    try {
        on.open();
        counters_.connects.fetch_add(1, std::memory_order_relaxed);
        if (!prepared_) {
            const std::scoped_lock one_at_a_time(preparing_);
            if (!prepared_) {
                if (auto did = prepare_(on); !did) throw sql_failure{did.error()};
                prepared_ = true;
            }
        }
        const std::scoped_lock lock(mutex_);
        if (away_for_.count() > 0) log_info("database_is_back", {{"server", on.where()}});
        away_for_ = {};
        counters_.away = false;
        counters_.open.fetch_add(1, std::memory_order_relaxed);
        return {};
    } catch (const sql_failure& failure) {
        why = failure.why;
        on.close();
    }
    counters_.failed_connects.fetch_add(1, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    if (away_for_.count() == 0)
        log_error("database_is_away", {{"code", why.code}, {"why", why.detail}});
    away_for_ = std::clamp(away_for_ * 2, first_wait, longest_wait);
    away_until_ = steady::now() + away_for_;
    // A login that is refused now may be granted later: a request is told to come again.
    away_why_ = why;
    away_why_.kind = errc::unavailable;
    away_why_.retry_after_s = 1;
    counters_.away = true;
    return fail(std::move(why));
}

void postgres_pool::reject_all(batch& pieces, const error& why) {
    for (auto& each : pieces) {
        if (!each) continue;
        counters_.refused.fetch_add(1, std::memory_order_relaxed);
        each->reject(why);
        each.reset();
    }
}

}  // namespace stoa
