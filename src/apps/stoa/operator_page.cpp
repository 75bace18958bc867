#include "apps/stoa/operator_page.hpp"

#include "apps/stoa/backup_pages.hpp"
#include "base/json.hpp"
#include "services/user/user_requests.hpp"

namespace stoa {

http::route operator_page(std::function<task<result<made_operator>>(std::string email)> make) {
    http::route out{.method = verb::post,
                    .path = "/local/operator",
                    .name = "LocalOperator",
                    .caller = who::operators};
    out.answer = [make = std::move(make)](request_context context, http::request from,
                                          http::route::parameters) -> task<http::response> {
        if (!is_local(context)) co_return http::problem_response(local_only(), context.request_id);
        auto wanted = from_json<users::make_operator_request>(from.body);
        if (!wanted) co_return http::problem_response(wanted.error(), context.request_id);
        auto made = co_await make(std::move(wanted->email));
        if (!made) co_return http::problem_response(made.error(), context.request_id);
        http::response answer;
        answer.headers.push_back({"Cache-Control", "no-store"});
        answer.set_body(to_json(*made));
        co_return answer;
    };
    return out;
}

}  // namespace stoa
