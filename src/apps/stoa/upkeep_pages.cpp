#include "apps/stoa/upkeep_pages.hpp"

#include "base/json.hpp"

namespace stoa {
namespace {

using http::request;
using http::response;
using http::route;

response no_store(std::string body) {
    response out;
    out.headers.push_back({"Cache-Control", "no-store"});
    out.set_body(std::move(body));
    return out;
}

using runner = std::function<task<result<redrive_report>>(redrive_request)>;

task<response> answer_redrive(runner run, redrive_request wanted, std::string request_id) {
    auto done = co_await run(std::move(wanted));
    if (!done) co_return http::problem_response(done.error(), request_id);
    co_return no_store(to_json(*done));
}

}  // namespace

route readiness_page(std::function<std::vector<dependency>()> ask) {
    route out{.method = verb::get,
              .path = "/api/v1/readiness",
              .name = "Readiness",
              .caller = who::operators,
              .summary = "Whether everything the shop stands on answers, by dependency."};
    out.answer = [ask = std::move(ask)](request_context, request,
                                        route::parameters) -> task<response> {
        bool ready = false;
        co_return no_store(readiness(ask(), ready));
    };
    return out;
}

std::vector<route> dead_letter_pages(runner run) {
    std::vector<route> out;
    route list{.method = verb::get,
               .path = "/api/v1/dead-letters",
               .name = "ListDeadLetters",
               .caller = who::operators,
               .summary = "Events that could not be applied, with their causes."};
    list.answer = [run](request_context context, request, route::parameters) -> task<response> {
        co_return co_await answer_redrive(run, {.dry_run = true}, context.request_id);
    };
    out.push_back(std::move(list));
    route again{.method = verb::post,
                .path = "/api/v1/dead-letters/redrive",
                .name = "RedriveDeadLetters",
                .caller = who::operators,
                .summary = "Applies dead letters once more, by group, topic, key or id; `give_up` "
                           "forgets them."};
    again.answer = [run](request_context context, request in, route::parameters) -> task<response> {
        auto wanted = from_json<redrive_request>(in.body.empty() ? "{}" : in.body);
        if (!wanted) co_return http::problem_response(wanted.error(), context.request_id);
        co_return co_await answer_redrive(run, *std::move(wanted), context.request_id);
    };
    out.push_back(std::move(again));
    return out;
}

}  // namespace stoa
