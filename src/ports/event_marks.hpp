// Marks: what producers write into their topics so that whoever windows events knows how far time
// has come, from the log alone. A mark is an event of type `stoa.mark` in every partition, whose
// occurred_at says: what comes behind me is hardly older. Consumers pass it over, as any type that
// they have no row for.
//
// What it says is the newest event time taken or, where that was within a minute of the clock, the
// clock: an idle shop's windows still close, and a replay of 2011 never jumps to today. Only a mark
// that crosses a multiple of the grid closes anything, so that a shop writes one a minute and
// partition while something happens and for a while after, and none otherwise.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_log.hpp"

#include <atomic>
#include <map>

namespace stoa {

inline constexpr std::string_view mark_type = "stoa.mark";
// An event that stands in its partition before, as a copy of a log has it whose outbox brought it
// twice: it keeps its place and its id, says nothing, and is passed over like a mark.
inline constexpr std::string_view repeat_type = "stoa.repeat";
// One for each partition of the topic.
std::vector<event> marks_of(std::string_view topic, int partitions, timestamp at, clock& time,
                            random_source& random);

struct mark_settings {
    milliseconds grid{60'000}, disorder{10'000};  // as the windows that are closed by them
    minutes quiet_after{45};  // since the last event: longer than any session lasts
    milliseconds round{250};
};

// Thread rule: note() from any thread, all else on one loop. One a process.
class mark_writer {
 public:
    // `told`: topics whose events' times come by note(). The events of the others happen when they
    // are written.
    mark_writer(event_log& log, clock& time, random_source& random, std::vector<std::string> told,
                std::vector<std::string> others, mark_settings settings = {});

    // An event with this time is durable in one of the told topics.
    void note(timestamp event_time);
    // One round; how many topics were marked.
    task<result<int>> write_due();

 private:
    struct topic {
        std::vector<std::int64_t> ends;  // behind our own marks
        timestamp marked{-1};
    };
    task<result<void>> look(const std::string& name, topic& of, bool& grew);
    task<result<int>> mark(const std::string& name, topic& of, timestamp at);
    task<result<void>> recall();

    event_log& log_;
    clock& time_;
    random_source& random_;
    std::vector<std::string> told_, others_;
    mark_settings settings_;
    std::map<std::string, topic> topics_;
    std::atomic<std::int64_t> newest_{-1}, newest_live_{-1};  // micros; live: near its clock
    timestamp happened_{-1};  // when something was last seen in the others
    bool recalled_ = false;
};

}  // namespace stoa
