#include "ports/event_marks.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr minutes near{1};
constexpr int tail = 64;  // events of a partition that a new process looks at

// A key whose partition is the one wanted. The hash spreads well: a few tries each.
std::string key_in(int partition, int partitions) {
    for (int i = 0;; ++i) {
        auto key = "mark-" + std::to_string(i);
        if (partition_of(key, partitions) == partition) return key;
    }
}

void raise(std::atomic<std::int64_t>& to, std::int64_t value) {
    auto was = to.load(std::memory_order_relaxed);
    while (was < value && !to.compare_exchange_weak(was, value, std::memory_order_relaxed)) {
    }
}

}  // namespace

std::vector<event> marks_of(std::string_view topic, int partitions, timestamp at, clock& time,
                            random_source& random) {
    std::vector<event> out;
    for (int p = 0; p < partitions; ++p)
        out.push_back({.topic = std::string(topic),
                       .key = key_in(p, partitions),
                       .id = new_id(time, random),
                       .type = std::string(mark_type),
                       .occurred_at = at,
                       .payload = R"({"mark":")" + rfc3339(at) + "\"}"});
    return out;
}

mark_writer::mark_writer(event_log& log, clock& time, random_source& random,
                         std::vector<std::string> told, std::vector<std::string> others,
                         mark_settings settings)
    : log_(log),
      time_(time),
      random_(random),
      told_(std::move(told)),
      others_(std::move(others)),
      settings_(settings) {}

void mark_writer::note(timestamp event_time) {
    const auto now = time_.now();
    // Senders' clocks run ahead; ours is the shop's.
    const auto taken = std::min(event_time, now);
    raise(newest_, taken.micros);
    if (now - taken <= near) raise(newest_live_, now.micros);
}

// Whether events came that are not marks of ours.
task<result<void>> mark_writer::look(const std::string& name, topic& of, bool& grew) {
    STOA_CO_TRY(const auto all, co_await log_.positions(name));
    std::vector<std::int64_t> ends(all.size());
    for (const auto& each : all) ends[static_cast<std::size_t>(each.partition)] = each.end;
    grew = of.ends.size() != ends.size() ? std::ranges::any_of(ends, [](auto e) { return e > 0; })
                                         : ends != of.ends;
    of.ends = std::move(ends);
    co_return result<void>{};
}

task<result<int>> mark_writer::mark(const std::string& name, topic& of, timestamp at) {
    const auto step = [&](timestamp t) {
        const microseconds grid = settings_.grid;
        return (t - settings_.disorder).micros / grid.count();
    };
    if (at <= of.marked || (of.marked.micros >= 0 && step(at) == step(of.marked))) co_return 0;
    STOA_CO_TRY_VOID(
        co_await log_.append(marks_of(name, static_cast<int>(of.ends.size()), at, time_, random_)));
    of.marked = at;
    for (auto& end : of.ends) ++end;
    co_return 1;
}

// What a process before this one took and did not live to mark.
task<result<void>> mark_writer::recall() {
    for (const auto& name : told_) {
        STOA_CO_TRY(const auto all, co_await log_.positions(name));
        for (const auto& each : all) {
            const auto from = std::max(each.first, each.end - tail);
            STOA_CO_TRY(const auto last, co_await log_.read(name, each.partition, from, tail));
            for (const auto& one : last) {
                raise(newest_, std::min(one.message.occurred_at, time_.now()).micros);
                // It was a shop of today when it stopped: today's clock goes on.
                if (time_.now() - one.message.occurred_at < hours(24))
                    raise(newest_live_, time_.now().micros);
            }
        }
    }
    recalled_ = true;
    co_return result<void>{};
}

task<result<int>> mark_writer::write_due() {
    if (!recalled_) STOA_CO_TRY_VOID(co_await recall());
    const auto now = time_.now();
    // Read before the look: what is noted later is marked later.
    const timestamp newest{newest_.load()}, live{newest_live_.load()};
    for (const auto& name : others_) {
        bool grew = false;
        STOA_CO_TRY_VOID(co_await look(name, topics_[name], grew));
        if (grew) happened_ = now;
    }
    const auto lately = [&](timestamp t) {
        return t.micros >= 0 && now - t <= settings_.quiet_after;
    };
    const bool told_live = lately(live);
    int marked = 0;
    for (const auto& name : others_) {
        if (!lately(happened_) && !told_live) break;
        STOA_CO_TRY(const auto one, co_await mark(name, topics_[name], now));
        marked += one;
    }
    // A replay of the past goes by its own time, whatever the shop sells meanwhile.
    const bool replayed = newest.micros >= 0 && live.micros < 0;
    auto at = newest;
    if (told_live || (!replayed && lately(happened_))) at = now;
    if (at.micros < 0) co_return marked;
    for (const auto& name : told_) {
        auto& of = topics_[name];
        bool grew = false;
        if (of.ends.empty()) STOA_CO_TRY_VOID(co_await look(name, of, grew));
        STOA_CO_TRY(const auto one, co_await mark(name, of, at));
        marked += one;
    }
    co_return marked;
}

}  // namespace stoa
