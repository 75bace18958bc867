// Named places where a test lets the process die: beside every step that is durable, so that each
// gap between two of them is tried (tests/e2e/test_crash_points.py). Builds for tests hold them;
// what is shipped and measured holds none.
//
// STOA_TEST_CRASH_AT=name:n kills the process, as kill -9 does, when it passes `name` for the n-th
// time. A name that is not in the table does not compile; the test fails for one that no run
// reaches.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#ifdef STOA_CRASH_POINTS
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstdlib>
#endif

namespace stoa {

// Each names what has just happened.
inline constexpr std::string_view crash_points[] = {
    // the embedded store
    "batch_ran",        // nothing of it is committed
    "batch_committed",  // nobody has been told
    "checkpoint_begins",
    "checkpoint_done",
    "migration_ran",
    "migration_committed",
    "tables_made",
    "topics_declared",
    // files
    "file_written",
    "file_synced",
    "file_named",
    "file_directory_synced",
    "keys_written",
    "keys_named",
    "mail_written",
    "mail_synced",
    // orders
    "order_written",
    "order_held",
    "order_settled",
    "order_key_taken_over",
    "order_changed",
    // stock
    "units_held",
    "stock_followed_order",
    "stock_moved",
    "import_queued",
    "import_batch_applied",
    "import_saved",
    "image_begun",
    "image_stored",
    "image_announced",
    "document_begun",
    "document_stored",
    "document_kept",
    "image_rendered",
    "image_shown",
    "drop_taken",
    "drop_uploaded",
    "drop_imported",
    "drop_picture_stored",
    "drop_picture_announced",
    "drop_finished",
    // payment
    "payment_key_begun",
    "payment_key_done",
    "payment_changed",
    "attempt_submitted",
    "intent_created",  // at the provider; the shop has not stored its id
    "intent_stored",
    "intent_confirmed",  // the money has moved; the shop has not recorded it
    "intent_cancelled",
    "intent_captured",  // inside the simulated provider, before it tells anybody
    "outcome_unknown",
    "payment_settled",
    "refund_owed",
    "refund_made",
    "refund_settled",
    // carts and mail
    "cart_line_changed",
    "cart_left",
    "notification_recorded",
    "notification_sent",  // the mail is out; the shop has not recorded it
    "notification_remembered",
    // events
    "events_applied",
    "offset_stored",
    // start and stop
    "index_filled",
    "consumers_started",
    "listening",
    "run_file_written",
    "drain_begun",
    "requests_finished",
    "background_stopped",
    "stores_closed",
};

class crash_name {
 public:
    consteval crash_name(const char* text) : text_(text) {
        if (std::ranges::find(crash_points, text_) == std::end(crash_points)) not_in_the_table();
    }
    std::string_view text() const { return text_; }

 private:
    static void not_in_the_table() {}  // not constant: the call ends the compilation
    std::string_view text_;
};

#ifdef STOA_CRASH_POINTS

// Thread rule: any thread.
inline void crash_point(crash_name here) {
    struct plan {
        std::string_view name;
        int hit = 1;
    };
    static const plan wanted = [] {
        const char* text = std::getenv("STOA_TEST_CRASH_AT");
        const std::string_view all(text ? text : "");
        const auto cut = std::min(all.find(':'), all.size());
        return plan{all.substr(0, cut), cut < all.size() ? std::atoi(text + cut + 1) : 1};
    }();
    static std::atomic<int> hits{0};
    if (here.text() == wanted.name && ++hits == wanted.hit) kill(getpid(), SIGKILL);
}

#else

constexpr void crash_point(crash_name) {}

#endif

// Those of this build: all, or none.
constexpr std::span<const std::string_view> crash_points_built_in() {
#ifdef STOA_CRASH_POINTS
    return crash_points;
#else
    return {};
#endif
}

}  // namespace stoa
