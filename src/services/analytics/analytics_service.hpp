// Analytics: reads the shop's events into windows and serves what they say. A replica reads its
// lane's partitions; the sources of all loops stand in one board, so that any of them can answer
// what is open anywhere in the process.
#pragma once

#include "base/context.hpp"
#include "runtime/supervisor.hpp"
#include "services/analytics/analytics_merge.hpp"
#include "services/analytics/analytics_remote.hpp"

namespace stoa::analytics {

// The public operations. Viewer counts of a product are public (R57), all else is the operator's.
class api {
 public:
    virtual ~api() = default;
    virtual task<result<product_windows>> get_product_windows(request_context, product_request) = 0;
    virtual task<result<order_windows>> list_order_windows(request_context, orders_request) = 0;
    virtual task<result<captured_windows>> list_captured_windows(request_context,
                                                                 windows_request) = 0;
    virtual task<result<payment_windows>> list_payment_windows(request_context,
                                                               payments_request) = 0;
    virtual task<result<funnel_windows>> list_funnel_windows(request_context, windows_request) = 0;
    virtual task<result<viewer_windows>> list_viewer_windows(request_context, windows_request) = 0;
    virtual task<result<top_windows>> list_top_products(request_context, windows_request) = 0;
    virtual task<result<source_reports>> list_sources(request_context, no_request) = 0;
};

// The process's sources. Thread rule: any thread.
class source_board {
 public:
    void add(std::shared_ptr<const source> one);
    std::vector<std::shared_ptr<const source>> all() const;

 private:
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const source>> all_;
};

struct analytics_settings {
    currency_code shop_currency;
    source_settings sources;
    int batch = 1'000;
    milliseconds merge_every{200};
    milliseconds first_wait{100}, longest_wait{10'000};
};

// A final window or an open one, as the live stream shows it.
struct live_message {
    std::string id;    // resumes behind it; empty: provisional
    std::string name;  // window, provisional
    std::string data;  // JSON
};

// Thread rule: one instance a loop. Background work runs on the supervisor, which is stopped before
// this dies.
class analytics_service final : public api {
 public:
    struct needs {
        key_value& items;
        event_log& log;
        blob_store& blobs;
        clock& time;
        random_source& random;
        metrics& measured;
        source_board& board;
        analytics_peers* peers = nullptr;  // null: no other process windows anything
    };
    analytics_service(needs ports, analytics_settings settings,
                      const definitions& all = definitions::built_in());

    task<result<product_windows>> get_product_windows(request_context, product_request) override;
    task<result<order_windows>> list_order_windows(request_context, orders_request) override;
    task<result<captured_windows>> list_captured_windows(request_context, windows_request) override;
    task<result<payment_windows>> list_payment_windows(request_context, payments_request) override;
    task<result<funnel_windows>> list_funnel_windows(request_context, windows_request) override;
    task<result<viewer_windows>> list_viewer_windows(request_context, windows_request) override;
    task<result<top_windows>> list_top_products(request_context, windows_request) override;
    task<result<source_reports>> list_sources(request_context, no_request) override;

    // Reads the lane's partitions for as long as the supervisor runs; lane 0 merges too.
    result<void> start(supervisor& on, lane share);
    // One batch of a partition: what start() does with each. For tests.
    task<result<void>> take(delivery_batch batch);
    task<result<int>> merge() { return merger_.round(); }

    // The live stream from behind an id (empty: from now on). `place` is where it stands, changed
    // by next_live(). `invalid` for an id that is none.
    struct place {
        std::vector<std::int64_t> offsets;         // of the results' partitions
        std::map<std::string, std::string> shown;  // what was last said of an open window
    };
    task<result<place>> live_from(std::string last_event_id);
    task<result<std::vector<live_message>>> next_live(place& at);

 private:
    task<> read(std::unique_ptr<subscription> from);
    task<> merge_rounds();
    source& source_of(const std::string& topic, int partition);
    template <class Window>
    task<result<std::vector<Window>>> windows(std::string_view pipeline, windows_request what);
    using windows_of = std::map<std::pair<std::int64_t, std::int64_t>, cell_table>;
    task<result<windows_of>> open_anywhere(const pipeline& of, std::optional<std::string> key);
    task<result<std::vector<row>>> open_rows(const pipeline& of);

    needs ports_;
    analytics_settings settings_;
    const definitions& all_;
    byte_store bytes_;
    merger merger_;
    std::map<std::pair<std::string, int>, std::shared_ptr<source>> sources_;
};

}  // namespace stoa::analytics
