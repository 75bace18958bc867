#include "apps/stoa/transfer_pages.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"

#include <charconv>

namespace stoa {
namespace {

using http::exchange;
using http::response;
using http::route;

constexpr std::int64_t largest_upload_bytes = std::int64_t{4} << 30;

std::string_view query_of(const http::request& in, std::string_view name) {
    for (const auto& [key, value] : in.query)
        if (key == name) return value;
    return {};
}

response report_response(const products::import_report& report, int status) {
    response out{.status = status};
    out.headers.push_back({"Location", "/api/v1/imports/" + report.id});
    out.set_body(to_json(report));
    return out;
}

// The upload, durable and whole, or an error; nothing of a cut-off one stays.
task<result<blob_info>> receive(exchange& with, blob_store& blobs, std::string id) {
    STOA_CO_TRY(auto file,
                co_await blobs.create(std::string(products::imports_bucket), id + ".csv"));
    for (;;) {
        STOA_CO_TRY(auto chunk, co_await with.read_chunk());
        if (chunk.empty()) break;
        STOA_CO_TRY_VOID(co_await file->append(std::move(chunk)));
    }
    co_return co_await file->finish();
}

task<result<response>> import_file(transfer_needs from, request_context context, exchange& with) {
    const auto dry_run = query_of(with.head(), "dry_run"), wait = query_of(with.head(), "wait");
    if (!dry_run.empty() && dry_run != "true" && dry_run != "false")
        co_return fail(invalid_request({{"dry_run", "boolean", {}, {}}}));
    int wait_s = 0;
    const auto [end, ill] = std::from_chars(wait.data(), wait.data() + wait.size(), wait_s);
    if (!wait.empty() &&
        (ill != std::errc{} || end != wait.data() + wait.size() || wait_s < 0 || wait_s > 60))
        co_return fail(invalid_request({{"wait", "out_of_range", "seconds, 0 to 60", {}}}));
    const auto id = new_id(from.time, from.random);
    STOA_CO_TRY(auto upload, co_await receive(with, from.blobs, id));
    STOA_CO_TRY(auto report, co_await from.imports.start(id, std::move(upload), dry_run == "true"));
    if (wait_s > 0) {
        const auto until = from.time.ticks() + seconds(wait_s);
        STOA_CO_TRY(report, co_await from.imports.wait(id, until));
    }
    const bool over = report.status == products::import_status::done ||
                      report.status == products::import_status::failed;
    co_return report_response(report, over ? 200 : 202);
}

task<> answer_import(transfer_needs from, request_context context, exchange& with) {
    const auto request_id = context.request_id;
    auto made = co_await import_file(from, std::move(context), with);
    (void)co_await with.answer(made ? *std::move(made)
                                    : http::problem_response(made.error(), request_id));
}

result<std::int64_t> first_row_of(const http::request& in) {
    const auto text = query_of(in, "first_row");
    std::int64_t row = 0;
    const auto [end, ill] = std::from_chars(text.data(), text.data() + text.size(), row);
    if (ill != std::errc{} || end != text.data() + text.size())
        return fail(invalid_request(
            {{"first_row", "integer", "the number of the first row that is sent", {}}}));
    return row;
}

task<result<response>> import_rows(transfer_needs from, exchange& with) {
    products::rows_request wanted{.source = std::string(query_of(with.head(), "source"))};
    STOA_CO_TRY(wanted.first_row, first_row_of(with.head()));
    for (;;) {
        STOA_CO_TRY(const auto chunk, co_await with.read_chunk());
        if (chunk.empty()) break;
        wanted.csv += chunk;
    }
    STOA_CO_TRY(const auto report, co_await from.imports.import_rows(std::move(wanted)));
    response out;
    out.set_body(to_json(report));
    co_return out;
}

task<> answer_rows(transfer_needs from, request_context context, exchange& with) {
    auto made = co_await import_rows(from, with);
    (void)co_await with.answer(made ? *std::move(made)
                                    : http::problem_response(made.error(), context.request_id));
}

response csv_head(std::string_view file_name) {
    response head{.content_type = "text/csv; charset=utf-8"};
    head.headers.push_back(
        {"Content-Disposition", "attachment; filename=\"" + std::string(file_name) + '"'});
    return head;
}

// A failure after the head has been sent can only cut the chunks off, which the client sees.
task<> answer_export(transfer_needs from, request_context context, exchange& with) {
    auto page = co_await from.imports.export_rows("");
    if (!page) {
        (void)co_await with.answer(http::problem_response(page.error(), context.request_id));
        co_return;
    }
    if (!co_await with.begin(csv_head("products.csv"))) co_return;
    if (!co_await with.write_chunk(products::catalogue_import::export_header())) co_return;
    while (!page->last_id.empty()) {
        const auto last = page->last_id;
        if (!co_await with.write_chunk(std::move(page->csv))) co_return;
        page = co_await from.imports.export_rows(last);
        if (!page) co_return;
    }
    (void)co_await with.finish();
}

task<> answer_errors(transfer_needs from, request_context context, exchange& with, std::string id) {
    auto file = co_await from.blobs.open(std::string(products::imports_bucket), id + ".errors.csv");
    if (!is_uuid(id) || !file) {
        (void)co_await with.answer(
            http::problem_response({.kind = errc::not_found,
                                    .code = "import_not_found",
                                    .detail = "there is no such finished import"},
                                   context.request_id));
        co_return;
    }
    if (!co_await with.begin(csv_head("errors.csv"))) co_return;
    for (;;) {
        auto chunk = co_await (*file)->read(256 * 1024);
        if (!chunk) co_return;
        if (chunk->empty()) break;
        if (!co_await with.write_chunk(*std::move(chunk))) co_return;
    }
    (void)co_await with.finish();
}

}  // namespace

std::vector<route> transfer_pages(std::optional<transfer_needs> from) {
    std::vector<route> out;
    out.push_back({.method = verb::post,
                   .path = "/api/v1/products/import",
                   .name = "ImportProducts",
                   .caller = who::operators,
                   .summary = "Imports a CSV file; ?dry_run=true changes nothing, ?wait=30 waits.",
                   .may_answer_later = true,
                   .stream =
                       [from](request_context context, exchange& with, route::parameters) {
                           return answer_import(*from, std::move(context), with);
                       },
                   .body_limit_bytes = largest_upload_bytes});
    out.push_back({.method = verb::post,
                   .path = "/api/v1/products/import/rows",
                   .name = "ImportRows",
                   .caller = who::operators,
                   .summary = "Applies rows of ?source=, from ?first_row= on, before it answers; "
                              "rows that come again change nothing.",
                   .stream =
                       [from](request_context context, exchange& with, route::parameters) {
                           return answer_rows(*from, std::move(context), with);
                       },
                   .body_limit_bytes = products::largest_rows_bytes});
    out.push_back({.method = verb::get,
                   .path = "/api/v1/products/export",
                   .name = "ExportProducts",
                   .caller = who::operators,
                   .summary = "The catalogue as CSV, as import takes it.",
                   .stream = [from](request_context context, exchange& with, route::parameters) {
                       return answer_export(*from, std::move(context), with);
                   }});
    out.push_back(
        {.method = verb::get,
         .path = "/api/v1/imports/{id}/errors",
         .name = "ImportErrors",
         .caller = who::operators,
         .summary = "Every bad row of an import, as CSV.",
         .stream = [from](request_context context, exchange& with, route::parameters given) {
             return answer_errors(*from, std::move(context), with, given.front().second);
         }});
    route report{.method = verb::get,
                 .path = "/api/v1/imports/{id}",
                 .name = "GetImport",
                 .caller = who::operators,
                 .summary = "How far an import is, and what it did."};
    report.answer = [from](request_context context, http::request,
                           route::parameters given) -> task<response> {
        const auto request_id = context.request_id;
        auto found = co_await from->imports.get_import(std::move(context), {given.front().second});
        if (!found) co_return http::problem_response(found.error(), request_id);
        co_return report_response(*found, 200);
    };
    out.push_back(std::move(report));
    return out;
}

}  // namespace stoa
