#include "services/product/product_rows_remote.hpp"

#include "base/json.hpp"

namespace stoa::products {
namespace {

// The parts of an RFC 9457 problem that are of use here.
struct problem_entry {
    std::optional<std::string> pointer, code, detail;
};
BOOST_DESCRIBE_STRUCT(problem_entry, (), (pointer, code, detail))
struct problem_document {
    std::optional<std::string> code, detail;
    std::vector<problem_entry> errors;
};
BOOST_DESCRIBE_STRUCT(problem_document, (), (code, detail, errors))

error refused(int status, std::string_view body) {
    const auto said = from_json<problem_document>(body).value_or(problem_document{});
    error out{.kind = errc::internal,
              .code = "product_api_refused",
              .detail = "the product API answers " + std::to_string(status) + ' ' +
                        said.code.value_or("") + ": " + said.detail.value_or("") +
                        "; look at PRODUCT_API_URL and at the key's scope products:write"};
    const auto as = [&](errc kind) {
        out.kind = kind;
        out.code = said.code.value_or("product_api_refused");
        out.detail = said.detail.value_or(out.detail);
    };
    if (status == 400 || status == 422) as(errc::invalid);
    else if (status == 409) as(errc::conflict);
    else if (status == 429) as(errc::rate_limited);
    else if (status >= 500) as(errc::unavailable);
    for (const auto& each : said.errors)
        out.errors.push_back(
            {each.pointer.value_or(""), each.code.value_or(""), each.detail.value_or(""), {}});
    return out;
}

std::string base_of(std::string url) {
    for (const std::string_view end : {"/", "/products", "/api/v1"})
        if (url.ends_with(end)) url.resize(url.size() - end.size());
    return url;
}

}  // namespace

remote_row_importer::remote_row_importer(http_client& http, remote_rows_settings settings)
    : http_(http), settings_(std::move(settings)) {
    settings_.url = base_of(std::move(settings_.url));
}

task<result<rows_report>> remote_row_importer::import_rows(rows_request wanted) {
    http_request what{.method = "POST",
                      .url = settings_.url + "/api/v1/products/import/rows?source=" +
                             wanted.source + "&first_row=" + std::to_string(wanted.first_row)};
    what.headers = {{"Authorization", "Bearer " + settings_.key}, {"Content-Type", "text/csv"}};
    what.body = std::move(wanted.csv);
    STOA_CO_TRY(const auto said, co_await http_.send(std::move(what), settings_.answer_within));
    if (said.status != 200) co_return fail(refused(said.status, said.body));
    auto report = from_json<rows_report>(said.body);
    if (!report)
        co_return fail(errc::unavailable, "product_api_refused",
                       "the product API's answer cannot be read: " + report.error().detail);
    co_return report;
}

}  // namespace stoa::products
