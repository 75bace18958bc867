#include "apps/stoa/web_pages.hpp"

#include "adapters/security/digest.hpp"
#include "apps/stoa/first_views.hpp"
#include "apps/stoa/session_pages.hpp"
#include "base/ids.hpp"
#include "base/mail.hpp"
#include "embedded/web_files.hpp"

#include <algorithm>
#include <array>

namespace stoa {
namespace {

using http::header;
using http::request;
using http::response;
using http::route;
using asker = std::function<task<response>(request)>;

// Own scripts and styles only; inline is none but the one <style> of a first view, allowed by its
// digest. Pictures of products may lie anywhere.
std::string policy_of(std::string_view page) {
    std::string styles = "'self'";
    constexpr std::string_view opening = "<style>";
    const auto begin = page.find(opening);
    const auto end = page.find("</style>", begin);
    if (begin != std::string_view::npos && end != std::string_view::npos) {
        sha256_digest digest;
        digest.add(page.substr(begin + opening.size(), end - begin - opening.size()));
        styles += " 'sha256-" + base64(digest.bytes()) + '\'';
    }
    return "default-src 'none'; script-src 'self'; style-src " + styles +
           "; img-src 'self' data: https:; font-src 'self'; connect-src 'self'; "
           "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

// The addresses that the storefront's and the console's own routers know (web/src/*/main.tsx). They
// stay clear of the API's short paths: /products is data.
constexpr std::array storefront_paths{"/browse",     "/checkout", "/account", "/account/{page...}",
                                      "/order/{id}", "/sign-in",  "/join",    "/reset"};
constexpr std::array console_paths{"/console", "/console/{page...}"};

constexpr std::string_view unbuilt_page =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Stoa</title>"
    "<h1>This shop runs without its storefront</h1>"
    "<p>The program was compiled without the web part. <code>./dev build</code> makes both. "
    "The API is here: <a href=\"/docs\">/docs</a>.</p></html>";

struct kind_of_file {
    std::string_view ending, content_type;
};
constexpr kind_of_file kinds[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".woff2", "font/woff2"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".png", "image/png"},
};

std::string type_of_file(std::string_view name) {
    for (const auto& [ending, content_type] : kinds)
        if (name.ends_with(ending)) return std::string(content_type);
    return "application/octet-stream";
}

// One file in up to three codings. Bodies are made when they are first asked for: most of a shop's
// loops never serve the console. Thread rule: a loop's own.
class web_file {
 public:
    web_file(std::string_view name, std::string_view plain, std::string_view br,
             std::string_view gzip, std::vector<header> headers)
        : content_type_(type_of_file(name)), headers_(std::move(headers)) {
        content_ = {plain, br, gzip};
        tag_ = std::to_string(stable_hash(plain));
    }

    response answer(const request& in) {
        response out{.content_type = content_type_, .headers = headers_};
        const bool varies = !content_[1].empty() || !content_[2].empty();
        const auto coding =
            best_coding(in.find("accept-encoding"), !content_[1].empty(), !content_[2].empty());
        const auto tag = '"' + tag_ + (coding.empty() ? "" : "-") + std::string(coding) + '"';
        out.headers.push_back({"ETag", tag});
        if (varies) out.headers.push_back({"Vary", "Accept-Encoding"});
        if (in.find("if-none-match").find(tag) != std::string_view::npos) {
            out.status = 304;
            return out;
        }
        if (!coding.empty()) out.headers.push_back({"Content-Encoding", std::string(coding)});
        const std::size_t at = coding == "br" ? 1 : coding == "gzip" ? 2 : 0;
        if (!bodies_[at])
            bodies_[at] = std::make_shared<const std::string>(std::string(content_[at]));
        out.body = bodies_[at];
        return out;
    }

