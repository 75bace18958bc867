#include "transport/events/key_history.hpp"

#include <algorithm>

namespace stoa {
namespace {

// One partition of one topic, searched for one key.
class search {
 public:
    search(event_log& log, clock& time, const history_wanted& wanted, const history_bounds& bounds,
           std::string topic)
        : log_(log), time_(time), wanted_(wanted), bounds_(bounds), topic_(std::move(topic)) {}

    task<result<void>> run(key_history& into) {
        STOA_CO_TRY(const auto positions, co_await log_.positions(topic_));
        partition_ = partition_of(wanted_.key, static_cast<int>(positions.size()));
        for (const auto& each : positions)
            if (each.partition == partition_) first_ = each.first, end_ = each.end;
        STOA_CO_TRY(next_, co_await first_at(wanted_.since - bounds_.slack));
        if (next_ == first_ && first_ > 0) into.whole = false;  // older ones may be gone
        STOA_CO_TRY(const bool came_through, co_await read_on(into));
        if (came_through) co_return result<void>{};
        into.whole = false;
        STOA_CO_TRY(const auto last, co_await first_at(wanted_.until - bounds_.slack));
        next_ = std::max(next_, last);
        STOA_CO_TRY([[maybe_unused]] const bool reached, co_await read_on(into));
        co_return result<void>{};
    }

 private:
    // The first offset from which on events are of that time or younger.
    task<result<std::int64_t>> first_at(timestamp when) {
        auto low = next_, high = end_;
        if (low < first_) low = first_;
        while (high - low > bounds_.at_once) {
            const auto middle = low + (high - low) / 2;
            STOA_CO_TRY(const auto one, co_await log_.read(topic_, partition_, middle, 1));
            if (one.empty() || one.front().message.occurred_at >= when) high = middle;
            else low = middle;
        }
        co_return low;
    }

    // True: all up to `until` was seen.
    task<result<bool>> read_on(key_history& into) {
        for (int read = 0; next_ < end_;) {
            if (read >= bounds_.most_read) co_return false;
            STOA_CO_TRY(auto events,
                        co_await log_.read(topic_, partition_, next_, bounds_.at_once));
            if (events.empty()) co_return true;
            next_ = events.back().offset + 1;
            read += static_cast<int>(events.size());
            const bool past = events.back().message.occurred_at > wanted_.until + bounds_.slack;
            for (auto& each : events)
                if (each.message.key == wanted_.key) into.events.push_back(std::move(each));
            if (past) co_return true;
            co_await time_.sleep(milliseconds(0));  // others of this loop, too
        }
        co_return true;
    }

    event_log& log_;
    clock& time_;
    const history_wanted& wanted_;
    const history_bounds& bounds_;
    std::string topic_;
    int partition_ = 0;
    std::int64_t first_ = 0, end_ = 0, next_ = 0;
};

}  // namespace

task<result<key_history>> history_of_key(event_log& log, clock& time, history_wanted wanted,
                                         history_bounds bounds) {
    key_history out;
    for (const auto& topic : wanted.topics) {
        search one(log, time, wanted, bounds, topic);
        STOA_CO_TRY_VOID(co_await one.run(out));
    }
    std::ranges::sort(out.events, {}, [](const delivery& each) {
        return std::pair(each.message.occurred_at, std::string_view(each.message.id));
    });
    co_return out;
}

}  // namespace stoa
