#include "services/product/catalogue_import.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <array>

namespace stoa::products {
namespace {

constexpr std::size_t rows_a_batch = 128;  // of one transaction: other writers wait for it
constexpr std::size_t errors_in_report = 1'000;

// Longer than a batch of rows takes, reading them included.
constexpr seconds owned_for{30};

error taken_over() {
    return {.kind = errc::conflict,
            .code = "import_taken_over",
            .detail = "another process goes on with this import"};
}

error no_such_import() {
    return {
        .kind = errc::not_found, .code = "import_not_found", .detail = "there is no such import"};
}

}  // namespace

// One import under way.
struct catalogue_import::progress {
    import_report report;
    csv_reader rows = csv_reader();
    std::optional<csv_header> header;
    std::vector<import_row> batch;
    std::unique_ptr<blob_writer> errors;
    std::unordered_set<std::string> seen;  // skus of a dry run, which stores nothing to look at
};

task<result<import_report>> catalogue_import::start(std::string id, blob_info upload,
                                                    bool dry_run) {
    import_report report{.id = id,
                         .file_hash = upload.etag,
                         .file_bytes = upload.size_bytes,
                         .dry_run = dry_run,
                         .created_at = ports_.time.now(),
                         .updated_at = ports_.time.now()};
    auto insert = [report, owner = owner_](transaction& t) -> result<std::int64_t> {
        return t.execute(
            "INSERT INTO imports (id, status, report, created_at, owner, owned_until) VALUES (?1, "
            "?2, ?3, ?4, ?5, ?6)",
            report.id, report.status, to_json(report), report.created_at, owner,
            (report.created_at + owned_for).unix_s());
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(insert)));
    crash_point("import_queued");
    queue_.push_back(std::move(id));
    if (!std::exchange(running_, true))
        ports_.background.spawn("import", [this] { return run_queue(); });
    co_return report;
}

