#include "apps/stoa/wiring.hpp"

#include "adapters/mailbox/outbox_file.hpp"
#include "adapters/security/jwt_authority.hpp"
#include "adapters/security/key_file.hpp"
#include "adapters/security/password_hasher.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/smtp/smtp_notifier.hpp"
#include "adapters/sqlite/log_groups.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/audit.hpp"
#include "apps/stoa/backup_pages.hpp"
#include "apps/stoa/demo.hpp"
#include "apps/stoa/listeners.hpp"
#include "apps/stoa/pages.hpp"
#include "apps/stoa/restore.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/tracing.hpp"
#include "apps/stoa/transfer_pages.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "ports/idempotency.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/activity/activity_operations.hpp"
#include "services/cart/cart_operations.hpp"
#include "services/gateway/gateway_operations.hpp"
#include "services/notification/notification_operations.hpp"
#include "services/order/order_operations.hpp"
#include "services/payment/payment_operations.hpp"
#include "services/product/product_operations.hpp"
#include "services/user/user_operations.hpp"
#include "transport/events/consumer.hpp"
#include "transport/events/sweepers.hpp"
#include "transport/http/router.hpp"
#include "transport/openapi/openapi.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <array>
#include <atomic>

namespace stoa {
namespace {

// The services of one loop. What they share with the other loops' is in the ports.
struct replica {
    replica(loop& on, lane share_) : background(on), share(share_) {}

    supervisor background;
    lane share;
    std::unique_ptr<idempotency_keys> keys;
    std::unique_ptr<users::user_service> users;
    std::unique_ptr<products::product_service> products;
    std::unique_ptr<products::catalogue_import> imports;
    std::unique_ptr<orders::order_service> orders;
    std::unique_ptr<payments::payment_service> payments;
    std::unique_ptr<carts::cart_service> carts;
    std::unique_ptr<notifications::notification_service> notifications;
    std::unique_ptr<activities::activity_service> activities;
    std::unique_ptr<gateway::gateway_service> gateway;
    std::unique_ptr<http::router> open_routes, admin_routes;
};

}  // namespace

// Declared in the order of need; destroyed in reverse. ~shop takes the order that frames need.
struct shop::parts {
    explicit parts(const settings& s) : from(s) {}

    settings from;
    system_clock time;
    system_random random;
    metrics measured;
    rate_limiter limiter;
    products::catalogue_index index;
    products::change_board board;
    std::string epoch;
    std::string local_token;  // of this run, for the program's own verbs; stands in the run file
    std::atomic<bool> ready = false;
    std::atomic<bool> closing = false;         // audits end
    std::optional<timestamp> running_since{};  // set before anything listens
    run_file reached_at;                       // set by start()
    std::optional<error> hidden{};             // the run file could not be written
    std::array<std::atomic<std::int64_t>, type_of<orders::order_status>.words.size()>
        orders_by_status{};

    std::unique_ptr<loop_set> loops;
    std::unique_ptr<tracing> traces;  // null: off
    std::unique_ptr<blocking_pool> files;
    std::unique_ptr<blocking_pool> tools;  // work of minutes: audits, backups
    std::unique_ptr<sodium_password_hasher> passwords;
    std::unique_ptr<jwt_authority> tokens;
    std::unique_ptr<engines> stores;
    std::unique_ptr<payment_simulator> provider;
    std::unique_ptr<notifier> outside;
    std::vector<std::unique_ptr<replica>> replicas;
    std::unique_ptr<http::server> open_server, admin_server;

