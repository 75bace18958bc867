#include "services/analytics/analytics_operations.hpp"

namespace stoa::analytics {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::get_product_windows>(get, "/api/v1/analytics", "GetAnalytics")
        .also_at("/analytics")
        .allows(anyone)
        .says("How many people looked at a product, by the minute: the latest ten windows, newest "
              "first; `live=true` adds those that are open."),
    serve<&api::get_product_windows>(get, "/api/v1/analytics/products/{product_id}",
                                     "GetProductAnalytics")
        .allows(anyone)
        .says("How many people looked at a product, by the minute, newest first."),
    serve<&api::list_order_windows>(get, "/api/v1/analytics/orders", "ListOrderAnalytics")
        .allows(operators)
        .says("Orders placed and their revenue per minute, hour or day, a row a currency, newest "
              "first; `live=true` adds the windows that are open."),
    serve<&api::list_captured_windows>(get, "/api/v1/analytics/captured", "ListCapturedAnalytics")
        .allows(operators)
        .says("Money captured less money given back, per minute, as the payments' ledger has it."),
    serve<&api::list_payment_windows>(get, "/api/v1/analytics/payments", "ListPaymentAnalytics")
        .allows(operators)
        .says("Payments per minute: overall, by status or by user."),
    serve<&api::list_funnel_windows>(get, "/api/v1/analytics/funnel", "ListFunnelAnalytics")
        .allows(operators)
        .says("People who looked, filled a cart, ordered and paid, per hour."),
    serve<&api::list_viewer_windows>(get, "/api/v1/analytics/viewers", "ListViewerAnalytics")
        .allows(operators)
        .says("People who looked at any product, per minute, newest first; `live=true` adds the "
              "windows that are open."),
    serve<&api::list_top_products>(get, "/api/v1/analytics/top-products", "ListTopProducts")
        .allows(operators)
        .says("The products with most events in an hour, every five minutes; the newest unless "
              "`limit` says more."),
    serve<&api::list_sources>(get, "/api/v1/analytics/sources", "ListAnalyticsSources")
        .allows(operators)
        .says("How far each partition's windows are, and how many events came late or could not "
              "be read."),
};

}  // namespace

service operations_of(api& implementation) { return {"analytics", table, &implementation}; }
service operations_elsewhere() { return {"analytics", table, nullptr}; }

}  // namespace stoa::analytics
