// /openapi.json and /docs as routes.
#include "transport/http/router.hpp"
#include "transport/openapi/api_page.hpp"
#include "transport/openapi/openapi.hpp"

#include <memory>

namespace stoa::openapi {
namespace {

using http::header;
using http::response;
using http::route;

// A body that lasts as long as the program, under a tag that lasts as long as its bytes.
struct fixed_page {
    std::shared_ptr<const std::string> body;
    std::string content_type;
    std::string tag;
    std::vector<header> headers;
};

fixed_page make_page(std::string body, std::string content_type, std::vector<header> headers) {
    auto tag = '"' + std::to_string(stable_hash(body)) + '"';
    return {std::make_shared<const std::string>(std::move(body)), std::move(content_type),
            std::move(tag), std::move(headers)};
}

response answer_with(const fixed_page& page, const http::request& in) {
    response out{.content_type = page.content_type, .headers = page.headers};
    out.headers.push_back({"ETag", page.tag});
    out.headers.push_back(
        {"Cache-Control",
         "no-cache"});  // kept, but asked for each time: a new version shows at once
    if (in.find("if-none-match").find(page.tag) != std::string_view::npos) out.status = 304;
    else out.body = page.body;
    return out;
}

route page_route(std::string path, std::string name, std::string summary,
                 std::shared_ptr<const fixed_page> page) {
    route out{.method = verb::get,
              .path = std::move(path),
              .name = std::move(name),
              .caller = who::anyone,
              .summary = std::move(summary)};
    out.answer = [page = std::move(page)](request_context, http::request in,
                                          route::parameters) -> task<response> {
        co_return answer_with(*page, in);
    };
    return out;
}

// Own scripts and styles only, no inline ones; the page asks this origin only.
std::vector<header> page_policy() {
    return {{"Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
             "connect-src 'self'; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
            {"Cross-Origin-Opener-Policy", "same-origin"}};
}

struct page_file {
    std::string_view name, path, content_type;
};
constexpr page_file page_files[] = {
    {"index.html", "/docs", "text/html; charset=utf-8"},
    {"app.js", "/docs/app.js", "application/javascript; charset=utf-8"},
    {"style.css", "/docs/style.css", "text/css; charset=utf-8"},
};

}  // namespace

std::string document_of(const http::router& of, const about& program) {
    std::vector<const route*> specials;
    for (const auto& each : of.routes()) specials.push_back(each.get());
    return write_document(of.services(), specials, program);
}

result<void> mount_documents(http::router& to, const about& program) {
    for (const auto& [name, path, content_type] : page_files) {
        for (const auto& file : api_page_files()) {
            if (file.name != name) continue;
            auto page = std::make_shared<fixed_page>(
                make_page(std::string(file.content), std::string(content_type), page_policy()));
            const bool is_page = name == "index.html";
            STOA_TRY_VOID(to.add(page_route(
                std::string(path), is_page ? "ApiPage" : "ApiPageFile",
                is_page ? "This API as a page, to read and to try." : "", std::move(page))));
        }
    }
    // The document speaks of itself, so its route is there before its body.
    auto document = std::make_shared<fixed_page>();
    STOA_TRY_VOID(to.add(page_route("/openapi.json", "OpenApi", "This document.", document)));
    *document = make_page(document_of(to, program), "application/json", {});
    return {};
}

}  // namespace stoa::openapi
