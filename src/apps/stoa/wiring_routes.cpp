// What a shop answers: customers at its open routes, whoever runs it at the admin ones.
#include "apps/stoa/backup_pages.hpp"
#include "apps/stoa/document_pages.hpp"
#include "apps/stoa/log_pages.hpp"
#include "apps/stoa/picture_pages.hpp"
#include "apps/stoa/story_page.hpp"
#include "apps/stoa/transfer_pages.hpp"
#include "apps/stoa/upkeep_pages.hpp"
#include "apps/stoa/web_pages.hpp"
#include "apps/stoa/wiring_parts.hpp"
#include "services/user/user_events.hpp"
#include "transport/openapi/openapi.hpp"

namespace stoa {
namespace {

// Who asks for a new password proves that by the token in the event: no operator may read it.
std::vector<std::string> topics_to_show(const settings& from) {
    std::vector<std::string> out;
    for (const auto& each : shop_topics(from))
        if (each.name != users::topic::notifications) out.emplace_back(each.name);
    return out;
}

}  // namespace

result<void> shop::parts::make_routes(replica& one) {
    http::router_needs ports{time, random, measured, limiter, [this, &one](std::string credential) {
                                 return authenticate(one, std::move(credential));
                             }};
    ports.traces = traces ? &traces->spans() : nullptr;
    ports.is_service = [this](std::string_view token) { return service_tokens->is_service(token); };
    http::router_settings bounds{
        .deadline = seconds(from.number("request_seconds")),
        .per_principal = {static_cast<double>(from.number("rate_principal_burst")),
                          static_cast<double>(from.number("rate_principal_per_second"))},
        .per_address_login = {static_cast<double>(from.number("rate_login_burst")),
                              static_cast<double>(from.number("rate_login_per_second"))},
        .log = from.text("access_log") == "all"   ? http::access_log::all
               : from.text("access_log") == "off" ? http::access_log::off
                                                  : http::access_log::changes,
        .cors_origins = from.list("cors_origins"),
        .shop_currency = from.currency("currency")};
    loop_routes made{.open = std::make_unique<http::router>(ports, bounds)};
    STOA_TRY_VOID(add_open_routes(*made.open, one));

    bounds.log = http::access_log::off;
    bounds.cors_origins.clear();
    ports.traces = nullptr;  // a scrape every few seconds is no request of a customer's
    made.admin = std::make_unique<http::router>(ports, bounds);
    STOA_TRY_VOID(add_admin_routes(*made.admin, one));
    routes.push_back(std::move(made));
    return {};
}

result<void> shop::parts::add_open_routes(http::router& to, replica& one) {
    for (const auto& each : one.operations()) STOA_TRY_VOID(to.add(each));
    for (const auto& each : analytics->operations(one.share.index)) STOA_TRY_VOID(to.add(each));
    for (auto& page : analytics->pages(one.share.index)) STOA_TRY_VOID(to.add(std::move(page)));
    if (one.imports)
        for (auto& page :
             transfer_pages(transfer_needs{*one.imports, stores->blobs(), time, random}))
            STOA_TRY_VOID(to.add(std::move(page)));
    if (one.products)
        for (auto& page : picture_pages(picture_needs{*one.products, stores->blobs()}))
            STOA_TRY_VOID(to.add(std::move(page)));
    if (one.products)
        for (auto& page : document_pages(document_needs{*one.products, stores->blobs()}))
            STOA_TRY_VOID(to.add(std::move(page)));
    if (targets.whole())
        STOA_TRY_VOID(to.add(
            audit_page([this] { return offload(*tools, [this] { return audit_now({}); }); })));
    if (one.notifications)
        STOA_TRY_VOID(to.add(invoice_page([&one](request_context context, std::string order_id) {
            return one.notifications->invoice(std::move(context), std::move(order_id));
        })));
    if (one.orders) {
        STOA_TRY_VOID(to.add(story_page({.orders = one.orders.get(),
                                         .log = &stores->log(),
                                         .time = &time,
                                         .traces = traces ? &traces->spans() : nullptr})));
        for (auto& page : log_pages({&stores->log(), topics_to_show(from)}))
            STOA_TRY_VOID(to.add(std::move(page)));
    }
    if (one.payments) STOA_TRY_VOID(to.add(stripe_webhook_page(from, time, one.payments.get())));
    if (one.gateway) STOA_TRY_VOID(add_routes_elsewhere(to, one));
    auto asked = analytics->asked_by_peers(one.share.index);
    if (!targets.whole() && (from.text("edges") == "http" || !asked.empty())) {
        for (const auto& each : all_targets())
            if (targets.has(each.is) && from.text("edges") == "http")
                for (auto& here : one.rpcs_of(each.is))
                    asked.push_back(
                        {std::string(rpc::short_name(here.name)), std::move(here.tables)});
        STOA_TRY_VOID(
            to.add(rpc::rpc_route(std::move(asked), *service_tokens, from.currency("currency"))));
    }
    const auto others = one.gateway ? parts_elsewhere(one) : std::vector<part_elsewhere>();
    STOA_TRY_VOID(to.add(readiness_page([this] { return readiness(); }, others)));
    if (!one.consumers().empty() || !others.empty())
        for (auto& page :
             dead_letter_pages(one.consumers().empty() ? nullptr : redriver(one), others))
            STOA_TRY_VOID(to.add(std::move(page)));
    if (one.gateway) STOA_TRY_VOID(mount_web(to));
    for (auto& page : public_pages({.jwks = [this] { return tokens->jwks(); }}))
        STOA_TRY_VOID(to.add(std::move(page)));
    return openapi::mount_documents(to, {.title = from.text("shop_name"), .version = STOA_VERSION});
}

std::function<task<result<redrive_report>>(redrive_request)> shop::parts::redriver(replica& one) {
    return [this, &one](redrive_request wanted) {
        return stoa::redrive({stores->log(), stores->dead_letters(), one.consumers()},
                             std::move(wanted));
    };
}

std::vector<part_elsewhere> shop::parts::parts_elsewhere(const replica& one) const {
    std::vector<part_elsewhere> out;
    for (const auto& each : all_targets())
        if (auto* const there = targets.has(each.is) ? nullptr : one.passes_to(each.is))
            out.push_back({std::string(each.name), there});
    return out;
}

// A gateway's: what other processes answer.
result<void> shop::parts::add_routes_elsewhere(http::router& to, const replica& one) {
    for (const auto& each : all_targets()) {
        auto* const there = targets.has(each.is) ? nullptr : one.passes_to(each.is);
        if (!there) continue;
        STOA_TRY_VOID(to.add_elsewhere(operations_elsewhere(each.is), *there));
        if (each.is == target::product) {
            for (auto& page : transfer_pages({}))
                STOA_TRY_VOID(to.add(http::passed_on(std::move(page), *there)));
            for (auto& page : picture_pages({}))
                STOA_TRY_VOID(to.add(http::passed_on(std::move(page), *there)));
            for (auto& page : document_pages({}))
                STOA_TRY_VOID(to.add(http::passed_on(std::move(page), *there)));
        }
        if (each.is == target::order) {
            STOA_TRY_VOID(to.add(http::passed_on(story_page({}), *there)));
            for (auto& page : log_pages({}))
                STOA_TRY_VOID(to.add(http::passed_on(std::move(page), *there)));
        }
        if (each.is == target::notification)
            STOA_TRY_VOID(to.add(http::passed_on(invoice_page({}), *there)));
        if (each.is == target::payment)
            STOA_TRY_VOID(
                to.add(http::passed_on(stripe_webhook_page(from, time, nullptr), *there)));
        if (each.is == target::analytics)
            STOA_TRY_VOID(to.add(http::passed_on(live_page(nullptr, nullptr, {}), *there)));
    }
    return {};
}

result<void> shop::parts::add_admin_routes(http::router& to, replica& one) {
    for (auto& page : admin_pages({.metrics = [this] { return measured.text(); },
                                   .ready = [this] { return readiness(); }}))
        STOA_TRY_VOID(to.add(std::move(page)));
    if (!one.consumers().empty()) STOA_TRY_VOID(to.add(redrive_page(redriver(one))));
    for (auto& page : analytics->local_pages()) STOA_TRY_VOID(to.add(std::move(page)));
    if (!targets.whole()) return {};
    for (auto& page : local_pages(
             {*tools, time, [this](const audit_progress& told) { return audit_now(told); },
              [this] { return backup_now({}); },
              [this, &one](std::string email) { return make_operator(one, std::move(email)); }}))
        STOA_TRY_VOID(to.add(std::move(page)));
    return {};
}

std::vector<dependency> shop::parts::readiness() const {
    std::vector<dependency> out;
    for (auto& each : stores->states())
        out.push_back({std::move(each.name), each.ready, std::move(each.why_not)});
    out.push_back({"startup", ready, "starting or draining"});
    return out;
}

}  // namespace stoa
