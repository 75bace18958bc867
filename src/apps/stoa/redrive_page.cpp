#include "apps/stoa/redrive_page.hpp"

#include "apps/stoa/backup_pages.hpp"
#include "base/json.hpp"

namespace stoa {

http::route redrive_page(std::function<task<result<redrive_report>>(redrive_request)> run) {
    http::route out{.method = verb::post,
                    .path = "/local/redrive",
                    .name = "LocalRedrive",
                    .caller = who::operators};
    out.answer = [run = std::move(run)](request_context context, http::request from,
                                        http::route::parameters) -> task<http::response> {
        if (!is_local(context)) co_return http::problem_response(local_only(), context.request_id);
        auto wanted = from_json<redrive_request>(from.body);
        if (!wanted) co_return http::problem_response(wanted.error(), context.request_id);
        auto done = co_await run(*std::move(wanted));
        if (!done) co_return http::problem_response(done.error(), context.request_id);
        http::response answer;
        answer.headers.push_back({"Cache-Control", "no-store"});
        answer.set_body(to_json(*done));
        co_return answer;
    };
    return out;
}

}  // namespace stoa
