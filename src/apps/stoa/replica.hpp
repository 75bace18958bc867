// The services of one loop: those that this process serves, made here, and its ways to the others.
#pragma once

#include "apps/stoa/far_services.hpp"
#include "apps/stoa/folder_watch.hpp"
#include "apps/stoa/targets.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "ports/blob_objects.hpp"
#include "ports/event_marks.hpp"
#include "ports/idempotency.hpp"
#include "ports/image.hpp"
#include "ports/notifier.hpp"
#include "ports/payment_provider.hpp"
#include "ports/security.hpp"
#include "services/activity/activity_operations.hpp"
#include "services/analytics/analytics_operations.hpp"
#include "services/cart/cart_operations.hpp"
#include "services/gateway/gateway_operations.hpp"
#include "services/notification/notification_operations.hpp"
#include "services/order/order_operations.hpp"
#include "services/payment/payment_operations.hpp"
#include "services/product/catalogue_import.hpp"
#include "services/product/image_resize_function.hpp"
#include "services/product/product_import_function.hpp"
#include "services/product/product_operations.hpp"
#include "services/user/user_operations.hpp"
#include "transport/grpc/grpc_server.hpp"

#include <memory>
#include <vector>

namespace stoa {

// What the loops of a process share. It outlives them.
struct shared_by_loops {
    const settings& from;
    const target_set& targets;
    const std::string& epoch;  // of this process
    clock& time;
    random_source& random;
    metrics& measured;
    products::catalogue_index& index;
    products::change_board& board;
    engines& stores;
    token_authority& tokens;
    password_hasher& passwords;
    payment_provider* provider = nullptr;  // null: payments are served elsewhere
    notifier* outside = nullptr;           // null: notifications are
    const far_connections& far;
    rpc::service_tokens& service_tokens;
    tracer* traces = nullptr;      // null: off
    mark_writer* marks = nullptr;  // null: nobody windows viewers' events
    picture_renderer* pictures = nullptr;
    blocking_pool* files = nullptr;
};

// Thread rule: its loop's own, but for wiring, which is over before the loop runs.
class replica {
 public:
    // Errors are for the user: a setting that does not fit.
    static result<std::unique_ptr<replica>> make(loop& on, lane share, const shared_by_loops& with);

    supervisor background;
    const lane share;

    // Served here, or null.
    std::unique_ptr<users::user_service> users;
    std::unique_ptr<products::product_service> products;
    std::unique_ptr<products::catalogue_import> imports;
    // Of the embedded shop, which is its own functions' host.
    std::unique_ptr<products::image_resize_function> resizing;
    std::unique_ptr<folder_watch> folder;  // null: the shop has none
    std::unique_ptr<orders::order_service> orders;
    std::unique_ptr<payments::payment_service> payments;
    std::unique_ptr<carts::cart_service> carts;
    std::unique_ptr<notifications::notification_service> notifications;
    std::unique_ptr<activities::activity_service> activities;
    std::unique_ptr<gateway::gateway_service> gateway;

    // Who every credential is known to: the service here, or the one elsewhere.
    users::directory& directory() const { return *directory_; }
    // Where the requests of a service go that is not served here.
    http::upstream* passes_to(target of) const { return far_.passes_to(of); }

    // The public operations of what is served here, and where each target's rpcs are found.
    std::vector<service> operations() const;
    std::vector<event_consumer> consumers() const;
    std::vector<rpc::grpc_service> rpcs_of(target of);
    // The rounds that every loop takes its share of; the first loop takes those of the process,
    // too.
    void start_sweepers(clock& time);

 private:
    replica(loop& on, lane share_, const shared_by_loops& with);
    result<void> make_services();
    void make_followers();
    void make_gateway();

    shared_by_loops with_;
    far_services far_;
    std::unique_ptr<idempotency_keys> keys_;
    std::unique_ptr<blob_objects> objects_, dropped_;
    std::unique_ptr<products::product_import_function> importing_;
    std::unique_ptr<log_publisher> published_;
    users::directory* directory_ = nullptr;
    products::stock_keeper* stock_ = nullptr;
    orders::book* book_ = nullptr;
    payments::till* till_ = nullptr;
    carts::baskets* baskets_ = nullptr;
    notifications::journal* journal_ = nullptr;
    std::unique_ptr<users::user_rpcs> user_rpcs_;
    std::unique_ptr<products::product_rpcs> product_rpcs_;
    std::unique_ptr<orders::order_rpcs> order_rpcs_;
    std::unique_ptr<carts::cart_rpcs> cart_rpcs_;
};

// The public operations of a target that is served elsewhere.
service operations_elsewhere(target of);

}  // namespace stoa