 private:
    std::string content_type_, tag_;
    std::vector<header> headers_;
    std::array<std::string_view, 3> content_;  // plain, br, gzip; empty: there is none
    std::array<std::shared_ptr<const std::string>, 3> bodies_;
};

std::string_view content_of(std::span<const embedded_file> files, std::string_view name) {
    const auto found = std::ranges::find(files, name, &embedded_file::name);
    return found == files.end() ? std::string_view{} : found->content;
}

std::shared_ptr<web_file> file_of(std::span<const embedded_file> files, const std::string& name,
                                  std::vector<header> headers) {
    return std::make_shared<web_file>(name, content_of(files, name),
                                      content_of(files, name + ".br"),
                                      content_of(files, name + ".gz"), std::move(headers));
}

route file_route(std::string path, std::string name, std::shared_ptr<web_file> file) {
    route out{.method = verb::get,
              .path = std::move(path),
              .name = std::move(name),
              .caller = who::anyone};
    out.answer = [file = std::move(file)](request_context, request in,
                                          route::parameters) -> task<response> {
        co_return file->answer(in);
    };
    return out;
}

// Kept, but asked for each time: a new version shows at once.
std::vector<header> page_headers(std::string_view page) {
    return {{"Content-Security-Policy", policy_of(page)},
            {"Cross-Origin-Opener-Policy", "same-origin"},
            {"Cache-Control", "no-cache"}};
}

std::shared_ptr<web_file> page_of(std::span<const embedded_file> files, const std::string& name) {
    const auto content = content_of(files, name);
    auto headers = page_headers(content);
    if (!content.empty()) return file_of(files, name, std::move(headers));
    return std::make_shared<web_file>(name, unbuilt_page, "", "", std::move(headers));
}

route home_route(std::span<const embedded_file> files, const std::shared_ptr<web_file>& plain) {
    const auto in_language = [&](const std::string& language) {
        const auto name = "first/home." + language + ".html";
        const auto content = content_of(files, name);
        if (content.empty()) return plain;
        auto headers = page_headers(content);
        headers.push_back({"Vary", "Accept-Language"});
        return file_of(files, name, std::move(headers));
    };
    route out{.method = verb::get, .path = "/", .name = "Storefront", .caller = who::anyone};
    out.answer = [english = in_language("en"), german = in_language("de")](
                     request_context, request in, route::parameters) -> task<response> {
        const bool de = first_language(in.find("accept-language")) == "de";
        co_return (de ? german : english)->answer(in);
    };
    return out;
}

// The page that says so, by the page's own router. Whole: what a browser keeps of it is of no use.
response not_found_page(web_file& page, request in) {
    std::erase_if(in.headers, [](const header& each) { return each.name == "if-none-match"; });
    auto out = page.answer(in);
    out.status = 404;
    return out;
}

// The API's own answer for the product.
task<response> known_product(asker ask, request from, std::string id) {
    request wanted{.method = verb::get,
                   .target = "/api/v1/products/" + id,
                   .path = "/api/v1/products/" + id,
                   .address = std::move(from.address)};
    co_return co_await ask(std::move(wanted));
}

route item_route(std::span<const embedded_file> files, std::shared_ptr<web_file> plain, asker ask) {
    route out{
        .method = verb::get, .path = "/item/{id}", .name = "Storefront", .caller = who::anyone};
    const auto page = content_of(files, "first/item.html");
    out.answer = [page, headers = page_headers(page), plain = std::move(plain),
                  ask = std::move(ask)](request_context, request in,
                                        route::parameters given) -> task<response> {
        const auto id = given.front().second;
        if (!is_uuid(id)) co_return not_found_page(*plain, std::move(in));
        if (page.empty() || !ask) co_return plain->answer(in);
        const auto known = co_await known_product(ask, in, id);
        if (known.status == 404) co_return not_found_page(*plain, std::move(in));
        auto view =
            known.status == 200 && known.body ? item_view(page, *known.body) : std::string();
        if (view.empty()) co_return plain->answer(in);
        response made{.content_type = type_of_file(".html"), .headers = headers};
        made.set_body(std::move(view));
        co_return made;
    };
    return out;
}

}  // namespace

std::string_view best_coding(std::string_view accepted, bool has_br, bool has_gzip) {
    bool br = false, gzip = false;
    while (!accepted.empty()) {
        const auto end = std::min(accepted.find(','), accepted.size());
        auto one = accepted.substr(0, end);
        accepted.remove_prefix(std::min(end + 1, accepted.size()));
        one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
        const auto name = one.substr(0, std::min(one.find_first_of("; \t"), one.size()));
        const auto quality = one.find("q=0");
        const bool refused = quality != std::string_view::npos &&
                             one.find_first_of("123456789", quality) == std::string_view::npos;
        if (refused) continue;
        br = br || name == "br";
        gzip = gzip || name == "gzip";
    }
    if (br && has_br) return "br";
    return gzip && has_gzip ? "gzip" : "";
}

std::vector<route> web_pages(std::span<const embedded_file> files,
                             std::function<task<response>(request)> ask) {
    std::vector<route> out;
    const auto storefront = page_of(files, "index.html"), console = page_of(files, "console.html");
    out.push_back(home_route(files, storefront));
    out.push_back(item_route(files, storefront, std::move(ask)));
    for (const std::string path : storefront_paths)
        out.push_back(file_route(path, "Storefront", storefront));
    for (const std::string path : console_paths)
        out.push_back(file_route(path, "Console", console));
    for (const auto& each : files) {
        const std::string name(each.name);
        if (name.ends_with(".html") || name.ends_with(".br") || name.ends_with(".gz")) continue;
        // Names under assets/ carry a hash of the content: they never change.
        const bool hashed = name.starts_with("assets/");
        out.push_back(
            file_route('/' + name, "WebFile",
                       file_of(files, name,
                               {{"Cache-Control", hashed ? "public, max-age=31536000, immutable"
                                                         : "public, max-age=3600"}})));
    }
    return out;
}

std::function<std::optional<response>(const request&)> not_found_page(
    std::span<const embedded_file> files) {
    return [page = page_of(files, "index.html")](const request& in) -> std::optional<response> {
        const bool browser = in.find("accept").find("text/html") != std::string_view::npos;
        if (!browser || in.path.starts_with("/api/")) return {};
        return not_found_page(*page, in);
    };
}

result<void> mount_web(http::router& to) {
    to.set_not_found_page(not_found_page(embedded::web_files()));
    const auto ask = [&to](http::request in) { return to.handle(std::move(in)); };
    for (auto& page : session_pages(ask)) STOA_TRY_VOID(to.add(std::move(page)));
    for (auto& page : web_pages(embedded::web_files(), ask)) STOA_TRY_VOID(to.add(std::move(page)));
    return {};
}

}  // namespace stoa
