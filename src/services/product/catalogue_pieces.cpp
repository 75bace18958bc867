// Rows that are sent a piece at a time, by whoever keeps the file.
#include "base/json.hpp"
#include "runtime/crash_point.hpp"
#include "services/product/catalogue_import.hpp"

#include <algorithm>
#include <tuple>

namespace stoa::products {
namespace {

bool good_source(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

problems check(const rows_request& wanted) {
    problems out;
    if (!good_source(wanted.source))
        out.push_back(
            {"source", "format", "1 to 64 letters, digits, dots, dashes, underscores", {}});
    if (wanted.first_row < 1 || wanted.first_row > INT64_MAX / 2)
        out.push_back({"first_row", "out_of_range", "1 is the first after the header", {}});
    if (std::ssize(wanted.csv) > largest_rows_bytes)
        out.push_back(
            {"csv", "too_long", "at most " + std::to_string(largest_rows_bytes) + " bytes", {}});
    return out;
}

void add(rows_report& to, const rows_report& one) {
    to.rows += one.rows;
    to.created += one.created;
    to.updated += one.updated;
    to.unchanged += one.unchanged;
    to.recounted += one.recounted;
    to.bad += one.bad;
    to.repeated += one.repeated;
    to.errors.insert(to.errors.end(), one.errors.begin(), one.errors.end());
}

// What is known of rows of the same source.
struct applied_batch {
    std::int64_t first_row = 0;
    std::string outcome;
};
BOOST_DESCRIBE_STRUCT(applied_batch, (), (first_row, outcome))

// The outcome of these very rows, where they were applied before. Rows that were applied in another
// batch have no outcome of their own: to apply them once more would count them twice.
result<std::optional<rows_report>> outcome_of(transaction& t, const std::string& source,
                                              std::int64_t first_row, std::int64_t rows) {
    std::optional<rows_report> same;
    for (const auto& each : t.query<applied_batch>(
             "SELECT first_row, outcome FROM imported_batches WHERE source = ?1 AND first_row > ?2 "
             "AND first_row < ?3 ORDER BY first_row",
             source, first_row - rows_a_transaction, first_row + rows)) {
        STOA_TRY(auto known, from_json<rows_report>(each.outcome));
        if (each.first_row == first_row && known.rows == rows) same = std::move(known);
        else if (each.first_row + known.rows > first_row)
            return fail(errc::conflict, std::string(rows_cut_differently),
                        "rows " + std::to_string(each.first_row) + " to " +
                            std::to_string(each.first_row + known.rows - 1) +
                            " of this source were applied together before: send them so, or name "
                            "another source");
    }
    return same;
}

}  // namespace

// The records of one transaction, good and bad.
struct catalogue_import::row_piece {
    std::int64_t first_row = 0, records = 0, bad_records = 0;
    std::vector<import_row> good;
    std::vector<bad_row> bad;

    void add_bad(std::vector<bad_row> why) {
        ++bad_records;
        std::ranges::move(why, std::back_inserter(bad));
    }
};

// What was sent, read a piece at a time.
class catalogue_import::row_pieces {
 public:
    row_pieces(std::string_view csv, std::int64_t first_row, currency_code shop)
        : row_(first_row), shop_(shop) {
        reader_.feed(csv);
    }

    // Without records at the end; an error is one of the header.
    result<row_piece> next() {
        if (!header_) STOA_TRY_VOID(read_header());
        row_piece out{.first_row = row_};
        while (out.records < rows_a_transaction) {
            const auto record = next_record();
            if (!record) break;
            take(out, *record);
        }
        return out;
    }

 private:
    std::optional<csv_row> next_record() {
        auto record = reader_.next();
        if (record || std::exchange(whole_, true)) return record;
        reader_.finish();
        return reader_.next();
    }

    result<void> read_header() {
        const auto record = next_record();
        if (!record)
            return fail(errc::invalid, "bad_csv_header",
                        "there is no row: the first one must name the columns");
        if (!*record)
            return fail(errc::invalid, "bad_csv_header",
                        "the header row: " + record->error().detail);
        header_.emplace(import_columns(), (*record)->fields);
        return header_->check();
    }