task<result<import_report>> catalogue_import::get_import(request_context,
                                                         get_import_request wanted) {
    auto read = [id = std::move(wanted.id)](transaction& t) -> result<import_report> {
        const auto found = t.texts("SELECT report FROM imports WHERE id = ?1", id);
        if (found.empty()) return fail(no_such_import());
        return from_json<import_report>(found.front());
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<import_report>> catalogue_import::wait(std::string id, instant deadline) {
    for (milliseconds pause{5};; pause = std::min(pause * 2, milliseconds(100))) {
        STOA_CO_TRY(auto now, co_await get_import({}, {id}));
        const bool over = now.status == import_status::done || now.status == import_status::failed;
        if (over || ports_.time.ticks() >= deadline) co_return now;
        co_await ports_.time.sleep(pause);
    }
}

task<result<int>> catalogue_import::sweep() {
    auto read =
        [sole = ports_.sole_process, ours = ports_.process + ":%",
         now = ports_.time.now().unix_s()](transaction& t) -> result<std::vector<std::string>> {
        if (sole)
            return t.texts(
                "SELECT id FROM imports WHERE status IN ('queued', 'running') AND (owner IS NULL "
                "OR owner NOT LIKE ?1) ORDER BY created_at",
                ours);
        return t.texts(
            "SELECT id FROM imports WHERE status IN ('queued', 'running') AND (owner IS NULL OR "
            "owned_until < ?1) ORDER BY created_at",
            now);
    };
    STOA_CO_TRY(const auto ids, co_await ports_.db.read(std::move(read)));
    for (const auto& id : ids) {
        const auto ours = co_await claim(id);
        if (!ours && ours.error().kind == errc::conflict) continue;  // another process was first
        if (!ours) co_return std::unexpected(ours.error());
        queue_.push_back(id);
    }
    if (!queue_.empty() && !std::exchange(running_, true))
        ports_.background.spawn("import", [this] { return run_queue(); });
    co_return static_cast<int>(ids.size());
}

// Another's claim in between is a conflict.
task<result<void>> catalogue_import::claim(std::string id) {
    const auto now = ports_.time.now();
    auto write = [id = std::move(id), owner = owner_, now = now.unix_s(),
                  until = (now + owned_for).unix_s(),
                  sole = ports_.sole_process](transaction& t) -> result<void> {
        const auto taken = t.execute(
            "UPDATE imports SET owner = ?2, owned_until = ?3 WHERE id = ?1 AND status IN "
            "('queued', 'running') AND (owner IS NULL OR owner = ?2 OR owned_until < ?4 OR ?5 = 1)",
            id, owner, until, now, std::int64_t{sole});
        if (taken == 0) return fail(taken_over());
        return {};
    };
    co_return co_await ports_.db.commit(std::move(write));
}

task<> catalogue_import::run_queue() {
    while (!queue_.empty()) {
        const auto id = std::move(queue_.front());
        queue_.pop_front();
        auto report = co_await get_import({}, {id});
        // It may have waited here for longer than it was ours.
        if (auto ours = co_await claim(id); !ours) {
            log_warning("import_left", {{"id", id}, {"code", ours.error().code}});
            continue;
        }
        auto done = report ? co_await run(*report) : result<void>(std::unexpected(report.error()));
        if (done) continue;
        log_warning("import_failed", {{"id", id}, {"code", done.error().code}});
        if (!report) continue;
        report->status = import_status::failed;
        report->failure = done.error().detail.empty() ? done.error().code : done.error().detail;
        for (const auto& p : done.error().errors)
            report->errors.push_back({.column = p.where, .code = p.code, .detail = p.detail});
        if (auto stored = co_await save(*report); !stored)
            log_error("import_report_lost", {{"id", id}, {"code", stored.error().code}});
    }
    running_ = false;
}

task<result<void>> catalogue_import::save(import_report& report) {
    report.updated_at = ports_.time.now();
    auto write = [report, owner = owner_](transaction& t) -> result<void> {
        const auto kept = t.execute(
            "UPDATE imports SET status = ?2, report = ?3, owned_until = ?5 WHERE id = ?1 AND owner "
            "= ?4",
            report.id, report.status, to_json(report), owner,
            (report.updated_at + owned_for).unix_s());
        if (kept == 0) return fail(taken_over());
        return {};
    };
    auto stored = co_await ports_.db.commit(std::move(write));
    crash_point("import_saved");
    if (!stored) co_return std::unexpected(std::move(stored).error());
    co_return result<void>{};
}

task<result<void>> catalogue_import::run(import_report report) {
    // From the first row, with counts of its own: rows that an earlier process applied are found
    // unchanged.
    progress at{.report = {.id = report.id,
                           .file_hash = report.file_hash,
                           .file_bytes = report.file_bytes,
                           .dry_run = report.dry_run,
                           .status = import_status::running,
                           .created_at = report.created_at}};
    STOA_CO_TRY(auto file,
                co_await ports_.blobs.open(std::string(imports_bucket), report.id + ".csv"));
    STOA_CO_TRY(at.errors, co_await ports_.blobs.create(std::string(imports_bucket),
                                                        report.id + ".errors.csv"));
    STOA_CO_TRY_VOID(co_await at.errors->append("row,line,column,code,detail\r\n"));
    STOA_CO_TRY_VOID(co_await read_rows(at, *file));
    if (!at.header)
        co_return fail(errc::invalid, "bad_csv_header",
                       "the file is empty: its first row must name the columns");
    STOA_CO_TRY_VOID(co_await apply(at));
    STOA_CO_TRY_VOID(co_await at.errors->finish());
    at.report.status = import_status::done;
    STOA_CO_TRY_VOID(co_await save(at.report));
    co_return result<void>{};
}

task<result<void>> catalogue_import::read_rows(progress& at, blob_reader& file) {
    for (;;) {
        STOA_CO_TRY(const auto chunk, co_await file.read(256 * 1024));
        if (chunk.empty()) at.rows.finish();
        else at.rows.feed(chunk);
        at.report.read_bytes += std::ssize(chunk);
        while (const auto row = at.rows.next()) STOA_CO_TRY_VOID(co_await take_row(at, *row));
        if (chunk.empty()) co_return result<void>{};
    }
}

task<result<void>> catalogue_import::take_row(progress& at, const csv_row& row) {
    if (!at.header) {
        if (!row)
            co_return fail(errc::invalid, "bad_csv_header",
                           "the header row: " + row.error().detail);
        at.header.emplace(import_columns(), row->fields);
        STOA_CO_TRY_VOID(at.header->check());
        at.report.unknown_columns = at.header->unknown();
        co_return result<void>{};
    }
    ++at.report.rows;
    if (!row) {
        const auto& why = row.error();
        std::vector<bad_row> bad{
            {at.report.rows, static_cast<std::int64_t>(why.line), "", why.code, why.detail}};
        co_return co_await note(at, std::move(bad));
    }
    auto read = read_import_row(*at.header, *row, at.report.rows, ports_.shop_currency);
    if (auto* bad = std::get_if<std::vector<bad_row>>(&read))
        co_return co_await note(at, std::move(*bad));
    at.batch.push_back(std::move(std::get<import_row>(read)));
    if (at.batch.size() < rows_a_batch) co_return result<void>{};
    co_return co_await apply(at);
}

task<result<void>> catalogue_import::note(progress& at, std::vector<bad_row> bad) {
    ++at.report.bad;
    std::string lines;
    for (auto& one : bad) {
        const auto row = std::to_string(one.row), line = std::to_string(one.line);
        const std::array<std::string_view, 5> cells{row, line, one.column, one.code, one.detail};
        append_csv_row(lines, cells);
        if (at.report.errors.size() < errors_in_report) at.report.errors.push_back(std::move(one));
    }
    co_return co_await at.errors->append(std::move(lines));
}

row_batch catalogue_import::batch_of(std::vector<import_row> rows) {
    row_batch out{.rows = std::move(rows), .now = ports_.time.now()};
    for (std::size_t i = 0; i < out.rows.size(); ++i) {
        out.ids.push_back(new_id(ports_.time, ports_.random));
        out.changed.push_back(new_id(ports_.time, ports_.random));
        out.restored.push_back(new_id(ports_.time, ports_.random));
    }
    // In order of creation: ids of one millisecond are not, and the index keeps what comes late
    // aside.
    std::ranges::sort(out.ids);
    return out;
}

task<result<void>> catalogue_import::apply(progress& at) {
    if (at.batch.empty()) co_return result<void>{};
    // The outcome of a dry run comes out of a transaction that is rolled back, so it cannot be its
    // result.
    auto out = std::make_shared<batch_outcome>();
    auto batch = batch_of(at.batch);
    batch.file = at.report.file_hash;
    const auto changes = ports_.products.begin_change();
    auto write = [out, batch = std::move(batch), dry_run = at.report.dry_run,
                  changes](transaction& t) mutable -> result<bool> {
        *out = apply_rows(t, batch);
        if (dry_run) return fail(errc::conflict, "dry_run");
        for (const auto& each : out->changed) changes->touches(each.id);
        return true;
    };
    auto stored = co_await ports_.db.commit(std::move(write));
    crash_point("import_batch_applied");
    if (!stored && stored.error().code != "dry_run")
        co_return std::unexpected(std::move(stored).error());
    if (at.report.dry_run) {
        // What an earlier row of the file would have created is an update of it.
        for (const auto& row : at.batch)
            if (!at.seen.insert(row.sku).second && out->created > 0) --out->created, ++out->updated;
    } else {
        ports_.products.products_changed(out->changed, changes->number());
    }
    at.batch.clear();
    at.report.created += out->created;
    at.report.updated += out->updated;
    at.report.unchanged += out->unchanged;
    at.report.recounted += out->recounted;
    for (auto& bad : out->bad) {
        std::vector<bad_row> one{std::move(bad)};
        STOA_CO_TRY_VOID(co_await note(at, std::move(one)));
    }
    co_return co_await save(at.report);
}

}  // namespace stoa::products
