#include "apps/stoa/document_pages.hpp"

#include "apps/stoa/uploads.hpp"
#include "base/json.hpp"
#include "base/media_type.hpp"

#include <algorithm>

namespace stoa {
namespace {

using http::exchange;
using http::response;
using http::route;

constexpr std::size_t longest_name_bytes = 150;

// As a file may be called on any system, and as a header can say it.
bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name_bytes && !name.starts_with('.') &&
           !name.starts_with(' ') && !name.ends_with(' ') && !name.ends_with('.') &&
           std::ranges::none_of(name, [](char c) {
               return static_cast<unsigned char>(c) < ' ' || c == '\x7f' ||
                      std::string_view("/\\:*?\"<>|").contains(c);
           });
}

result<std::string> name_of(const http::request& in) {
    for (const auto& [key, value] : in.query)
        if (key == "name" && is_file_name(value)) return value;
    return fail(invalid_request(
        {{"name", "file_name", "?name= is what the file is called, as manual.pdf", {}}}));
}

result<std::string> type_of_document(std::string_view beginning) {
    const auto kind = media_of(beginning);
    if (kind != media::unknown) return std::string(content_type(kind));
    return fail(errc::invalid, "not_a_document",
                "send the document itself as the body: by its content it is no PDF, no ZIP (as "
                "office documents are) and no picture");
}

task<result<products::product_document>> take(document_needs from, request_context context,
                                              exchange& with, std::string product_id) {
    products::new_document what;
    STOA_CO_TRY(what.name, name_of(with.head()));
    STOA_CO_TRY(auto beginning, co_await read_beginning(with));
    STOA_CO_TRY(what.content_type, type_of_document(beginning));
    STOA_CO_TRY(const auto document, co_await from.products.begin_document(
                                         std::move(context), product_id, std::move(what)));
    auto stored = co_await store_upload(
        from.blobs, std::string(products::images_bucket),
        products::product_service::document_key(product_id, document), with, std::move(beginning));
    auto made =
        stored ? co_await from.products.finish_document(product_id, document, *std::move(stored))
               : std::unexpected(std::move(stored).error());
    // What is left of it goes, now or with a sweep.
    if (!made) (void)co_await from.products.settle_document(product_id, document);
    co_return made;
}

task<> upload(document_needs from, request_context context, exchange& with, std::string id) {
    const auto request_id = context.request_id;
    auto made = co_await take(from, std::move(context), with, std::move(id));
    auto location = made ? made->url : std::string();
    co_await answer_upload(with, request_id, std::move(made), std::move(location));
}

// RFC 6266: a name that old clients read, and the name itself.
std::string disposition(std::string_view name) {
    std::string plain, whole;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        plain += safe || c == ' ' ? c : '_';
        constexpr std::string_view hex = "0123456789ABCDEF";
        if (safe) whole += c;
        else (whole += '%') += {hex[byte >> 4], hex[byte & 15]};
    }
    return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + whole;
}

response head_of(const products::product_document& of) {
    response out{.content_type = of.content_type};
    // Whoever opens it does so on their own machine: nothing of it is of this origin.
    out.headers = {{"Content-Disposition", disposition(of.name)},
                   {"Cache-Control", "no-cache"},
                   {"Content-Security-Policy", "default-src 'none'; sandbox"}};
    return out;
}

// A failure after the head has been sent can only cut the chunks off, which the client sees.
task<> answer_document(document_needs from, request_context context, exchange& with,
                       std::string product_id, std::string document) {
    const auto found = co_await from.products.find_document(product_id, document);
    result<std::unique_ptr<blob_reader>> file = fail(errc::not_found, "document_not_found");
    if (found)
        file =
            co_await from.blobs.open(std::string(products::images_bucket),
                                     products::product_service::document_key(product_id, document));
    if (!found || !file) {
        (void)co_await with.answer(
            http::problem_response(found ? file.error() : found.error(), context.request_id));
        co_return;
    }
    if (!co_await with.begin(head_of(*found))) co_return;
    for (;;) {
        auto chunk = co_await (*file)->read(256 * 1'024);
        if (!chunk) co_return;
        if (chunk->empty()) break;
        if (!co_await with.write_chunk(*std::move(chunk))) co_return;
    }
    (void)co_await with.finish();
}

}  // namespace

std::vector<route> document_pages(std::optional<document_needs> from) {
    std::vector<route> out;
    out.push_back(
        {.method = verb::post,
         .path = "/api/v1/products/{id}/documents",
         .name = "UploadProductDocument",
         .caller = who::operators,
         .summary = "Adds a document called ?name=: a PDF, a ZIP or a picture of at most 50 MB is "
                    "the body.",
         .stream =
             [from](request_context context, exchange& with, route::parameters given) {
                 return upload(*from, std::move(context), with, given.front().second);
             },
         .body_limit_bytes = products::largest_document_bytes});
    out.push_back(
        {.method = verb::get,
         .path = "/api/v1/products/{id}/documents/{document}",
         .name = "GetProductDocument",
         .caller = who::anyone,
         .summary = "The document itself, as a file to be saved.",
         .stream = [from](request_context context, exchange& with, route::parameters given) {
             return answer_document(*from, std::move(context), with, given.at(0).second,
                                    given.at(1).second);
         }});
    return out;
}

}  // namespace stoa