    void take(row_piece& into, const csv_row& record) {
        const auto row = row_++;
        ++into.records;
        if (!record) {
            const auto& why = record.error();
            into.add_bad({{row, static_cast<std::int64_t>(why.line), "", why.code, why.detail}});
            return;
        }
        auto read = read_import_row(*header_, *record, row, shop_);
        if (auto* bad = std::get_if<std::vector<bad_row>>(&read)) into.add_bad(std::move(*bad));
        else into.good.push_back(std::move(std::get<import_row>(read)));
    }

    std::int64_t row_;
    currency_code shop_;
    csv_reader reader_;
    bool whole_ = false;
    std::optional<csv_header> header_;
};

// A piece that is stored.
struct catalogue_import::stored_piece {
    rows_report report;
    std::vector<product> changed;
    std::uint64_t change = 0;
};

// While one piece is written, the one before it is made searchable and the next is read.
task<result<rows_report>> catalogue_import::import_rows(rows_request wanted) {
    if (auto wrong = check(wanted); !wrong.empty())
        co_return fail(invalid_request(std::move(wrong)));
    row_pieces pieces(wanted.csv, wanted.first_row, ports_.shop_currency);
    STOA_CO_TRY(auto piece, pieces.next());
    rows_report out;
    stored_piece before;
    while (piece.records > 0) {
        result<stored_piece> stored =
            fail(errc::unavailable, "import_stopped", "the rows may be stored: send them again");
        supervisor writing(ports_.background.on());
        writing.spawn("import rows", [&]() -> task<> {
            stored = co_await store_piece(wanted.source, std::move(piece));
        });
        ports_.products.products_changed(std::exchange(before.changed, {}), before.change);
        auto next = pieces.next();
        co_await writing.idle();
        STOA_CO_TRY(before, std::move(stored));
        add(out, before.report);
        STOA_CO_TRY(piece, std::move(next));
    }
    ports_.products.products_changed(before.changed, before.change);
    co_return out;
}

task<result<catalogue_import::stored_piece>> catalogue_import::store_piece(std::string source,
                                                                           row_piece piece) {
    auto changed = std::make_shared<std::vector<product>>();
    rows_report told{
        .rows = piece.records, .bad = piece.bad_records, .errors = std::move(piece.bad)};
    auto batch = batch_of(std::move(piece.good));
    batch.source = source;
    const auto changes = ports_.products.begin_change();
    auto write = [changed, told, batch = std::move(batch), source, first_row = piece.first_row,
                  changes](transaction& t) mutable -> result<rows_report> {
        STOA_TRY(auto before, outcome_of(t, source, first_row, told.rows));
        if (before) {
            before->repeated = before->rows;
            return *std::move(before);
        }
        auto did = apply_rows(t, batch);
        told.created = did.created;
        told.updated = did.updated;
        told.unchanged = did.unchanged;
        told.recounted = did.recounted;
        told.bad += std::ssize(did.bad);
        std::ranges::move(did.bad, std::back_inserter(told.errors));
        std::ranges::sort(told.errors, {}, [](const bad_row& each) {
            return std::tuple(each.row, std::string_view(each.column), std::string_view(each.code));
        });
        t.send(
            "INSERT INTO imported_batches (source, first_row, outcome, created_at) VALUES (?1, "
            "?2, ?3, ?4)",
            source, first_row, to_json(told), batch.now);
        for (const auto& each : did.changed) changes->touches(each.id);
        *changed = std::move(did.changed);
        return std::move(told);
    };
    auto stored = co_await ports_.db.commit(std::move(write));
    crash_point("import_batch_applied");
    if (!stored) co_return std::unexpected(std::move(stored).error());
    co_return stored_piece{std::move(*stored), std::move(*changed), changes->number()};
}

}  // namespace stoa::products
