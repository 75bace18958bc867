#include "apps/stoa/log_pages.hpp"

#include "base/json.hpp"
#include "ports/event_marks.hpp"
#include "runtime/trace.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

namespace stoa {

struct listed_group {
    std::string group;
    std::int64_t behind = 0;  // events that it has yet to deal with
};
BOOST_DESCRIBE_STRUCT(listed_group, (), (group, behind))

struct listed_topic {
    std::string topic;
    std::int32_t partitions = 0;
    std::int64_t events = 0;  // that are kept
    std::vector<listed_group> groups;
};
BOOST_DESCRIBE_STRUCT(listed_topic, (), (topic, partitions, events, groups))

struct log_overview {
    std::vector<listed_topic> topics;
};
BOOST_DESCRIBE_STRUCT(log_overview, (), (topics))

struct log_tail {
    std::string topic;
    std::vector<logged_event> events;
};
BOOST_DESCRIBE_STRUCT(log_tail, (), (topic, events))

namespace {

constexpr int most_shown = 200, shown_by_default = 50;

task<result<log_overview>> look(std::shared_ptr<const log_needs> from) {
    log_overview out;
    STOA_CO_TRY(const auto lags, co_await from->log->lags());
    for (const auto& topic : from->topics) {
        STOA_CO_TRY(const auto positions, co_await from->log->positions(topic));
        listed_topic one{.topic = topic, .partitions = static_cast<std::int32_t>(positions.size())};
        for (const auto& each : positions) one.events += each.end - each.first;
        for (const auto& each : lags)
            if (each.topic == topic) one.groups.push_back({each.group, each.events});
        out.topics.push_back(std::move(one));
    }
    co_return out;
}

task<result<log_tail>> tail_of(std::shared_ptr<const log_needs> from, std::string topic,
                               int limit) {
    if (std::ranges::find(from->topics, topic) == from->topics.end())
        co_return fail(errc::not_found, "no_such_topic",
                       "there is no such topic, or its events carry secrets");
    log_tail out{.topic = topic};
    STOA_CO_TRY(const auto positions, co_await from->log->positions(topic));
    for (const auto& each : positions) {
        // Marks stand between them, which say nothing but the time.
        const int look_at = limit + most_shown;
        const auto begin = std::max(each.first, each.end - look_at);
        if (begin >= each.end) continue;
        STOA_CO_TRY(auto events, co_await from->log->read(topic, each.partition, begin, look_at));
        for (auto& event : events)
            if (event.message.type != mark_type) out.events.push_back(as_logged(std::move(event)));
    }
    std::ranges::sort(out.events, std::ranges::greater(), [](const logged_event& each) {
        return std::tuple(each.occurred_at, each.partition, each.offset);
    });
    if (std::ssize(out.events) > limit) out.events.resize(static_cast<std::size_t>(limit));
    co_return out;
}

// Nothing: not a number from 1 to the most.
std::optional<int> limit_in(const http::request& in) {
    for (const auto& [name, value] : in.query) {
        if (name != "limit") continue;
        int out = 0;
        const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), out);
        const bool fits = wrong == std::errc{} && end == value.data() + value.size();
        if (!fits || out < 1 || out > most_shown) return {};
        return out;
    }
    return shown_by_default;
}

template <class T>
http::response answer_of(const result<T>& told, const std::string& request_id) {
    if (!told) return http::problem_response(told.error(), request_id);
    http::response out;
    out.headers.push_back({"Cache-Control", "no-store"});
    out.set_body(to_json(*told));
    return out;
}

}  // namespace

logged_event as_logged(delivery from) {
    auto& what = from.message;
    logged_event out{.id = std::move(what.id),
                     .topic = std::move(what.topic),
                     .partition = from.partition,
                     .offset = from.offset,
                     .key = std::move(what.key),
                     .type = std::move(what.type),
                     .version = what.version,
                     .occurred_at = what.occurred_at,
                     .payload = {std::move(what.payload)}};
    if (const auto traced = read_traceparent(what.traceparent)) {
        out.trace_id = trace_id_text(*traced);
        out.span_id = span_id_text(traced->span_id);
    }
    return out;
}

std::vector<http::route> log_pages(log_needs from) {
    const auto needs = std::make_shared<const log_needs>(std::move(from));
    std::vector<http::route> out;
    http::route overview{.method = verb::get,
                         .path = "/api/v1/log",
                         .name = "GetLog",
                         .caller = who::operators,
                         .summary = "The topics of the event log, and how far each group is."};
    overview.answer = [needs](request_context context, http::request,
                              http::route::parameters) -> task<http::response> {
        co_return answer_of(co_await look(needs), context.request_id);
    };
    out.push_back(std::move(overview));
    http::route tail{.method = verb::get,
                     .path = "/api/v1/log/{topic}",
                     .name = "TailTopic",
                     .caller = who::operators,
                     .summary = "The latest events of a topic, newest first; `limit` up to 200."};
    tail.answer = [needs](request_context context, http::request in,
                          http::route::parameters given) -> task<http::response> {
        const auto limit = limit_in(in);
        if (!limit)
            co_return http::problem_response(
                invalid_request({{"limit", "out_of_range", "from 1 to 200", {}}}),
                context.request_id);
        co_return answer_of(co_await tail_of(needs, given.front().second, *limit),
                            context.request_id);
    };
    out.push_back(std::move(tail));
    return out;
}

}  // namespace stoa
