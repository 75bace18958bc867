#include "transport/rpc/http_edge.hpp"

#include "base/json.hpp"
#include "transport/rpc/envelope.hpp"

#include <algorithm>

namespace stoa::rpc {
namespace {

struct asked {
    json_text context, request;
};
BOOST_DESCRIBE_STRUCT(asked, (), (context, request))

// Either the response or the error; the reply beside it where there is one.
struct answered {
    std::optional<json_text> response, error, reply;
};
BOOST_DESCRIBE_STRUCT(answered, (), (response, error, reply))

std::optional<json_text> unless_empty(std::string text) {
    if (text.empty()) return {};
    return json_text{std::move(text)};
}

std::string json_of(const record_box& of) {
    std::string out;
    write_json(out, of.of(), of.get());
    return out;
}

const operation* find_row(const http_service& in, std::string_view rpc, void*& api) {
    for (const auto& table : in.tables) {
        const auto row = std::ranges::find(table.operations, rpc, &operation::rpc);
        if (row == table.operations.end()) continue;
        api = table.api;
        return &*row;
    }
    return nullptr;
}

task<result<record_box>> serve(const http_service& of, std::string_view rpc,
                               request_context& context, const asked& what, currency_code shop) {
    void* api = nullptr;
    const auto* row = find_row(of, rpc, api);
    if (!row)
        co_return fail(errc::not_found, "no_such_rpc", of.name + " has no " + std::string(rpc));
    STOA_CO_TRY_VOID(read_context(what.context.text, context));
    record_box request(*row->request);
    auto wrong = read_json(what.request.text, *row->request, request.get(), shop);
    if (wrong.empty()) check_rules(wrong, *row->request, request.get());
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    co_return co_await row->call(api, context, std::move(request));
}

}  // namespace

task<result<record_box>> http_channel::call(std::string_view rpc, request_context context,
                                            record_box request, const type& response) {
    http::request out{.method = verb::post,
                      .target = "/rpc/" + service_ + '/' + std::string(rpc),
                      .headers = {{"content-type", "application/json"}},
                      .body = to_json(asked{{write_context(context)}, {json_of(request)}})};
    STOA_CO_TRY(const auto got, co_await to_.ask(context, out, true));
    auto told = from_json<answered>(got.body);
    if (got.status != 200 || !told || (!told->response && !told->error))
        co_return fail(errc::internal, "bad_answer",
                       out.target + " answered " + std::to_string(got.status));
    if (told->reply) STOA_CO_TRY_VOID(read_reply(told->reply->text, *context.reply));
    // The operation answered with an earlier request's refusal, which stands in the note.
    if (told->error && context.reply->status >= 400) co_return record_box(response);
    if (told->error) co_return std::unexpected(read_error(told->error->text));
    record_box made(response);
    const auto wrong = read_json(told->response->text, response, made.get(), shop_);
    if (!wrong.empty())
        co_return fail(errc::internal, "bad_answer",
                       out.target + ": " + wrong.front().where + ' ' + wrong.front().code);
    co_return made;
}

http::route rpc_route(std::vector<http_service> services, service_tokens& tokens,
                      currency_code shop) {
    http::route out{
        .method = verb::post, .path = "/rpc/{service}/{rpc}", .name = "Rpc", .caller = who::anyone};
    out.answer = [services = std::move(services), &tokens, shop](
                     request_context context, http::request in,
                     http::route::parameters given) -> task<http::response> {
        const auto request_id = context.request_id;
        if (!tokens.is_service(in.find(http::passed_on_by)))
            co_return http::problem_response(
                {.kind = errc::forbidden,
                 .code = "not_permitted",
                 .detail = "only parts of this shop may call here: see /docs for the public API"},
                request_id);
        const auto of = std::ranges::find(services, given[0].second, &http_service::name);
        if (of == services.end())
            co_return http::problem_response({.kind = errc::not_found, .code = "no_such_service"},
                                             request_id);
        const auto what = from_json<asked>(in.body);
        if (!what) co_return http::problem_response(what.error(), request_id);
        const auto made = co_await serve(*of, given[1].second, context, *what, shop);
        answered told{.reply = unless_empty(write_reply(*context.reply))};
        if (made) told.response = json_text{json_of(*made)};
        else told.error = json_text{write_error(made.error())};
        http::response answer;
        answer.set_body(to_json(told));
        co_return answer;
    };
    return out;
}

}  // namespace stoa::rpc
