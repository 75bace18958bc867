// The function product_import: a CSV that appears in a bucket becomes products of the shop. It
// streams the object in ranges, sends its rows a batch at a time, and keeps beside it, as
// <key>.report.json, how far it is and which rows are bad. Called again for the same version, it
// goes on from there; what it sends twice has the effect of once (product_rows.hpp).
#pragma once

#include "base/csv.hpp"
#include "ports/function.hpp"
#include "ports/objects.hpp"
#include "runtime/metrics.hpp"
#include "services/product/product_rows.hpp"

#include <functional>

namespace stoa::products {

enum class file_import_status : std::uint8_t {
    running,  // the next call goes on at next_byte
    done,
    failed,  // no row can be read: `failure` says why
};
BOOST_DESCRIBE_ENUM(file_import_status, running, done, failed)

// What lies beside the object.
struct file_report {
    std::string source;  // names this version of this object, and how it is cut
    std::string bucket, key, version, etag, sequencer;
    std::int64_t size_bytes = 0;
    file_import_status status{};
    std::int64_t next_byte = 0, next_row = 1, next_line = 1;  // of the file
    std::int64_t rows = 0, created = 0, updated = 0, unchanged = 0, recounted = 0, bad = 0;
    std::vector<bad_row> errors;  // the first thousand
    std::optional<std::string> failure;
    timestamp started_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(file_report, (),
                      (source, bucket, key, version, etag, sequencer, size_bytes, status, next_byte,
                       next_row, next_line, rows, created, updated, unchanged, recounted, bad,
                       errors, failure, started_at, updated_at))

inline std::string report_key(std::string_view key) { return std::string(key) + ".report.json"; }

struct product_import_settings {
    std::size_t range_bytes = 4 << 20;  // of one read; at least 2
    std::int64_t batch_rows = 8 * rows_a_transaction;
    std::size_t batch_bytes = 4 << 20;
    // What is left then is the next call's; of a short call a third.
    milliseconds before_deadline{10'000};
    milliseconds save_every{15'000};
    milliseconds first_retry{200}, longest_retry{5'000};
};

inline constexpr std::string_view import_unfinished = "import_unfinished";

// Thread rule: one loop, one call at a time.
class product_import_function final : public functions::function {
 public:
    struct needs {
        object_store& objects;
        row_importer& shop;
        clock& time;
        random_source& random;
        metrics& measured;
        // SHA-256 in hexadecimal: names of sources.
        std::function<std::string(std::string_view)> digest;
    };
    product_import_function(needs ports, product_import_settings settings = {});

    // An object whose key does not end in .csv, one that is gone, and a version that a newer one
    // has replaced are done. A record fails with code import_unfinished where the deadline was
    // near: the next call goes on.
    task<result<functions::outcome>> handle(functions::trigger what,
                                            functions::invocation call) override;

 private:
    struct reading;
    task<result<void>> import(functions::object_created object, instant deadline);
    task<result<std::optional<file_report>>> begin(const functions::object_created& object);
    task<result<std::optional<file_report>>> report_of(std::string bucket, std::string key);
    task<result<bool>> is_newest(const file_report& report);
    task<result<void>> read_header(reading& at);
    static void begin_rows(reading& at, std::string& chunk);
    task<result<void>> read_rows(reading& at);
    task<result<std::string>> next_range(reading& at);
    task<result<void>> take(reading& at, const csv_row& row);
    task<result<void>> send(reading& at);
    task<result<void>> save(reading& at);
    task<result<void>> give_up(reading& at, error why);
    bool is_near(const reading& at) const;

    needs ports_;
    product_import_settings settings_;
    metric_counter rows_, bad_rows_, files_, bytes_;
};

}  // namespace stoa::products
