// CSV import: a file that was uploaded whole is applied row by row. The same file twice has the
// effect of once: products are matched by sku, and a row's stock (a recount) counts once per (file
// hash, row). An import whose process died goes on from its first row, which changes nothing that
// was applied.
#pragma once

#include "base/csv.hpp"
#include "ports/blob.hpp"
#include "runtime/supervisor.hpp"
#include "services/product/catalogue_apply.hpp"
#include "services/product/product_rows.hpp"
#include "services/product/product_service.hpp"

#include <deque>
#include <unordered_set>

namespace stoa::products {

enum class import_status : std::uint8_t { queued, running, done, failed };
BOOST_DESCRIBE_ENUM(import_status, queued, running, done, failed)

struct import_report {
    std::string id;
    std::string file_hash;  // SHA-256 of the upload
    std::int64_t file_bytes = 0, read_bytes = 0;
    bool dry_run = false;
    import_status status{};
    std::int64_t rows = 0, created = 0, updated = 0, unchanged = 0, bad = 0;
    std::int64_t recounted = 0;                // rows whose stock changed something
    std::vector<std::string> unknown_columns;  // ignored
    std::vector<bad_row> errors;               // the first thousand; all of them are at …/errors
    std::optional<std::string> failure;
    timestamp created_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(import_report, (),
                      (id, file_hash, file_bytes, read_bytes, dry_run, status, rows, created,
                       updated, unchanged, bad, recounted, unknown_columns, errors, failure,
                       created_at, updated_at))

struct get_import_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_import_request, (), (id))

// Several problems a row are told one by one. Names without a sku get one made of the name.
std::variant<import_row, std::vector<bad_row>> read_import_row(const csv_header& header,
                                                               const csv_record& record,
                                                               std::int64_t row,
                                                               currency_code shop);

inline constexpr std::string_view imports_bucket = "imports";

class import_api {
 public:
    virtual ~import_api() = default;
    virtual task<result<import_report>> get_import(request_context, get_import_request) = 0;
};

// Thread rule: one loop; imports run one after another.
class catalogue_import final : public import_api, public row_importer {
 public:
    struct needs {
        sql& db;
        blob_store& blobs;
        product_service& products;
        clock& time;
        random_source& random;
        supervisor& background;
        currency_code shop_currency;
        std::string process;  // a name of this run of it
        int loop = 0;
        bool sole_process = true;  // imports of any other have nobody who goes on with them
    };
    explicit catalogue_import(needs ports)
        : ports_(std::move(ports)), owner_(ports_.process + ':' + std::to_string(ports_.loop)) {}

    // The upload lies at imports/<id>.csv. Returns at once; the rows are applied in the background.
    task<result<import_report>> start(std::string id, blob_info upload, bool dry_run);
    task<result<import_report>> get_import(request_context, get_import_request) override;
    // Waits for its end, at most until `deadline`.
    task<result<import_report>> wait(std::string id, instant deadline);
    // Goes on with what a process left that is gone: at once where there is only one, and half a
    // minute after its last word otherwise. Returns how many.
    task<result<int>> sweep();

    task<result<rows_report>> import_rows(rows_request) override;

    // The catalogue as CSV, a thousand products a call; `after` is the last id of the page before.
    struct export_page {
        std::string csv, last_id;
    };
    static std::string export_header();
    task<result<export_page>> export_rows(std::string after);

 private:
    struct progress;
    struct row_piece;
    class row_pieces;
    struct stored_piece;
    task<> run_queue();
    task<result<void>> run(import_report report);
    task<result<void>> read_rows(progress& at, blob_reader& file);
    task<result<void>> take_row(progress& at, const csv_row& row);
    task<result<void>> apply(progress& at);
    row_batch batch_of(std::vector<import_row> rows);
    task<result<stored_piece>> store_piece(std::string source, row_piece piece);
    task<result<void>> note(progress& at, std::vector<bad_row> bad);
    task<result<void>> claim(std::string id);
    task<result<void>> save(import_report& report);

    needs ports_;
    std::string owner_;
    std::deque<std::string> queue_;
    bool running_ = false;
};

}  // namespace stoa::products
