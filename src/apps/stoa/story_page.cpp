#include "apps/stoa/story_page.hpp"

#include "apps/stoa/log_pages.hpp"
#include "base/json.hpp"
#include "services/order/order_events.hpp"
#include "services/payment/payment_events.hpp"
#include "transport/events/key_history.hpp"

#include <algorithm>

namespace stoa {

struct story_attribute {
    std::string key, value;
};
BOOST_DESCRIBE_STRUCT(story_attribute, (), (key, value))

struct story_span {
    std::string trace_id, span_id;
    std::optional<std::string> parent_id;
    std::string name, kind;
    timestamp started_at;
    std::int64_t duration_us = 0;
    std::optional<std::string> failure;
    std::vector<story_attribute> attributes;
};
BOOST_DESCRIBE_STRUCT(story_span, (),
                      (trace_id, span_id, parent_id, name, kind, started_at, duration_us, failure,
                       attributes))

struct order_story {
    std::string order_id;
    std::vector<logged_event> events;
    bool whole = true;    // false: the log was searched in vain for some of its time
    bool traced = false;  // this process remembers spans
    std::vector<story_span> spans;
};
BOOST_DESCRIBE_STRUCT(order_story, (), (order_id, events, whole, traced, spans))

namespace {

const std::vector<std::string>& topics_of_orders() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> out;
        for (const auto each :
             {orders::topic::orders, orders::topic::payment_requested, payments::topic::succeeded,
              payments::topic::failed, orders::topic::close_requested, payments::topic::closed,
              orders::topic::refund_requested, payments::topic::refunded})
            out.emplace_back(each);
        return out;
    }();
    return all;
}

std::string_view word_of(span_kind kind) {
    switch (kind) {
        case span_kind::internal:
            return "internal";
        case span_kind::server:
            return "server";
        case span_kind::client:
            return "client";
        case span_kind::producer:
            return "producer";
        case span_kind::consumer:
            return "consumer";
    }
    return "";
}

story_span told(const span& from) {
    story_span out{.trace_id = trace_id_text(from.self),
                   .span_id = span_id_text(from.self.span_id),
                   .name = from.name,
                   .kind = std::string(word_of(from.kind)),
                   .started_at = {from.start_nanos / 1'000},
                   .duration_us = (from.end_nanos - from.start_nanos) / 1'000,
                   .failure = from.failure};
    if (from.parent_id != 0) out.parent_id = span_id_text(from.parent_id);
    for (const auto& [key, value] : from.attributes) {
        const auto* const text = std::get_if<std::string>(&value);
        out.attributes.push_back({key, text ? *text : std::to_string(std::get<0>(value))});
    }
    return out;
}

task<result<order_story>> tell(story_needs from, request_context context, std::string id) {
    STOA_CO_TRY(const auto order, co_await from.orders->get_order(std::move(context), {.id = id}));
    STOA_CO_TRY(auto known, co_await history_of_key(*from.log, *from.time,
                                                    {.key = order.id,
                                                     .topics = topics_of_orders(),
                                                     .since = order.created_at,
                                                     .until = order.updated_at}));
    order_story out{.order_id = order.id, .whole = known.whole, .traced = from.traces != nullptr};
    std::vector<trace_context> traces;
    for (auto& each : known.events) {
        if (const auto traced = read_traceparent(each.message.traceparent))
            traces.push_back(*traced);
        out.events.push_back(as_logged(std::move(each)));
    }
    if (from.traces)
        for (const auto& each : from.traces->remembered(traces)) out.spans.push_back(told(each));
    co_return out;
}

}  // namespace

http::route story_page(story_needs from) {
    http::route out{.method = verb::get,
                    .path = "/api/v1/orders/{id}/story",
                    .name = "GetOrderStory",
                    .caller = who::operators,
                    .summary =
                        "All events of an order in the log, and the spans of its traces "
                        "that are remembered."};
    out.answer = [from](request_context context, http::request,
                        http::route::parameters given) -> task<http::response> {
        const auto request_id = context.request_id;
        auto story = co_await tell(from, std::move(context), given.front().second);
        if (!story) co_return http::problem_response(story.error(), request_id);
        http::response answer;
        answer.headers.push_back({"Cache-Control", "no-store"});
        answer.set_body(to_json(*story));
        co_return answer;
    };
    return out;
}

}  // namespace stoa
