// The services that other processes of the shop run, as this one asks them.
#pragma once

#include "apps/stoa/targets.hpp"
#include "ports/clock.hpp"
#include "runtime/trace.hpp"
#include "services/cart/cart_remote.hpp"
#include "services/notification/notification_remote.hpp"
#include "services/order/order_remote.hpp"
#include "services/payment/payment_remote.hpp"
#include "services/product/product_remote.hpp"
#include "services/user/user_remote.hpp"
#include "transport/grpc/grpc_channel.hpp"
#include "transport/http/client.hpp"
#include "transport/http/upstream.hpp"
#include "transport/rpc/http_edge.hpp"

#include <map>
#include <memory>

namespace stoa {

// The connections of a process. Thread rule: any thread.
class far_connections {
 public:
    // For every target that is not served here and has a place in the settings. Nothing is asked
    // of them yet.
    static result<std::unique_ptr<far_connections>> open(const settings& from,
                                                         const target_set& here,
                                                         const rpc::tls_identity& own);

    bool knows(target of) const { return known_.contains(of); }
    const std::vector<service_place>& places(target of) const { return known_.at(of).places; }
    const std::shared_ptr<rpc::grpc_connection>& connection(target of) const {
        return known_.at(of).by_grpc;
    }

 private:
    struct known {
        std::vector<service_place> places;
        std::shared_ptr<rpc::grpc_connection> by_grpc;
    };
    std::map<target, known> known_;
};

// What one loop asks elsewhere; null for what is served here. Thread rule: the loop's own.
struct far_services {
    struct needs {
        loop& on;
        clock& time;
        rpc::service_tokens& tokens;
        tracer* traces = nullptr;
        currency_code shop_currency;
        bool by_http = false;  // not gRPC
    };
    far_services(const far_connections& to, needs ports);

    std::unique_ptr<users::remote_directory> directory;
    std::unique_ptr<products::remote_stock> stock;
    std::unique_ptr<orders::remote_book> book;
    std::unique_ptr<payments::remote_till> till;
    std::unique_ptr<carts::remote_baskets> baskets;
    std::unique_ptr<notifications::remote_journal> journal;

    // Where the gateway passes requests on. Null for what is served here.
    http::upstream* passes_to(target of) const;

 private:
    http::async_client client_;
    std::map<target, std::unique_ptr<http::upstream>> upstreams_;
    std::map<target, std::unique_ptr<remote_service>> channels_;
};

}  // namespace stoa