    result<void> open_engines();
    result<std::unique_ptr<notifier>> open_notifier();
    result<void> make_replicas();
    void make_followers(replica& one);
    result<void> make_routes(replica& one);
    result<void> start_consumers(replica& one);
    void start_sweepers(replica& one);
    void add_gauges();
    task<result<void>> fill_index();
    task<result<void>> begin();
    void begin_when_possible();
    sqlite_shop* embedded() const { return stores->embedded(); }
    task<result<int>> count_orders();
    task<result<int>> compact_index();
    std::vector<dependency> readiness() const;
    task<result<made_operator>> make_operator(replica& one, std::string email);
    task<result<principal>> authenticate(replica& one, std::string credential);
    result<audit_report> audit_now(const audit_progress& told);
    result<std::unique_ptr<backup_stream>> backup_now();
};

shop::shop(std::unique_ptr<parts> all) : all_(std::move(all)) {}

shop::~shop() {
    // Engines first: they still post to the loops. Then the loops, which unwind what is left of
    // frames while the services those refer to stand.
    all_->closing = true;
    if (all_->stores) all_->stores->close();
    all_->open_server.reset();
    all_->admin_server.reset();
    all_->passwords.reset();
    all_->files.reset();
    all_->tools.reset();
    all_->replicas.clear();
    if (all_->traces) all_->traces->close();
    // Their clients belong to the loops.
    if (all_->stores && !all_->embedded()) all_->stores.reset();
    all_->loops.reset();
}

loop_set& shop::loops() { return *all_->loops; }
std::uint16_t shop::public_port() const { return all_->open_server->port(); }
std::uint16_t shop::admin_port() const { return all_->admin_server->port(); }

std::string shop::api_document() const {
    return openapi::document_of(*all_->replicas.front()->open_routes,
                                {.title = all_->from.text("shop_name"), .version = STOA_VERSION});
}

result<std::unique_ptr<shop>> shop::open(const settings& from) {
    auto all = std::make_unique<parts>(from);
    const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const auto wanted = static_cast<int>(from.number("loops"));
    all->loops = std::make_unique<loop_set>(wanted > 0 ? wanted : cores);
    auto* parts_of = all.get();
    std::unique_ptr<shop> made(new shop(std::move(all)));
    STOA_TRY_VOID(parts_of->open_engines());
    STOA_TRY_VOID(parts_of->make_replicas());
    return made;
}

result<void> shop::parts::open_engines() {
    const auto& directory = from.text("data_dir");
    STOA_TRY_VOID(settle_restore(directory));
    epoch = new_id(time, random);
    local_token = "local_" + tokens_of_chance(random);
    STOA_TRY(traces, tracing::open(from, {loops->at(0), time, random, measured, epoch}));
    files = std::make_unique<blocking_pool>("files", 2, 256);
    STOA_TRY(stores, engines::open(from, {*loops, time, random, *files, epoch}));
    STOA_TRY(const auto ring, load_or_create_keys(directory + "/keys.json", time.now()));
    tokens = std::make_unique<jwt_authority>(ring);
    passwords = std::make_unique<sodium_password_hasher>();
    tools = std::make_unique<blocking_pool>("audits and backups", 3, 8);
    STOA_TRY(outside, open_notifier());
    // Whatever loop confirms, the webhook wakes the first replica: it only looks again.
    provider = std::make_unique<payment_simulator>(
        stores->provider_items(), time, random,
        [this](const std::string& order_id) {
            asio::post(replicas.front()->background.on(), [this, order_id] {
                if (replicas.front()->background.stopping()) return;
                replicas.front()->background.spawn("webhook", [this, order_id]() -> task<> {
                    request_context context;
                    context.caller = {.is = role::service};
                    (void)co_await replicas.front()->payments->receive_webhook(context, {order_id});
                });
            });
        },
        payment_simulator::settings{});
    return {};
}

result<std::unique_ptr<notifier>> shop::parts::open_notifier() {
    const auto& sender = from.text("mail_from");
    if (from.text("notifier") == "smtp") {
        STOA_TRY(auto server, read_smtp_url(from.text("smtp_url"), sender));
        return std::make_unique<smtp_notifier>(std::move(server), time, *files);
    }
    STOA_TRY(auto mailbox,
             outbox_file::open(from.text("data_dir") + "/mailbox.mbox", sender, time, *files));
    return mailbox;
}

result<void> shop::parts::make_replicas() {
    const auto currency = from.currency("currency");
    std::optional<std::int64_t> review;
    if (from.given("payment_review_above")) {
        review = read_minor(from.text("payment_review_above"), currency);
        if (!review)
            return fail(errc::invalid, "bad_setting",
                        "`payment_review_above` must be an amount, as 10000.00");
    }
    for (int i = 0; i < loops->size(); ++i) {
        auto one = std::make_unique<replica>(loops->at(i), lane{i, loops->size()});
        auto& items = stores->items();
        auto& database = stores->database();
        one->keys = std::make_unique<idempotency_keys>(items, time, epoch, stores->sole_process());
        one->users = std::make_unique<users::user_service>(
            users::user_service::needs{database, items, *passwords, *tokens, time, random},
            users::user_settings{});
        one->products = std::make_unique<products::product_service>(
            products::product_service::needs{database, index, board, time, random},
            products::product_settings{.shop_currency = currency});
        one->imports = std::make_unique<products::catalogue_import>(
            products::catalogue_import::needs{database, stores->blobs(), *one->products, time,
                                              random, one->background, currency});
        one->orders = std::make_unique<orders::order_service>(
            orders::order_service::needs{.items = items,
                                         .users = *one->users,
                                         .products = *one->products,
                                         .time = time,
                                         .random = random,
                                         .keys = *one->keys,
                                         .measured = measured},
            orders::order_settings{.pending_for = minutes(from.number("pending_minutes")),
                                   .payment_for = minutes(from.number("payment_minutes")),
                                   .shop_currency = currency});
        one->payments = std::make_unique<payments::payment_service>(
            payments::payment_service::needs{items, *one->orders, *provider, time, random,
                                             *one->keys, one->background, measured, epoch},
            payments::payment_settings{.review_above_minor = review});
        one->orders->use(*one->payments);
        one->products->use(*one->orders);
        make_followers(*one);
        STOA_TRY_VOID(make_routes(*one));
        replicas.push_back(std::move(one));
    }
    add_gauges();
    return {};
}

// The services that follow orders, and those that stand in front of all.
void shop::parts::make_followers(replica& one) {
    const auto currency = from.currency("currency");
    auto& items = stores->items();
    one.carts = std::make_unique<carts::cart_service>(
        carts::cart_service::needs{items, *one.products, *one.orders, time, *one.keys},
        carts::cart_settings{.kept = hours(24 * from.number("cart_days")),
                             .shop_currency = currency});
    one.users->on_merge([&one](std::string guest_id, std::string user_id) {
        return one.carts->merge(std::move(guest_id), std::move(user_id));
    });
    one.users->on_adopt([&one](std::string guest_id, std::string user_id) {
        return one.orders->adopt(std::move(guest_id), std::move(user_id));
    });
    one.notifications = std::make_unique<notifications::notification_service>(
        notifications::notification_service::needs{items, *one.users, *one.orders, *outside,
                                                   stores->blobs(), time, random, one.background,
                                                   measured},
        notifications::notification_settings{.shop_name = from.text("shop_name"),
                                             .reset_url = from.text("reset_url"),
                                             .verify_url = from.text("verify_url")});
    one.activities = std::make_unique<activities::activity_service>(
        activities::activity_service::needs{stores->log(), time, random},
        activities::activity_settings{});
    one.gateway = std::make_unique<gateway::gateway_service>(
        gateway::gateway_service::needs{
            *one.orders, *one.users, *one.products, *one.payments, *one.notifications,
            [&one](request_context context) {
                return one.products->describe_catalogue(std::move(context));
            },
            time},
        gateway::gateway_settings{.shop_name = from.text("shop_name"), .shop_currency = currency});
}

result<void> shop::parts::make_routes(replica& one) {
    http::router_needs ports{time, random, measured, limiter, [this, &one](std::string credential) {
                                 return authenticate(one, std::move(credential));
                             }};
    ports.traces = traces ? &traces->spans() : nullptr;
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
    one.open_routes = std::make_unique<http::router>(ports, bounds);
    for (const auto& each :
         {users::operations_of(*one.users), products::operations_of(*one.products),
          carts::operations_of(*one.carts), orders::operations_of(*one.orders),
          payments::operations_of(*one.payments), notifications::operations_of(*one.notifications),
          activities::operations_of(*one.activities), gateway::operations_of(*one.gateway)})
        STOA_TRY_VOID(one.open_routes->add(each));
    for (auto& page : transfer_pages({*one.imports, stores->blobs(), time, random}))
        STOA_TRY_VOID(one.open_routes->add(std::move(page)));
    STOA_TRY_VOID(one.open_routes->add(
        audit_page([this] { return offload(*tools, [this] { return audit_now({}); }); })));
    STOA_TRY_VOID(
        one.open_routes->add(invoice_page([&one](request_context context, std::string order_id) {
            return one.notifications->invoice(std::move(context), std::move(order_id));
        })));
    for (auto& page : public_pages({.jwks = [this] { return tokens->jwks(); }}))
        STOA_TRY_VOID(one.open_routes->add(std::move(page)));

    STOA_TRY_VOID(openapi::mount_documents(
        *one.open_routes, {.title = from.text("shop_name"), .version = STOA_VERSION}));

    bounds.log = http::access_log::off;
    bounds.cors_origins.clear();
    ports.traces = nullptr;  // a scrape every few seconds is no request of a customer's
    one.admin_routes = std::make_unique<http::router>(ports, bounds);
    for (auto& page : admin_pages({.metrics = [this] { return measured.text(); },
                                   .ready = [this] { return readiness(); }}))
        STOA_TRY_VOID(one.admin_routes->add(std::move(page)));
    for (auto& page : local_pages(
             {*tools, time, [this](const audit_progress& told) { return audit_now(told); },
              [this] { return backup_now(); },
              [this, &one](std::string email) { return make_operator(one, std::move(email)); }}))
        STOA_TRY_VOID(one.admin_routes->add(std::move(page)));
    return {};
}

std::vector<dependency> shop::parts::readiness() const {
    std::vector<dependency> out;
    for (auto& each : stores->states())
        out.push_back({std::move(each.name), each.ready, std::move(each.why_not)});
    out.push_back({"startup", ready, "starting or draining"});
    return out;
}

// The program's own verbs come with this run's token; everybody else is known to the user service.
task<result<principal>> shop::parts::authenticate(replica& one, std::string credential) {
    if (credential == local_token) {
        principal own{.is = role::operator_};
        own.key_id = "local";
        co_return own;
    }
    co_return co_await one.users->authenticate(std::move(credential));
}

namespace {
error needs_embedded(std::string_view what) {
    return {
        .kind = errc::conflict,
        .code = "not_embedded",
        .detail = std::string(what) +
                  " reads the embedded stores only so far: use the tools of this shop's engines"};
}
}  // namespace

// On the tools' thread: a large shop takes a minute, and the loops have customers.
result<audit_report> shop::parts::audit_now(const audit_progress& told) {
    if (!embedded()) return fail(needs_embedded("an audit"));
    STOA_TRY(const auto at, take_moment(*embedded(), *stores->embedded_provider()));
    const auto unless_closing = [&](std::string_view step, std::int64_t done, std::int64_t of) {
        if (closing)
            throw sql_failure{error{.kind = errc::unavailable,
                                    .code = "shutting_down",
                                    .detail = "the shop is shutting down"}};
        if (told) told(step, done, of);
    };
    return stoa::audit({.shop = *at.shop,
                        .provider = at.provider.get(),
                        .intents = &simulator_tables().front(),
                        .now = time.now(),
                        .running_since = running_since},
                       unless_closing);
}

result<std::unique_ptr<backup_stream>> shop::parts::backup_now() {
    if (!embedded()) return fail(needs_embedded("a backup"));
    STOA_TRY(auto at, take_moment(*embedded(), *stores->embedded_provider()));
    return std::make_unique<backup_stream>(
        std::move(at), from.text("data_dir"),
        backups::header{
            .stoa = STOA_VERSION, .taken_at = time.now(), .currency = from.currency("currency")});
}

result<audit_report> shop::audit(const audit_progress& told) { return all_->audit_now(told); }
result<std::unique_ptr<backup_stream>> shop::backup() { return all_->backup_now(); }

void shop::parts::add_gauges() {
    stores->add_gauges(measured);
    measured.gauges("orders_in_status", "Orders by status, a few seconds old.", [this] {
        std::vector<std::pair<metric_labels, double>> out;
        for (std::size_t i = 0; i < orders_by_status.size(); ++i)
            out.push_back({{{"status", std::string(type_of<orders::order_status>.words[i])}},
                           static_cast<double>(orders_by_status[i].load())});
        return out;
    });
    measured.gauge("http_connections", "Open connections of the public listener.", {},
                   [this] { return open_server ? open_server->connections() : 0.0; });
}

task<result<void>> shop::parts::fill_index() {
    std::vector<products::indexed_product> all;
    std::string after;
    for (;;) {
        STOA_CO_TRY(auto page, co_await replicas.front()->products->page_for_index(after));
        if (page.empty()) break;
        after = page.back().id;
        for (auto& each : page) all.push_back(std::move(each));
    }
    auto load = [this, all = std::move(all)]() -> result<std::size_t> {
        index.load(all);
        return all.size();
    };
    auto loaded = co_await offload(*files, std::move(load));
    if (!loaded) co_return std::unexpected(std::move(loaded).error());
    co_return result<void>{};
}

task<result<int>> shop::parts::count_orders() {
    STOA_CO_TRY(const auto counts, co_await replicas.front()->orders->count_by_status());
    for (std::size_t i = 0; i < counts.size(); ++i) orders_by_status[i] = counts[i];
    co_return 0;
}

// Products that were added out of order, and deleted ones, make searching dearer until this.
task<result<int>> shop::parts::compact_index() {
    if (!index.needs_compaction()) co_return 0;
    auto work = [this]() -> result<int> {
        index.compact();
        return 1;
    };
    co_return co_await offload(*files, std::move(work));
}

namespace {
std::array<event_consumer, 5> consumers_of(replica& one) {
    return {orders::events_of(*one.orders), payments::events_of(*one.payments),
            products::events_of(*one.products), carts::events_of(*one.carts),
            notifications::events_of(*one.notifications)};
}
}  // namespace

std::vector<std::string> shop::consumer_groups() const {
    std::vector<std::string> out;
    for (const auto& each : consumers_of(*all_->replicas.front())) out.emplace_back(each.group);
    return out;
}

task<result<void>> shop::drop_group(std::string name) {
    const auto live = consumer_groups();
    if (std::ranges::find(live, name) != live.end())
        co_return fail(errc::conflict, "group_is_live",
                       "the " + name + " service of this version reads by the group `" + name +
                           "`: without its place in the log it would apply old events again");
    if (!all_->embedded()) co_return fail(needs_embedded("dropping a group"));
    co_return co_await drop_log_group(*all_->embedded(), std::move(name));
}

result<void> shop::parts::start_consumers(replica& one) {
    for (const auto& each : consumers_of(one))
        STOA_TRY_VOID(start_consumer(each, stores->log(), time, random, measured, one.background,
                                     one.share, {}, traces ? &traces->spans() : nullptr));
    return {};
}

void shop::parts::start_sweepers(replica& one) {
    start_sweeper(one.background, time, "orders", seconds(1),
                  [&one] { return one.orders->sweep(one.share); });
    start_sweeper(one.background, time, "payments", seconds(1),
                  [&one] { return one.payments->sweep(one.share); });
    start_sweeper(one.background, time, "notifications", seconds(5),
                  [&one] { return one.notifications->sweep(one.share); });
    start_sweeper(one.background, time, "carts", seconds(10),
                  [&one] { return one.carts->sweep(one.share); });
    if (one.share.index != 0) return;
    one.background.spawn("resume imports",
                         [&one]() -> task<> { (void)co_await one.imports->resume(); });
    start_sweeper(one.background, time, "guest orders", seconds(5),
                  [&one] { return one.users->sweep(); });
    start_sweeper(one.background, time, "holds", seconds(10),
                  [&one] { return one.products->sweep(); });
    start_sweeper(one.background, time, "order counts", seconds(5),
                  [this] { return count_orders(); });
    start_sweeper(one.background, time, "catalogue index", seconds(60),
                  [this] { return compact_index(); });
    stores->start(one.background);
}

namespace {
// Runs `what` on the loop that owns it and waits here.
template <class What>
task<std::invoke_result_t<What&>> run_on(loop& there, What what) {
    using outcome = std::invoke_result_t<What&>;
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void(outcome)>(
        [&there](auto handler, What w) {
            auto back = asio::get_associated_executor(handler);
            asio::post(there, [w = std::move(w), h = std::move(handler), back,
                               busy = asio::make_work_guard(back)]() mutable {
                auto made = w();
                asio::post(back,
                           [h = std::move(h), m = std::move(made)]() mutable { h(std::move(m)); });
            });
        },
        use_task, std::move(what));
}
}  // namespace

// What must be done before anything can be answered. `unavailable` where an engine is away: nothing
// has begun then.
task<result<void>> shop::parts::begin() {
    STOA_CO_TRY_VOID(co_await stores->check());
    STOA_CO_TRY_VOID(co_await fill_index());
    crash_point("index_filled");
    for (auto& one : replicas) {
        auto first = [this, r = one.get()]() -> result<void> {
            STOA_TRY_VOID(start_consumers(*r));
            start_sweepers(*r);
            return {};
        };
        STOA_CO_TRY_VOID(co_await run_on(one->background.on(), std::move(first)));
    }
    crash_point("consumers_started");
    co_return result<void>{};
}

// Up and not ready, until the engines are there.
void shop::parts::begin_when_possible() {
    replicas.front()->background.spawn(
        "waiting for the engines",
        [this]() -> task<> {
            for (;;) {
                co_await time.sleep(seconds(1));
                const auto begun = co_await begin();
                if (begun) break;
                log_warning("engine_awaited",
                            {{"code", begun.error().code}, {"detail", begun.error().detail}});
                if (begun.error().kind != errc::unavailable)
                    throw std::runtime_error(begun.error().detail);  // waiting would not mend it
            }
            ready = true;
            log_info("engines_are_there", {});
        },
        importance::essential);
}

task<result<void>> shop::start() {
    auto& all = *all_;
    all.running_since = all.time.now();
    STOA_CO_TRY_VOID(check_listeners(all.from));
    const auto begun = co_await all.begin();
    // Embedded engines are there or broken; others may be away for a while.
    if (!begun && (all.embedded() || begun.error().kind != errc::unavailable)) co_return begun;
    if (all.traces) all.traces->start(all.replicas.front()->background);
    std::vector<http::handler*> open_handlers, admin_handlers;
    for (auto& one : all.replicas) {
        open_handlers.push_back(one->open_routes.get());
        admin_handlers.push_back(one->admin_routes.get());
    }
    all.open_server = std::make_unique<http::server>(*all.loops, http::limits{});
    all.admin_server = std::make_unique<http::server>(*all.loops, http::limits{});
    STOA_CO_TRY_VOID(listen(*all.admin_server, all.from, "admin", "the admin listener",
                            std::move(admin_handlers)));
    STOA_CO_TRY_VOID(
        listen(*all.open_server, all.from, "http", "the public API", std::move(open_handlers)));
    crash_point("listening");
    const auto open_at = all.from.address("http"), admin_at = all.from.address("admin");
    all.reached_at = {open_at.host + ':' + std::to_string(public_port()),
                      admin_at.host + ':' + std::to_string(admin_port()), all.local_token};
    // A shop whose disk is full still serves reads.
    if (auto told = write_run_file(all.from.text("data_dir"), all.reached_at); !told)
        all.hidden = std::move(told).error();
    if (begun) all.ready = true;
    else all.begin_when_possible();
    co_return result<void>{};
}

const run_file& shop::reached_at() const { return all_->reached_at; }
const std::optional<error>& shop::hidden() const { return all_->hidden; }

task<result<made_operator>> shop::make_operator(std::string email) {
    return all_->make_operator(*all_->replicas.front(), std::move(email));
}

task<result<made_operator>> shop::parts::make_operator(replica& one, std::string email) {
    const auto password = tokens_of_chance(random).substr(0, 16);
    STOA_CO_TRY(auto made, co_await one.users->make_operator({std::move(email)}, password));
    made_operator out{
        .email = made.account.email.value_or(""), .created = made.created, .changed = made.changed};
    if (made.password_set) out.password = password;
    co_return out;
}

task<result<std::string>> shop::load_demo() {
    auto& first = *all_->replicas.front();
    co_return co_await stoa::load_demo(*first.products, *first.users, all_->time, all_->random);
}

namespace {
task<result<void>> stop_background(replica& one) {
    co_await one.background.stop();
    co_return result<void>{};
}
}  // namespace

task<> shop::drain() {
    auto& all = *all_;
    all.ready = false;
    remove_run_file(all.from.text("data_dir"));
    crash_point("drain_begun");
    if (all.open_server) co_await all.open_server->drain(seconds(all.from.number("drain_seconds")));
    crash_point("requests_finished");
    for (auto& one : all.replicas) {
        if (&one->background.on() == &all.loops->at(0)) {
            co_await one->background.stop();
            continue;
        }
        // The supervisor belongs to another loop: stop it there and wait here.
        co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void()>(
            [&one](auto handler) {
                auto back = asio::get_associated_executor(handler);
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                asio::co_spawn(one->background.on(), stop_background(*one),
                               [shared, back, busy = asio::make_work_guard(back)](
                                   std::exception_ptr, result<void>) {
                                   asio::post(back, [shared] { (*shared)(); });
                               });
            },
            use_task);
    }
    crash_point("background_stopped");
    if (all.traces) co_await all.traces->flush(seconds(3));
    if (all.admin_server) co_await all.admin_server->drain(milliseconds(200));
    co_await all.stores->finish();
    all.stores->close();
    crash_point("stores_closed");
}

}  // namespace stoa
