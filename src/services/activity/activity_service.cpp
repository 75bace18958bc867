#include "services/activity/activity_service.hpp"

#include "base/json.hpp"
#include "services/activity/activity_events.hpp"

#include <algorithm>

namespace stoa::activities {
namespace {

bool is_word(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.';
    });
}

}  // namespace

void activity_service::check(problems& wrong, const viewer_event& of, std::string_view where,
                             timestamp now) const {
    const auto add = [&](std::string_view member, std::string_view code, const char* detail) {
        wrong.push_back({std::string(where).append(member), std::string(code), detail, {}});
    };
    if (!is_word(of.event_type)) add("event_type", "format", "use letters, digits, _ and .");
    if (of.timestamp > now + settings_.ahead)
        add("timestamp", "in_the_future", "the event has not happened yet; check the clock");
    // Well-formed it is: the codec has looked at the whole body.
    if (!of.metadata.text.starts_with('{')) add("metadata", "object", "must be an object");
}

event activity_service::to_log(viewer_event from, const std::string& traceparent) const {
    event out{.topic = std::string(topic::raw_events),
              .id = new_id(ports_.time, ports_.random),
              .type = std::string(topic::raw_events),
              .occurred_at = from.timestamp,
              .traceparent = traceparent};
    out.payload.reserve(160 + from.metadata.text.size());
    write_json(out.payload, type_of<viewer_event>, &from);
    out.key = std::move(from.product_id);
    return out;
}

task<result<accepted_answer>> activity_service::append(std::vector<event> events) {
    const auto count = static_cast<std::int32_t>(events.size());
    timestamp newest;
    for (const auto& each : events) newest = std::max(newest, each.occurred_at);
    auto stored = co_await ports_.log.append(std::move(events));
    if (stored) {
        if (ports_.marks) ports_.marks->note(newest);
        co_return accepted_answer{count};
    }
    if (stored.error().kind == errc::storage_full)
        co_return std::unexpected(std::move(stored).error());
    co_return fail({.kind = errc::unavailable,
                    .code = "event_log_unavailable",
                    .detail = "nothing was accepted; send it again",
                    .retry_after_s = 1});
}

task<result<accepted_answer>> activity_service::record_event(request_context context,
                                                             viewer_event what) {
    problems wrong;
    check(wrong, what, "", ports_.time.now());
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    std::vector<event> one;
    one.push_back(to_log(std::move(what), context.traceparent));
    co_return co_await append(std::move(one));
}

task<result<accepted_answer>> activity_service::record_events(request_context context,
                                                              event_batch what) {
    problems wrong;
    const auto now = ports_.time.now();
    for (std::size_t i = 0; i < what.events.size(); ++i)
        check(wrong, what.events[i], "events[" + std::to_string(i) + "].", now);
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    std::vector<event> all;
    all.reserve(what.events.size());
    for (auto& each : what.events) all.push_back(to_log(std::move(each), context.traceparent));
    co_return co_await append(std::move(all));
}

}  // namespace stoa::activities
