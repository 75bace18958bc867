#include "apps/stoa/replica.hpp"

#include "adapters/aws/digests.hpp"
#include "transport/events/sweepers.hpp"

namespace stoa {

replica::replica(loop& on, lane share_, const shared_by_loops& with)
    : background(on),
      share(share_),
      with_(with),
      far_(with.far, {on, with.time, with.service_tokens, with.traces,
                      with.from.currency("currency"), with.from.text("edges") == "http"}) {
    directory_ = far_.directory.get();
    stock_ = far_.stock.get();
    book_ = far_.book.get();
    till_ = far_.till.get();
    baskets_ = far_.baskets.get();
    journal_ = far_.journal.get();
}

result<std::unique_ptr<replica>> replica::make(loop& on, lane share, const shared_by_loops& with) {
    std::unique_ptr<replica> out(new replica(on, share, with));
    STOA_TRY_VOID(out->make_services());
    out->make_followers();
    if (with.targets.has(target::gateway)) out->make_gateway();
    return out;
}

// In the order in which they need each other; those that know each other meet at the end.
result<void> replica::make_services() {
    const auto& w = with_;
    const auto serves = [&](target one) { return w.targets.has(one); };
    const auto currency = w.from.currency("currency");
    if (serves(target::order) || serves(target::payment) || serves(target::cart))
        keys_ = std::make_unique<idempotency_keys>(w.stores.items(), w.time, w.epoch,
                                                   w.stores.sole_process());
    if (serves(target::user)) {
        users = std::make_unique<users::user_service>(
            users::user_service::needs{w.stores.database(), w.stores.items(), w.passwords, w.tokens,
                                       w.time, w.random},
            users::user_settings{});
        directory_ = users.get();
    }
    if (serves(target::product)) {
        products = std::make_unique<products::product_service>(
            products::product_service::needs{w.stores.database(), w.index, w.board, w.time,
                                             w.random, nullptr, &w.stores.blobs(),
                                             w.stores.sole_process()},
            products::product_settings{.shop_currency = currency,
                                       .remembered_for = seconds(w.stores.sole_process() ? 0 : 2)});
        stock_ = products.get();
        if (w.stores.sole_process()) {
            objects_ = std::make_unique<blob_objects>(w.stores.blobs());
            published_ = std::make_unique<log_publisher>(w.stores.log());
            resizing = std::make_unique<products::image_resize_function>(
                products::image_resize_function::needs{*objects_, *w.pictures, *published_, w.time,
                                                       w.random, w.measured});
        }
        imports = std::make_unique<products::catalogue_import>(products::catalogue_import::needs{
            w.stores.database(), w.stores.blobs(), *products, w.time, w.random, background,
            currency, w.epoch, share.index, w.stores.sole_process()});
    }
    if (share.index == 0 && serves(target::product) && w.from.given("import_folder")) {
        if (!w.stores.sole_process())
            return fail(errc::invalid, "not_embedded",
                        "import_folder is for a shop on its own; where a bucket is the folder, the "
                        "function product-import does this");
        STOA_TRY(auto at, drop_folder::open(w.from.text("import_folder")));
        dropped_ = std::make_unique<blob_objects>(w.stores.blobs());
        importing_ = std::make_unique<products::product_import_function>(
            products::product_import_function::needs{
                *dropped_, *imports, w.time, w.random, w.measured,
                [](std::string_view text) { return aws::hex(aws::sha256(text)); }});
        folder = std::make_unique<folder_watch>(
            std::move(at), folder_watch::needs{*products, *importing_, w.stores.blobs(),
                                               w.stores.log(), w.time, w.random, *w.files});
    }
    if (serves(target::order)) {
        orders = std::make_unique<orders::order_service>(
            orders::order_service::needs{.items = w.stores.items(),
                                         .users = *directory_,
                                         .products = *stock_,
                                         .time = w.time,
                                         .random = w.random,
                                         .keys = *keys_,
                                         .measured = w.measured},
            orders::order_settings{.pending_for = minutes(w.from.number("pending_minutes")),
                                   .payment_for = minutes(w.from.number("payment_minutes")),
                                   .shop_currency = currency});
        book_ = orders.get();
    }
    if (serves(target::payment)) {
        std::optional<std::int64_t> review;
        if (w.from.given("payment_review_above")) {
            review = read_minor(w.from.text("payment_review_above"), currency);
            if (!review)
                return fail(errc::invalid, "bad_setting",
                            "`payment_review_above` must be an amount, as 10000.00");
        }
        payments = std::make_unique<payments::payment_service>(
            payments::payment_service::needs{w.stores.items(), *book_, *w.provider, w.time,
                                             w.random, *keys_, background, w.measured, w.epoch},
            payments::payment_settings{.review_above_minor = review});
        till_ = payments.get();
    }
    if (orders) orders->use(*till_);
    if (products) products->use(*book_);
    return {};
}

// The services that follow orders, and what users set off in others.
void replica::make_followers() {
    const auto& w = with_;
    const auto serves = [&](target one) { return w.targets.has(one); };
    if (serves(target::cart)) {
        carts = std::make_unique<carts::cart_service>(
            carts::cart_service::needs{w.stores.items(), *stock_, *book_, w.time, *keys_},
            carts::cart_settings{.kept = hours(24 * w.from.number("cart_days")),
                                 .shop_currency = w.from.currency("currency")});
        baskets_ = carts.get();
    }
    if (serves(target::notification)) {
        notifications = std::make_unique<notifications::notification_service>(
            notifications::notification_service::needs{w.stores.items(), *directory_, *book_,
                                                       *w.outside, w.stores.blobs(), w.time,
                                                       w.random, background, w.measured},
            notifications::notification_settings{.shop_name = w.from.text("shop_name"),
                                                 .reset_url = w.from.text("reset_url"),
                                                 .verify_url = w.from.text("verify_url")});
        journal_ = notifications.get();
    }
    if (serves(target::activity))
        activities = std::make_unique<activities::activity_service>(
            activities::activity_service::needs{w.stores.log(), w.time, w.random, w.marks},
            activities::activity_settings{});
    if (!users) return;
    users->on_merge([this](std::string guest_id, std::string user_id) {
        return baskets_->merge(std::move(guest_id), std::move(user_id));
    });
    users->on_adopt([this](std::string guest_id, std::string user_id) {
        return orders ? orders->adopt(std::move(guest_id), std::move(user_id))
                      : far_.book->adopt(std::move(guest_id), std::move(user_id));
    });
}

void replica::make_gateway() {
    gateway = std::make_unique<gateway::gateway_service>(
        gateway::gateway_service::needs{
            *book_, *directory_, *stock_, *till_, *journal_,
            [this](request_context context) {
                return products ? products->describe_catalogue(std::move(context))
                                : far_.stock->describe_catalogue(std::move(context));
            },
            with_.time},
        gateway::gateway_settings{.shop_name = with_.from.text("shop_name"),
                                  .shop_currency = with_.from.currency("currency")});
}

std::vector<service> replica::operations() const {
    std::vector<service> out;
    if (users) out.push_back(users::operations_of(*users));
    if (products) out.push_back(products::operations_of(*products));
    if (carts) out.push_back(carts::operations_of(*carts));
    if (orders) out.push_back(orders::operations_of(*orders));
    if (payments) out.push_back(payments::operations_of(*payments));
    if (notifications) out.push_back(notifications::operations_of(*notifications));
    if (activities) out.push_back(activities::operations_of(*activities));
    if (gateway) out.push_back(gateway::operations_of(*gateway));
    return out;
}

service operations_elsewhere(target of) {
    switch (of) {
        case target::user:
            return users::operations_elsewhere();
        case target::product:
            return products::operations_elsewhere();
        case target::cart:
            return carts::operations_elsewhere();
        case target::order:
            return orders::operations_elsewhere();
        case target::payment:
            return payments::operations_elsewhere();
        case target::notification:
            return notifications::operations_elsewhere();
        case target::activity:
            return activities::operations_elsewhere();
        case target::analytics:
            return analytics::operations_elsewhere();
        case target::gateway:
            return {};
    }
    return {};
}

std::vector<event_consumer> replica::consumers() const {
    std::vector<event_consumer> out;
    if (orders) out.push_back(orders::events_of(*orders));
    if (payments) out.push_back(payments::events_of(*payments));
    if (products) out.push_back(products::events_of(*products));
    if (resizing) out.push_back(products::events_of(*resizing));
    if (carts) out.push_back(carts::events_of(*carts));
    if (notifications) out.push_back(notifications::events_of(*notifications));
    return out;
}

std::vector<rpc::grpc_service> replica::rpcs_of(target of) {
    const auto* name = facts_of(of).grpc_service;
    switch (of) {
        case target::gateway:
            return {};
        case target::user:
            if (!user_rpcs_) user_rpcs_ = std::make_unique<users::user_rpcs>(*users);
            return {{name, {users::rpcs_of(*user_rpcs_), users::operations_of(*users)}}};
        case target::product:
            if (!product_rpcs_) product_rpcs_ = std::make_unique<products::product_rpcs>(*products);
            return {
                {name, {products::rpcs_of(*product_rpcs_), products::operations_of(*products)}}};
        case target::cart:
            if (!cart_rpcs_) cart_rpcs_ = std::make_unique<carts::cart_rpcs>(*carts);
            return {{name, {carts::rpcs_of(*cart_rpcs_)}}};
        case target::order:
            if (!order_rpcs_) order_rpcs_ = std::make_unique<orders::order_rpcs>(*orders);
            return {{name, {orders::rpcs_of(*order_rpcs_), orders::operations_of(*orders)}}};
        case target::payment:
            return {{name, {payments::rpcs_of(*payments), payments::operations_of(*payments)}}};
        case target::notification:
            return {{name, {notifications::operations_of(*notifications)}}};
        case target::activity:
            return {{name, {activities::operations_of(*activities)}}};
        case target::analytics:
            return {{name, {}}};  // for probes
    }
    return {};
}

void replica::start_sweepers(clock& time) {
    if (orders)
        start_sweeper(background, time, "orders", seconds(1),
                      [this] { return orders->sweep(share); });
    if (payments)
        start_sweeper(background, time, "payments", seconds(1),
                      [this] { return payments->sweep(share); });
    if (notifications)
        start_sweeper(background, time, "notifications", seconds(5),
                      [this] { return notifications->sweep(share); });
    if (carts)
        start_sweeper(background, time, "carts", seconds(10),
                      [this] { return carts->sweep(share); });
    if (share.index != 0) return;
    if (imports) {
        background.spawn("resume imports", [this]() -> task<> { (void)co_await imports->sweep(); });
        start_sweeper(background, time, "imports", seconds(5), [this] { return imports->sweep(); });
    }
    if (folder)
        start_sweeper(background, time, "import folder", seconds(1),
                      [this] { return folder->round(); });
    if (users)
        start_sweeper(background, time, "guest orders", seconds(5),
                      [this] { return users->sweep(); });
    if (products) {
        background.spawn("finish uploads", [this]() -> task<> {
            (void)co_await products->sweep_images(with_.stores.sole_process());
            (void)co_await products->sweep_documents(with_.stores.sole_process());
        });
        start_sweeper(background, time, "documents", seconds(5),
                      [this] { return products->sweep_documents(false); });
        start_sweeper(background, time, "pictures", seconds(5),
                      [this] { return products->sweep_images(false); });
    }
    if (products)
        start_sweeper(background, time, "holds", seconds(10), [this] { return products->sweep(); });
}

}  // namespace stoa
