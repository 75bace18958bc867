// Activity: takes viewers' events and puts them on the log. It keeps nothing: what was answered
// with 202 is durable there.
#pragma once

#include "base/context.hpp"
#include "ports/clock.hpp"
#include "ports/event_log.hpp"
#include "ports/event_marks.hpp"
#include "services/activity/activity.hpp"

namespace stoa::activities {

inline constexpr std::size_t most_events = 1'000;  // of a batch

struct event_batch {
    std::vector<viewer_event> events;
};
BOOST_DESCRIBE_STRUCT(event_batch, (), (events))

struct accepted_answer {
    std::int32_t accepted = 0;
};
BOOST_DESCRIBE_STRUCT(accepted_answer, (), (accepted))

// The public operations. Anyone may call them.
class api {
 public:
    virtual ~api() = default;
    virtual task<result<accepted_answer>> record_event(request_context, viewer_event) = 0;
    // All or none: one wrong event refuses the batch, and every wrong one is named.
    virtual task<result<accepted_answer>> record_events(request_context, event_batch) = 0;
};

struct activity_settings {
    minutes ahead{5};  // how far a sender's clock may be in front of ours
};

// Thread rule: one instance a loop; it has no mutable state.
class activity_service final : public api {
 public:
    struct needs {
        event_log& log;
        clock& time;
        random_source& random;
        mark_writer* marks = nullptr;  // told how far time has come; null: nobody asks
    };
    activity_service(needs ports, activity_settings settings)
        : ports_(ports), settings_(settings) {}

    task<result<accepted_answer>> record_event(request_context, viewer_event) override;
    task<result<accepted_answer>> record_events(request_context, event_batch) override;

 private:
    void check(problems& wrong, const viewer_event& of, std::string_view where,
               timestamp now) const;
    event to_log(viewer_event from, const std::string& traceparent) const;
    task<result<accepted_answer>> append(std::vector<event> events);

    needs ports_;
    activity_settings settings_;
};

}  // namespace stoa::activities

template <>
inline constexpr auto stoa::rules_of<stoa::activities::event_batch> =
    std::to_array<stoa::rule>({stoa::range("events", 1, stoa::activities::most_events)});
