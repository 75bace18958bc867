// What analytics tells: windows and what was counted in them. Times of windows are RFC 3339 UTC.
#pragma once

#include "base/described.hpp"

namespace stoa::analytics {

// P1 (R57, R103).
struct product_window {
    timestamp window_start, window_end;
    std::int64_t unique_user_count = 0;
    std::optional<bool> provisional;  // true: still open
};
BOOST_DESCRIBE_STRUCT(product_window, (),
                      (window_start, window_end, unique_user_count, provisional))
struct product_windows {
    std::string product_id;
    std::vector<product_window> windows;  // newest first
};
BOOST_DESCRIBE_STRUCT(product_windows, (), (product_id, windows))

// P2 (R127), a row a currency.
struct order_window {
    timestamp window_start, window_end;
    currency_code currency;
    std::int64_t order_count = 0;
    money total_revenue;
    std::int64_t total_items = 0, unique_users = 0;
    money average_order_value;
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(order_window, (),
                      (window_start, window_end, currency, order_count, total_revenue, total_items,
                       unique_users, average_order_value, provisional))
struct order_windows {
    std::vector<order_window> windows;
};
BOOST_DESCRIBE_STRUCT(order_windows, (), (windows))

struct captured_window {
    timestamp window_start, window_end;
    currency_code currency;
    std::int64_t captures = 0;
    money captured, refunded, captured_revenue;
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(captured_window, (),
                      (window_start, window_end, currency, captures, captured, refunded,
                       captured_revenue, provisional))
struct captured_windows {
    std::vector<captured_window> windows;
};
BOOST_DESCRIBE_STRUCT(captured_windows, (), (windows))

// P3 (R129): overall, or of a status, or of a user.
struct payment_window {
    timestamp window_start, window_end;
    currency_code currency;
    std::optional<std::string> status, user_id;
    std::int64_t payment_count = 0;
    money total_amount;
    std::optional<std::int64_t> unique_users;
    std::optional<money> average_amount;
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(payment_window, (),
                      (window_start, window_end, currency, status, user_id, payment_count,
                       total_amount, unique_users, average_amount, provisional))
struct payment_windows {
    std::vector<payment_window> windows;
};
BOOST_DESCRIBE_STRUCT(payment_windows, (), (windows))

struct funnel_window {
    timestamp window_start, window_end;
    std::int64_t viewed = 0, added_to_cart = 0, ordered = 0, paid = 0;  // people
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(funnel_window, (),
                      (window_start, window_end, viewed, added_to_cart, ordered, paid, provisional))
struct funnel_windows {
    std::vector<funnel_window> windows;
};
BOOST_DESCRIBE_STRUCT(funnel_windows, (), (windows))

struct viewer_window {
    timestamp window_start, window_end;
    std::int64_t viewers = 0;  // people
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(viewer_window, (), (window_start, window_end, viewers, provisional))
struct viewer_windows {
    std::vector<viewer_window> windows;
};
BOOST_DESCRIBE_STRUCT(viewer_windows, (), (windows))

struct top_entry {
    std::string id;
    std::int64_t events = 0;
};
BOOST_DESCRIBE_STRUCT(top_entry, (), (id, events))
struct top_window {
    timestamp window_start, window_end;
    std::vector<top_entry> products;  // most events first
    std::optional<bool> provisional;
};
BOOST_DESCRIBE_STRUCT(top_window, (), (window_start, window_end, products, provisional))
struct top_windows {
    std::vector<top_window> windows;
};
BOOST_DESCRIBE_STRUCT(top_windows, (), (windows))

// How far a partition's windows are, and what did not fit into any.
struct source_report {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t next_offset = 0;
    std::optional<timestamp> mark;  // time has come so far
    std::int64_t events = 0, late = 0, bad = 0;
};
BOOST_DESCRIBE_STRUCT(source_report, (), (topic, partition, next_offset, mark, events, late, bad))
struct source_reports {
    std::vector<source_report> sources;
};
BOOST_DESCRIBE_STRUCT(source_reports, (), (sources))

// Requests.
struct product_request {
    std::string product_id;
    std::optional<std::int32_t> limit;  // 10
    std::optional<bool> live;           // with the window that is open now
};
BOOST_DESCRIBE_STRUCT(product_request, (), (product_id, limit, live))

enum class period : std::uint8_t { minute, hour, day };
BOOST_DESCRIBE_ENUM(period, minute, hour, day)
struct windows_request {
    std::optional<timestamp> from, until;  // of the windows' starts; until is not included
    std::optional<std::int32_t> limit;     // 60
    std::optional<bool> live;
};
BOOST_DESCRIBE_STRUCT(windows_request, (), (from, until, limit, live))
struct orders_request : windows_request {
    std::optional<period> per;  // minute
};
BOOST_DESCRIBE_STRUCT(orders_request, (windows_request), (per))
enum class payments_by : std::uint8_t { overall, status, user };
BOOST_DESCRIBE_ENUM(payments_by, overall, status, user)
struct payments_request : windows_request {
    std::optional<payments_by> by;  // overall
};
BOOST_DESCRIBE_STRUCT(payments_request, (windows_request), (by))

struct no_request {};
BOOST_DESCRIBE_STRUCT(no_request, (), ())

inline constexpr int most_windows = 1'440;  // in one answer: a day of minutes

}  // namespace stoa::analytics

template <>
inline constexpr auto stoa::rules_of<stoa::analytics::product_request> =
    std::to_array<stoa::rule>({stoa::range("product_id", 1, 256), stoa::range("limit", 1, 100)});
template <>
inline constexpr auto stoa::rules_of<stoa::analytics::windows_request> =
    std::to_array<stoa::rule>({stoa::range("limit", 1, stoa::analytics::most_windows)});
template <>
inline constexpr auto stoa::rules_of<stoa::analytics::orders_request> =
    std::to_array<stoa::rule>({stoa::range("limit", 1, stoa::analytics::most_windows)});
template <>
inline constexpr auto stoa::rules_of<stoa::analytics::payments_request> =
    std::to_array<stoa::rule>({stoa::range("limit", 1, stoa::analytics::most_windows)});
