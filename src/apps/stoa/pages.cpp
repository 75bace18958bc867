#include "apps/stoa/pages.hpp"

#include "base/json.hpp"
#include "embedded/demo_files.hpp"

#include <algorithm>

namespace stoa {
namespace {

using http::response;
using http::route;

// A route whose answer is made at once.
route page(std::string path, std::string name, std::string summary,
           std::function<response(const request_context&, const route::parameters&)> make) {
    route out{.method = verb::get,
              .path = std::move(path),
              .name = std::move(name),
              .caller = who::anyone,
              .summary = std::move(summary)};
    out.answer = [make = std::move(make)](request_context context, http::request,
                                          route::parameters given) -> task<response> {
        co_return make(context, given);
    };
    return out;
}

response json(std::string body, int status = 200) {
    response out{.status = status};
    out.set_body(std::move(body));
    return out;
}

route health() {
    return page("/health", "Health", "The process is alive.",
                [](const auto&, const auto&) { return json(R"({"status":"healthy"})"); });
}

response demo_picture(const request_context& context, const route::parameters& given) {
    static constexpr std::string_view folder = "images/";
    const auto files = embedded::demo_files();
    const auto name = std::string(folder) + given.front().second;
    const auto found = std::ranges::find(files, name, &embedded_file::name);
    if (found == files.end())
        return http::problem_response({.kind = errc::not_found, .code = "no_such_picture"},
                                      context.request_id);
    response out{.content_type = "image/svg+xml"};
    out.headers.push_back({"Cache-Control", "public, max-age=86400"});
    // Pictures are data, never a page with scripts.
    out.headers.push_back(
        {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"});
    out.set_body(std::string(found->content));
    return out;
}

}  // namespace

std::string readiness(const std::vector<dependency>& all, bool& ready) {
    ready = std::ranges::all_of(all, &dependency::ready);
    std::string out = ready ? R"({"status":"ready","dependencies":{)"
                            : R"({"status":"not ready","dependencies":{)";
    for (bool first = true; const auto& each : all) {
        if (!std::exchange(first, false)) out += ',';
        append_json_string(out, each.name);
        out += ':';
        append_json_string(out, each.ready ? "ready" : each.otherwise);
    }
    return out + "}}";
}

std::vector<route> public_pages(public_page_needs from) {
    std::vector<route> out;
    out.push_back(health());
    out.push_back(
        page("/.well-known/jwks.json", "Jwks", "Public keys of access tokens (RFC 7517).",
             [jwks = std::move(from.jwks)](const auto&, const auto&) { return json(jwks()); }));
    out.push_back(page("/images/demo/{name}", "DemoPicture", "Pictures of the demo catalogue.",
                       [](const request_context& context, const route::parameters& given) {
                           return demo_picture(context, given);
                       }));
    return out;
}

route audit_page(std::function<task<result<audit_report>>()> run) {
    route out{
        .method = verb::post,
        .path = "/api/v1/audit",
        .name = "Audit",
        .caller = who::operators,
        .summary = "Checks what must always hold; `clean` is false where something does not."};
    out.answer = [run = std::move(run)](request_context context, http::request,
                                        route::parameters) -> task<response> {
        const auto request_id = context.request_id;
        auto report = co_await run();
        if (!report) co_return http::problem_response(report.error(), request_id);
        co_return json(to_json(*report));
    };
    return out;
}

route invoice_page(std::function<task<result<std::string>>(request_context, std::string)> read) {
    route out{.method = verb::get,
              .path = "/api/v1/orders/{id}/invoice",
              .name = "GetInvoice",
              .caller = who::signed_in,
              .summary = "The invoice of a paid order, as text."};
    out.answer = [read = std::move(read)](request_context context, http::request,
                                          route::parameters given) -> task<response> {
        const auto request_id = context.request_id;
        auto document = co_await read(std::move(context), given.front().second);
        if (!document) co_return http::problem_response(document.error(), request_id);
        response made{.content_type = "text/plain; charset=utf-8"};
        made.set_body(*std::move(document));
        co_return made;
    };
    return out;
}

std::vector<route> admin_pages(admin_page_needs from) {
    std::vector<route> out;
    out.push_back(health());
    out.push_back(page("/metrics", "Metrics", "Prometheus text format.",
                       [text = std::move(from.metrics)](const auto&, const auto&) {
                           response made{.content_type =
                                             "text/plain; version=0.0.4; charset=utf-8"};
                           made.set_body(text());
                           return made;
                       }));
    out.push_back(page("/ready", "Ready", "Whether the process may get traffic, by dependency.",
                       [ask = std::move(from.ready)](const auto&, const auto&) {
                           bool ready = false;
                           auto body = readiness(ask(), ready);
                           return json(std::move(body), ready ? 200 : 503);
                       }));
    return out;
}

}  // namespace stoa
