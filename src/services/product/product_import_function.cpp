#include "services/product/product_import_function.hpp"

#include "base/json.hpp"
#include "runtime/log.hpp"

#include <algorithm>

namespace stoa::products {
namespace {

constexpr std::size_t errors_in_report = 1'000;
constexpr std::size_t largest_report_bytes = 4 << 20;
// Of a record with its line end: what is longer is refused by the reader, whatever is in it.
constexpr std::size_t largest_record = csv_limits{}.record_bytes + 2;

bool is_csv(std::string_view key) {
    constexpr std::string_view suffix = ".csv";
    return key.size() > suffix.size() &&
           std::ranges::equal(key.substr(key.size() - suffix.size()), suffix, {}, [](char c) {
               return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
           });
}

object_name name_of(const file_report& of) {
    return {.bucket = of.bucket,
            .key = of.key,
            .version = of.version,
            .etag = of.version.empty() ? of.etag : std::string()};
}

bool passes(const error& why) {
    return why.kind == errc::unavailable || why.kind == errc::timeout ||
           why.kind == errc::rate_limited ||
           (why.kind == errc::conflict && why.code != rows_cut_differently);
}

error unfinished(const file_report& at) {
    return {.kind = errc::unavailable,
            .code = std::string(import_unfinished),
            .detail = at.bucket + '/' + at.key + " is read up to byte " +
                      std::to_string(at.next_byte) + " of " + std::to_string(at.size_bytes) +
                      "; the next call goes on"};
}

void without_line_ends(std::string_view& text) {
    while (!text.empty() && (text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
}

}  // namespace

// One object, while it is read.
struct product_import_function::reading {
    file_report report;
    instant stop_at, saved_at;
    csv_reader rows = csv_reader();
    std::int64_t first_byte = 0;  // of what `rows` reads: where an earlier call stopped
    std::int64_t first_line = 1;
    std::int64_t fetched_byte = 0;  // of the file: up to there it was read
    std::string header;             // its row as the file has it, line end included
    std::string window;             // what was fetched and is not in a batch
    std::int64_t window_byte = 0;   // of the file: what begins at window[taken]
    std::size_t taken = 0;
    bool too_long = false;  // the record that begins in the window: it was dropped

    std::string batch;                        // its rows as the file has them
    std::vector<std::int64_t> lines;          // of its rows, in the file
    std::int64_t batch_row = 1;               // its first
    std::vector<bad_row> own_bad;             // rows that are not sent
    std::int64_t end_byte = 0, end_line = 1;  // of the file, behind the batch
};

product_import_function::product_import_function(needs ports, product_import_settings settings)
    : ports_(std::move(ports)), settings_(settings) {
    auto& to = ports_.measured;
    rows_ = to.counter("product_import_rows_total", "Rows of files that were read.");
    bad_rows_ = to.counter("product_import_bad_rows_total", "Rows that made no product.");
    files_ = to.counter("product_import_files_total", "Files that were read to their end.");
    bytes_ = to.counter("product_import_bytes_total", "Bytes of files that were read.");
}

bool product_import_function::is_near(const reading& at) const {
    return ports_.time.ticks() >= at.stop_at;
}

task<result<functions::outcome>> product_import_function::handle(functions::trigger what,
                                                                 functions::invocation call) {
    functions::outcome out;
    for (auto& each : what.records) {
        if (!each.said.body.empty())
            out.failed.push_back({each.id,
                                  {.kind = errc::malformed,
                                   .code = "no_notification",
                                   .detail = "the message is no notification of S3"}});
        for (auto& object : each.objects) {
            auto done = co_await import(std::move(object), call.deadline);
            if (done) continue;
            out.failed.push_back({each.id, std::move(done).error()});
            break;
        }
    }
    co_return out;
}

task<result<std::optional<file_report>>> product_import_function::report_of(std::string bucket,
                                                                            std::string key) {
    auto found = co_await ports_.objects.read({.bucket = std::move(bucket), .key = report_key(key)},
                                              0, largest_report_bytes);
    if (!found && found.error().kind == errc::not_found) co_return std::optional<file_report>();
    if (!found) co_return std::unexpected(std::move(found).error());
    auto read = from_json<file_report>(found->bytes);
    // Somebody else's, or of another version of this program: the rows themselves are applied once.
    if (!read) {
        log_warning("import_report_unreadable", {{"code", read.error().code}});
        co_return std::optional<file_report>();
    }
    co_return std::optional(*std::move(read));
}

// Where to begin; nothing where there is nothing to do.
task<result<std::optional<file_report>>> product_import_function::begin(
    const functions::object_created& object) {
    const auto nothing = std::optional<file_report>();
    if (!is_csv(object.key)) {
        log_info("import_passed_over", {{"bucket", object.bucket}, {"why", "its key has no .csv"}});
        co_return nothing;
    }
    auto first = co_await ports_.objects.read({.bucket = object.bucket,
                                               .key = object.key,
                                               .version = object.version,
                                               .etag = object.version.empty() ? object.etag : ""},
                                              0, 1);
    if (!first) {
        const auto& why = first.error();
        // Removed, or replaced by what has an event of its own.
        if (why.kind != errc::not_found && why.code != "object_changed")
            co_return std::unexpected(why);
        log_info("import_passed_over", {{"bucket", object.bucket}, {"why", why.code}});
        co_return nothing;
    }
    file_report fresh{.bucket = object.bucket,
                      .key = object.key,
                      .version = object.version,
                      .etag = first->etag,
                      .sequencer = object.sequencer,
                      .size_bytes = first->size_bytes,
                      .started_at = ports_.time.now()};
    std::string name;
    for (const auto& part :
         {object.bucket, object.key, object.version, object.version.empty() ? first->etag : "",
          std::to_string(settings_.batch_rows), std::to_string(settings_.batch_bytes)})
        (name += std::to_string(part.size())) += ':' + part;
    fresh.source = ports_.digest(name);
    STOA_CO_TRY(auto before, co_await report_of(object.bucket, object.key));
    if (!before) co_return std::optional(std::move(fresh));
    const bool same = before->source == fresh.source;
    if (same && before->status == file_import_status::running) co_return before;
    if (same || functions::comes_before(fresh.sequencer, before->sequencer)) {
        log_info("import_passed_over",
                 {{"bucket", object.bucket}, {"why", same ? "it is done" : "a newer one is"}});
        co_return nothing;
    }
    co_return std::optional(std::move(fresh));
}

task<result<void>> product_import_function::import(functions::object_created object,
                                                   instant deadline) {
    STOA_CO_TRY(auto report, co_await begin(object));
    if (!report) co_return result<void>();
    const auto now = ports_.time.ticks();
    const auto spare =
        std::min<std::chrono::nanoseconds>(settings_.before_deadline, (deadline - now) / 3);
    reading at{.report = *std::move(report), .stop_at = deadline + (-spare), .saved_at = now};
    auto read = co_await read_header(at);
    if (read) read = co_await read_rows(at);
    if (!read && passes(read.error()) && read.error().code != "object_changed") {
        // How far it is helps the next call; that it could not be told does not change the answer.
        if (auto kept = co_await save(at); !kept)
            log_warning("import_progress_lost", {{"code", kept.error().code}});
        co_return read;
    }
    if (!read) co_return co_await give_up(at, std::move(read).error());
    at.report.status = file_import_status::done;
    STOA_CO_TRY_VOID(co_await save(at));
    files_.add();
    log_info("import_done", {{"rows", at.report.rows},
                             {"created", at.report.created},
                             {"updated", at.report.updated},
                             {"unchanged", at.report.unchanged},
                             {"bad", at.report.bad},
                             {"bytes", at.report.size_bytes}});
    co_return result<void>();
}

// What cannot be read, or is refused for good, is told in the report; the rest is the host's.
task<result<void>> product_import_function::give_up(reading& at, error why) {
    if (why.code == "object_changed" || why.kind == errc::not_found) co_return result<void>();
    if (why.kind != errc::invalid && why.code != rows_cut_differently)
        co_return std::unexpected(std::move(why));
    at.report.status = file_import_status::failed;
    at.report.failure = why.detail.empty() ? why.code : why.detail;
    for (const auto& each : why.errors)
        at.report.errors.push_back(
            {.column = each.where, .code = each.code, .detail = each.detail});
    log_warning("import_failed", {{"bucket", at.report.bucket}, {"code", why.code}});
    co_return co_await save(at);
}

task<result<bool>> product_import_function::is_newest(const file_report& report) {
    STOA_CO_TRY(const auto stands, co_await report_of(report.bucket, report.key));
    co_return !stands || stands->source == report.source ||
        !functions::comes_before(report.sequencer, stands->sequencer);
}

task<result<void>> product_import_function::save(reading& at) {
    STOA_CO_TRY(const bool newest, co_await is_newest(at.report));
    if (!newest)
        co_return fail(errc::conflict, "object_changed", "a newer version is being imported");
    at.saved_at = ports_.time.ticks();
    at.report.updated_at = ports_.time.now();
    co_return co_await ports_.objects.write(
        {.bucket = at.report.bucket, .key = report_key(at.report.key)}, to_json(at.report),
        "application/json");
}

task<result<std::string>> product_import_function::next_range(reading& at) {
    if (at.fetched_byte >= at.report.size_bytes) co_return std::string();
    STOA_CO_TRY(auto got, co_await ports_.objects.read(name_of(at.report), at.fetched_byte,
                                                       settings_.range_bytes));
    if (got.size_bytes != at.report.size_bytes)
        co_return fail(errc::conflict, "object_changed", "the object was replaced");
    if (got.bytes.empty())
        co_return fail(errc::unavailable, "object_cut_off", "the object ended before its end");
    at.fetched_byte += std::ssize(got.bytes);
    bytes_.add(static_cast<double>(got.bytes.size()));
    co_return std::move(got.bytes);
}

// The first row of the file, whatever was read before. Leaves the reader behind it.
task<result<void>> product_import_function::read_header(reading& at) {
    csv_reader first;
    std::string chunk;
    for (;;) {
        STOA_CO_TRY(chunk, co_await next_range(at));
        if (chunk.empty()) first.finish();
        else first.feed(chunk);
        if (at.header.size() <= largest_record) at.header += chunk;
        const auto row = first.next();
        if (!row && chunk.empty())
            co_return fail(errc::invalid, "bad_csv_header",
                           "the file is empty: its first row must name the columns");
        if (!row) continue;
        if (!*row)
            co_return fail(errc::invalid, "bad_csv_header",
                           "the header row: " + row->error().detail);
        // The shop would say so, too, but a file without rows asks it nothing.
        STOA_CO_TRY_VOID(csv_header(import_columns(), (*row)->fields).check());
        break;
    }
    auto size = static_cast<std::size_t>(first.read_bytes());
    const bool two_characters =
        size > 0 && size < at.header.size() && at.header.substr(size - 1, 2) == "\r\n";
    if (two_characters) ++size;
    at.header.resize(std::min(size, at.header.size()));
    if (!at.header.ends_with('\n')) at.header += '\n';
    if (at.report.next_byte == 0) {
        at.report.next_byte = static_cast<std::int64_t>(size);
        at.report.next_line = static_cast<std::int64_t>(first.line());
    }
    at.first_byte = at.window_byte = at.end_byte = at.report.next_byte;
    at.fetched_byte = at.first_byte - 1;  // see begin_rows()
    at.first_line = at.end_line = at.report.next_line;
    at.batch_row = at.report.next_row;
    co_return result<void>();
}

// The first range begins with the last byte of what was read before: the second character of a line
// end that was cut there would be a blank line of its own.
void product_import_function::begin_rows(reading& at, std::string& chunk) {
    const std::size_t known = chunk.starts_with("\r\n") ? 2 : 1;
    chunk.erase(0, known);
    at.first_byte = at.window_byte = at.end_byte =
        at.report.next_byte + static_cast<std::int64_t>(known) - 1;
}

task<result<void>> product_import_function::read_rows(reading& at) {
    for (bool first = true;; first = false) {
        STOA_CO_TRY(auto chunk, co_await next_range(at));
        const bool end = chunk.empty();
        if (first && !end) begin_rows(at, chunk);
        if (end) at.rows.finish();
        else at.rows.feed(chunk);
        at.window += chunk;
        while (const auto row = at.rows.next()) STOA_CO_TRY_VOID(co_await take(at, *row));
        if (end) break;
        // A record that goes on for longer than any may is not kept.
        auto rest = std::string_view(at.window).substr(at.taken);
        if (!at.too_long) without_line_ends(rest);
        if (at.too_long || rest.size() > 2 * largest_record) {
            at.too_long = true;
            rest = {};
        }
        at.window_byte +=
            std::ssize(at.window) - std::ssize(rest) - static_cast<std::int64_t>(at.taken);
        at.window = std::string(rest);
        at.taken = 0;
    }
    co_return co_await send(at);
}

task<result<void>> product_import_function::take(reading& at, const csv_row& row) {
    const auto end = at.first_byte + static_cast<std::int64_t>(at.rows.read_bytes());
    const auto size = static_cast<std::size_t>(end - at.window_byte);
    auto raw = std::string_view(at.window).substr(at.taken, size);
    without_line_ends(raw);
    const bool too_long = std::exchange(at.too_long, false) || raw.size() > largest_record;
    const auto line =
        at.first_line - 1 + static_cast<std::int64_t>(row ? row->line : row.error().line);
    const auto full = std::ssize(at.lines) == settings_.batch_rows ||
                      at.batch.size() + raw.size() > settings_.batch_bytes;
    if (too_long || full) STOA_CO_TRY_VOID(co_await send(at));
    if (too_long) {
        const auto& why = row.error();
        at.own_bad.push_back({at.batch_row, line, "", why.code, why.detail});
    } else {
        at.batch += raw;
        if (!raw.ends_with('\n') && !raw.ends_with('\r')) at.batch += '\n';
        at.lines.push_back(line);
    }
    at.taken += size;
    at.window_byte = at.end_byte = end;
    at.end_line = at.first_line - 1 + static_cast<std::int64_t>(at.rows.line());
    if (too_long) STOA_CO_TRY_VOID(co_await send(at));
    co_return result<void>();
}

// The batch; what went wrong for now is tried again until the deadline is near.
task<result<void>> product_import_function::send(reading& at) {
    auto& to = at.report;
    if (is_near(at)) co_return fail(unfinished(to));
    rows_report told{.rows = std::ssize(at.own_bad), .bad = std::ssize(at.own_bad)};
    for (auto wait = settings_.first_retry; !at.lines.empty();
         wait = std::min(2 * wait, settings_.longest_retry)) {
        auto did = co_await ports_.shop.import_rows(
            {.source = to.source, .first_row = at.batch_row, .csv = at.header + at.batch});
        if (did) {
            told = *std::move(did);
            break;
        }
        if (!passes(did.error())) co_return std::unexpected(std::move(did).error());
        log_warning("import_batch_again", {{"code", did.error().code}});
        if (is_near(at)) co_return fail(unfinished(to));
        co_await ports_.time.sleep(jittered(wait, ports_.random));
    }
    for (auto& each : told.errors) {
        const auto place = static_cast<std::size_t>(each.row - at.batch_row);
        each.line = place < at.lines.size() ? at.lines[place] : each.line;
    }
    std::ranges::move(at.own_bad, std::back_inserter(told.errors));
    for (auto& each : told.errors)
        if (to.errors.size() < errors_in_report) to.errors.push_back(std::move(each));
    to.rows += told.rows;
    to.created += told.created;
    to.updated += told.updated;
    to.unchanged += told.unchanged;
    to.recounted += told.recounted;
    to.bad += told.bad;
    rows_.add(static_cast<double>(told.rows));
    bad_rows_.add(static_cast<double>(told.bad));
    at.batch_row += told.rows;
    at.batch.clear();
    at.lines.clear();
    at.own_bad.clear();
    to.next_byte = at.end_byte;
    to.next_row = at.batch_row;
    to.next_line = at.end_line;
    if (ports_.time.ticks() - at.saved_at >= settings_.save_every) co_return co_await save(at);
    co_return result<void>();
}

}  // namespace stoa::products
