#include "apps/stoa/picture_pages.hpp"

#include "apps/stoa/uploads.hpp"
#include "base/json.hpp"
#include "base/media_type.hpp"
#include "ports/image.hpp"

namespace stoa {
namespace {

using http::exchange;
using http::response;
using http::route;

// What a client calls the file does not count.
task<result<std::string>> picture_begins(exchange& with) {
    STOA_CO_TRY(auto out, co_await read_beginning(with));
    if (is_picture(media_of(out))) co_return out;
    co_return fail(errc::invalid, "not_a_picture",
                   "send the picture itself as the body: by its content it is no JPEG, PNG, WebP "
                   "or GIF");
}

task<result<products::product_image>> take(picture_needs from, request_context context,
                                           exchange& with, std::string product_id) {
    STOA_CO_TRY(auto beginning, co_await picture_begins(with));
    STOA_CO_TRY(const auto image, co_await from.products.begin_image(context, product_id));
    auto stored = co_await store_upload(from.blobs, std::string(products::images_bucket),
                                        products::product_service::original_key(product_id, image),
                                        with, std::move(beginning));
    if (!stored) {
        (void)co_await from.products.settle_upload(product_id, image);  // else a sweep does it
        co_return std::unexpected(std::move(stored).error());
    }
    co_return co_await from.products.finish_image(std::move(context), std::move(product_id), image,
                                                  *std::move(stored));
}

task<> upload(picture_needs from, request_context context, exchange& with, std::string id) {
    const auto request_id = context.request_id;
    auto made = co_await take(from, std::move(context), with, id);
    co_await answer_upload(with, request_id, std::move(made), "/api/v1/products/" + id + "/images");
}

task<response> answer_picture(picture_needs from, std::string request_id, std::string path) {
    auto found = co_await from.blobs.get(std::string(products::images_bucket), "variants/" + path);
    const auto kind = found ? media_of(*found) : media::unknown;
    if (!is_picture(kind))
        co_return http::problem_response(
            {.kind = found || found.error().kind == errc::invalid ? errc::not_found
                                                                  : found.error().kind,
             .code = "picture_not_found",
             .detail = "there is no such picture"},
            request_id);
    response out{.content_type = std::string(content_type(kind))};
    // The name holds a mark of the content.
    out.headers = {{"Cache-Control", "public, max-age=31536000, immutable"},
                   {"Content-Security-Policy", "default-src 'none'; sandbox"}};
    out.set_body(*std::move(found));
    co_return out;
}

}  // namespace

std::vector<route> picture_pages(std::optional<picture_needs> from) {
    std::vector<route> out;
    out.push_back({.method = verb::post,
                   .path = "/api/v1/products/{id}/images",
                   .name = "UploadProductImage",
                   .caller = who::operators,
                   .summary =
                       "Adds a picture: a JPEG, PNG, WebP or GIF of at most 20 MB is the body. Its "
                       "sizes follow within seconds.",
                   .stream =
                       [from](request_context context, exchange& with, route::parameters given) {
                           return upload(*from, std::move(context), with, given.front().second);
                       },
                   .body_limit_bytes = picture_limits{}.bytes});
    route picture{.method = verb::get,
                  .path = "/api/v1/pictures/{path...}",
                  .name = "GetPicture",
                  .caller = who::anyone,
                  .summary = "A picture in one size, by the address that its product names."};
    picture.answer = [from](request_context context, http::request, route::parameters given) {
        return answer_picture(*from, context.request_id, given.front().second);
    };
    out.push_back(std::move(picture));
    return out;
}

}  // namespace stoa
