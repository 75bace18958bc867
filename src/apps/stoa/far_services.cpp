#include "apps/stoa/far_services.hpp"

namespace stoa {
namespace {

constexpr std::int64_t largest_answer_bytes = std::int64_t{64} << 20;  // of what does not stream
constexpr int calls_at_once = 2'000;                                   // as a router takes

}  // namespace

result<std::unique_ptr<far_connections>> far_connections::open(const settings& from,
                                                               const target_set& here,
                                                               const rpc::tls_identity& own) {
    auto out = std::make_unique<far_connections>();
    if (here.whole()) return out;
    for (const auto& each : all_targets()) {
        if (here.has(each.is) || each.host_setting.empty()) continue;
        STOA_TRY(auto places, places_of(from, each.is));
        if (places.empty()) continue;
        std::string addresses;
        for (const auto& place : places) addresses += (addresses.empty() ? "" : ",") + place.grpc;
        STOA_TRY(auto connection, rpc::grpc_connection::open({std::move(addresses), own}));
        out->known_.emplace(each.is, known{std::move(places), std::move(connection)});
    }
    return out;
}

far_services::far_services(const far_connections& to, needs ports)
    : client_(ports.on, http::client_settings{.answer_limit_bytes = largest_answer_bytes,
                                              .connections_per_origin = calls_at_once,
                                              .idle_per_origin = 64}) {
    for (const auto& each : all_targets()) {
        if (!to.knows(each.is)) continue;
        std::vector<std::string> addresses;
        for (const auto& place : to.places(each.is)) addresses.push_back(place.http);
        upstreams_.emplace(each.is,
                           std::make_unique<http::upstream>(
                               std::string(each.name), std::move(addresses),
                               http::upstream::needs{ports.on, client_, ports.time, ports.tokens}));
    }
    const auto channel = [&](target of) -> remote_service& {
        auto& made = channels_[of];
        const auto* const full = facts_of(of).grpc_service;
        if (ports.by_http)
            made = std::make_unique<rpc::http_channel>(
                *upstreams_.at(of), std::string(rpc::short_name(full)), ports.shop_currency);
        else
            made = std::make_unique<rpc::grpc_channel>(
                to.connection(of), full,
                rpc::grpc_channel::needs{ports.time, ports.tokens, ports.traces},
                ports.shop_currency);
        return *made;
    };
    if (to.knows(target::user))
        directory = std::make_unique<users::remote_directory>(
            users::remote_directory::needs{channel(target::user), ports.time});
    if (to.knows(target::product))
        stock = std::make_unique<products::remote_stock>(channel(target::product));
    if (to.knows(target::order))
        book = std::make_unique<orders::remote_book>(channel(target::order));
    if (to.knows(target::payment))
        till = std::make_unique<payments::remote_till>(channel(target::payment));
    if (to.knows(target::cart))
        baskets = std::make_unique<carts::remote_baskets>(channel(target::cart));
    if (to.knows(target::notification))
        journal = std::make_unique<notifications::remote_journal>(channel(target::notification));
}

http::upstream* far_services::passes_to(target of) const {
    const auto found = upstreams_.find(of);
    return found == upstreams_.end() ? nullptr : found->second.get();
}

}  // namespace stoa
