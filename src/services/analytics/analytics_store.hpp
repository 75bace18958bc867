// Where windows and states are. Results are puts keyed by their window: twice is once.
#pragma once

#include "ports/blob.hpp"
#include "ports/clock.hpp"
#include "ports/key_value.hpp"
#include "services/analytics/analytics.hpp"
#include "services/analytics/engine.hpp"

#include <span>

namespace stoa::analytics {

// R103: what viewers looked at.
inline constexpr kv_table product_windows_table{
    .name = "ecommerce-analytics", .hash = "product_id", .range = "window_start"};
// All other pipelines: `series` is the pipeline, `window` its start with the row's key behind it.
inline constexpr kv_table windows_table{
    .name = "ecommerce-analytics-windows", .hash = "series", .range = "window"};
// `source/<topic>/<partition>` and `merge/<pipeline>` with part `pointer`; shares of windows that
// wait for other partitions under `share/<pipeline>`.
inline constexpr kv_table state_table{
    .name = "ecommerce-analytics-state", .hash = "id", .range = "part"};

// Objects (R109, R113): analytics/<overall|by_status|by_user>/<window start>.json.
inline constexpr std::string_view results_bucket = "ecommerce-analytics-results";
inline constexpr std::string_view state_bucket = "ecommerce-analytics-state";

// Whether the pipeline's rows are in product_windows_table.
bool is_by_product(const pipeline& of);
item item_of(const row& of);
// A row as its topics and objects show it.
std::string json_of(const row& of);
// As one event: the same row has the same id, whoever writes it.
event event_of(const row& of);
// The rows of a window as its object holds them: a line of JSON each, which is how BigQuery, Spark
// and DuckDB read JSON.
std::string object_of(std::span<const row> rows);
// The folder-safe name of a window's object.
std::string object_key(const pipeline& of, std::int64_t start_ms);

// Bytes inside an item while they are few, else in a blob that the item names.
class byte_store {
 public:
    byte_store(blob_store& blobs, random_source& random) : blobs_(blobs), random_(random) {}
    // Sets `bytes` or `blob` of the item; the blob is durable then.
    task<result<void>> put(item& to, std::string name, std::string bytes);
    task<result<std::string>> get(const item& from);
    // Of an item that is gone. What cannot be erased is only space.
    task<> forget(item from);

 private:
    blob_store& blobs_;
    random_source& random_;
};

struct window_range {
    std::optional<timestamp> from, until;
    int limit = 60;
};
// The newest rows first.
task<result<std::vector<item>>> closed_windows(key_value& items, std::string series,
                                               window_range which);

}  // namespace stoa::analytics
