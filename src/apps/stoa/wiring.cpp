#include "apps/stoa/wiring.hpp"

#include "adapters/security/key_file.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/log_groups.hpp"
#include "apps/stoa/across_loops.hpp"
#include "apps/stoa/backup_pages.hpp"
#include "apps/stoa/demo.hpp"
#include "apps/stoa/listeners.hpp"
#include "apps/stoa/restore.hpp"
#include "apps/stoa/wiring_notifier.hpp"
#include "apps/stoa/wiring_parts.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "runtime/process_metrics.hpp"
#include "transport/events/consumer.hpp"
#include "transport/events/follower.hpp"
#include "transport/events/sweepers.hpp"
#include "transport/openapi/openapi.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <set>

namespace stoa {

shop::shop(std::unique_ptr<parts> all) : all_(std::move(all)) {}

shop::~shop() {
    // Engines first: they still post to the loops. Then the loops, which unwind what is left of
    // frames while the services those refer to stand.
    all_->closing = true;
    if (all_->stores) all_->stores->close();
    all_->open_servers.clear();
    all_->grpc_servers.clear();
    all_->admin_server.reset();
    all_->passwords.reset();
    all_->pictures.reset();
    all_->files.reset();
    all_->tools.reset();
    all_->routes.clear();
    all_->replicas.clear();
    all_->analytics.reset();
    all_->far.reset();
    if (all_->traces) all_->traces->close();
    // Their clients belong to the loops.
    all_->provider.reset();
    all_->outside.reset();
    if (all_->stores && !all_->embedded()) all_->stores.reset();
    all_->loops.reset();
}

loop_set& shop::loops() { return *all_->loops; }
std::uint16_t shop::public_port() const { return all_->open_servers.front()->port(); }
std::uint16_t shop::admin_port() const { return all_->admin_server->port(); }

std::string shop::api_document() const {
    return openapi::document_of(*all_->routes.front().open,
                                {.title = all_->from.text("shop_name"), .version = STOA_VERSION});
}

result<std::unique_ptr<shop>> shop::open(const settings& from) {
    auto all = std::make_unique<parts>(from);
    STOA_TRY(all->targets, target_set::read(from));
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
    if (!targets.whole()) {
        STOA_TRY(identity, identity_of(from, time.now()));
    }
    STOA_TRY_VOID(settle_restore(directory));
    epoch = new_id(time, random);
    local_token = "local_" + tokens_of_chance(random);
    STOA_TRY(traces, tracing::open(from, {loops->at(0), time, random, measured, epoch}));
    files = std::make_unique<blocking_pool>("files", 2, 256);
    STOA_TRY(stores, engines::open(from, {*loops, time, random, *files, epoch, targets}));
    const auto keys = from.given("keys_file") ? from.text("keys_file") : directory + "/keys.json";
    STOA_TRY(const auto ring, load_or_create_keys(keys, time.now()));
    tokens = std::make_unique<jwt_authority>(ring);
    service_tokens = std::make_unique<rpc::service_tokens>(*tokens, time, targets.text());
    STOA_TRY(far, far_connections::open(from, targets, identity));
    passwords = std::make_unique<sodium_password_hasher>();
    pictures = std::make_unique<isolated_renderer>();
    tools = std::make_unique<blocking_pool>("audits and backups", 3, 8);
    if (targets.has(target::notification)) {
        STOA_TRY(outside, open_notifier(from, {*loops, time, random, *files}));
    }
    if (targets.has(target::payment)) STOA_TRY_VOID(open_provider());
    return {};
}

// Whatever loop confirms, the webhook wakes the first replica: it only looks again.
result<void> shop::parts::open_provider() {
    const auto wake = [this](const std::string& order_id) {
        asio::post(replicas.front()->background.on(), [this, order_id] {
            if (replicas.front()->background.stopping()) return;
            replicas.front()->background.spawn("webhook", [this, order_id]() -> task<> {
                request_context context;
                context.caller = {.is = role::service};
                (void)co_await replicas.front()->payments->receive_webhook(context, {order_id});
            });
        });
    };
    STOA_TRY(provider,
             provider_wiring::open(from, {*loops, time, random, stores->provider_items(), wake}));
    return {};
}

result<void> shop::parts::make_replicas() {
    STOA_TRY(analytics, analytics_wiring::make({from, targets, *stores, time, random, measured,
                                                [this] { return !ready.load(); }, *loops,
                                                *service_tokens, epoch}));
    const shared_by_loops with{from,
                               targets,
                               epoch,
                               time,
                               random,
                               measured,
                               index,
                               board,
                               *stores,
                               *tokens,
                               *passwords,
                               provider ? &provider->provider() : nullptr,
                               outside.get(),
                               *far,
                               *service_tokens,
                               traces ? &traces->spans() : nullptr,
                               analytics->marks(),
                               pictures.get(),
                               files.get()};
    for (int i = 0; i < loops->size(); ++i) {
        STOA_TRY(auto one, replica::make(loops->at(i), lane{i, loops->size()}, with));
        STOA_TRY_VOID(make_routes(*one));
        replicas.push_back(std::move(one));
    }
    add_gauges();
    return {};
}

// The program's own verbs come with this run's token; everybody else is known to the user service.
task<result<principal>> shop::parts::authenticate(replica& one, std::string credential) {
    if (credential == local_token) {
        principal own{.is = role::operator_};
        own.key_id = "local";
        co_return own;
    }
    co_return co_await one.directory().authenticate(std::move(credential));
}

remote_shop shop::parts::as_remote() {
    return {.from = from,
            .stores = *stores,
            .loops = *loops,
            .loops_run = running_since.has_value(),
            .time = time,
            .consumers = replicas.front()->consumers(),
            .ending = [this] { return closing.load(); }};
}

// On the tools' thread: a large shop takes a minute, and the loops have customers.
result<audit_report> shop::parts::audit_now(const audit_progress& told) {
    if (!embedded()) return audit_remote(as_remote(), told);
    STOA_TRY(const auto at, take_moment(*embedded(), *stores->embedded_provider()));
    const auto unless_closing = [&](std::string_view step, std::int64_t done, std::int64_t of) {
        if (closing)
            throw sql_failure{error{.kind = errc::unavailable,
                                    .code = "shutting_down",
                                    .detail = "the shop is shutting down"}};
        if (told) told(step, done, of);
    };
    return stoa::audit(
        {.shop = *at.shop,
         .provider = from.text("payments") == "simulator" ? at.provider.get() : nullptr,
         .intents = &simulator_tables().front(),
         .now = time.now(),
         .running_since = running_since,
         .pipelines = from.list("analytics_pipelines")},
        unless_closing);
}

result<std::unique_ptr<backup_stream>> shop::parts::backup_now(const audit_progress& told) {
    if (!embedded()) return backup_remote(as_remote(), told);
    STOA_TRY(auto at, take_moment(*embedded(), *stores->embedded_provider()));
    return std::make_unique<backup_stream>(
        std::move(at), from.text("data_dir"),
        backups::header{
            .stoa = STOA_VERSION, .taken_at = time.now(), .currency = from.currency("currency")});
}

result<audit_report> shop::audit(const audit_progress& told) { return all_->audit_now(told); }
result<std::unique_ptr<backup_stream>> shop::backup(const audit_progress& told) {
    return all_->backup_now(told);
}

void shop::parts::add_gauges() {
    stores->add_gauges(measured);
    add_process_metrics(measured, STOA_VERSION, targets.text());
    measured.gauge("http_connections", "Open connections of the API's listeners.", {}, [this] {
        double sum = 0;
        for (const auto& each : open_servers) sum += each->connections();
        return sum;
    });
    std::vector<std::string> groups;
    for (const auto& each : replicas.front()->consumers()) groups.emplace_back(each.group);
    letters_by_group = std::vector<std::atomic<std::int64_t>>(groups.size());
    for (auto& each : letters_by_group) each = -1;
    // Every replica of a service tells of the whole group.
    measured.gauges(
        "dead_letters", "Events of a group that wait for redrive, by group.",
        [this, groups = std::move(groups)] {
            std::vector<std::pair<metric_labels, double>> out;
            for (std::size_t i = 0; i < groups.size(); ++i)
                if (const auto letters = letters_by_group[i].load(); letters >= 0)
                    out.push_back({{{"group", groups[i]}}, static_cast<double>(letters)});
            return out;
        });
    if (!targets.has(target::order)) return;
    measured.gauges("orders_in_status", "Orders by status, a few seconds old.", [this] {
        std::vector<std::pair<metric_labels, double>> out;
        for (std::size_t i = 0; i < orders_by_status.size(); ++i)
            out.push_back({{{"status", std::string(type_of<orders::order_status>.words[i])}},
                           static_cast<double>(orders_by_status[i].load())});
        return out;
    });
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

task<result<int>> shop::parts::count_dead_letters() {
    const auto consumers = replicas.front()->consumers();
    for (std::size_t i = 0; i < consumers.size(); ++i) {
        STOA_CO_TRY(const auto keys,
                    co_await stores->dead_letters().parked_keys(std::string(consumers[i].group)));
        std::int64_t letters = 0;
        for (const auto& each : keys) letters += each.letters;
        letters_by_group[i] = letters;
    }
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

std::vector<std::string> shop::consumer_groups() const {
    std::vector<std::string> out;
    for (const auto& each : all_->replicas.front()->consumers()) out.emplace_back(each.group);
    if (all_->targets.has(target::analytics)) out.emplace_back(analytics::group);
    return out;
}

task<result<void>> shop::drop_group(std::string name) {
    const auto live = consumer_groups();
    if (std::ranges::find(live, name) != live.end())
        co_return fail(errc::conflict, "group_is_live",
                       "the " + name + " service of this version reads by the group `" + name +
                           "`: without its place in the log it would apply old events again");
    if (!all_->embedded())
        co_return fail(errc::conflict, "not_embedded",
                       "groups of Kafka are dropped by Kafka's own tools");
    co_return co_await drop_log_group(*all_->embedded(), std::move(name));
}

result<void> shop::parts::start_consumers(replica& one) {
    for (const auto& each : one.consumers())
        STOA_TRY_VOID(start_consumer(each, stores->log(), time, random, measured, one.background,
                                     one.share, {}, traces ? &traces->spans() : nullptr));
    return analytics->start(one.background, one.share);
}

// On loop 0: what the process does once, whatever its loops.
void shop::parts::start_rounds() {
    auto& first = *replicas.front();
    auto& background = first.background;
    if (first.orders)
        start_sweeper(background, time, "order counts", seconds(5),
                      [this] { return count_orders(); });
    if (!letters_by_group.empty())
        start_sweeper(background, time, "dead letter counts", seconds(10),
                      [this] { return count_dead_letters(); });
    if (first.products)
        start_sweeper(background, time, "catalogue index", seconds(60),
                      [this] { return compact_index(); });
    // Other processes change products as well.
    if (first.products && !stores->sole_process())
        start_follower(std::string(products::topic::changed), stores->log(), time, background,
                       {.seen = [&first](std::string id) { return first.products->reread(id); },
                        .missed = [this]() -> task<result<void>> {
                            board.all_changed();
                            return fill_index();
                        }});
    stores->start(background);
}

// What must be done before anything can be answered. `unavailable` where an engine is away: nothing
// has begun then.
task<result<void>> shop::parts::begin() {
    STOA_CO_TRY_VOID(co_await stores->check());
    if (targets.has(target::product)) STOA_CO_TRY_VOID(co_await fill_index());
    crash_point("index_filled");
    for (auto& one : replicas) {
        auto first = [this, r = one.get()]() -> result<void> {
            STOA_TRY_VOID(start_consumers(*r));
            r->start_sweepers(time);
            return {};
        };
        STOA_CO_TRY_VOID(co_await run_on(one->background.on(), std::move(first)));
    }
    start_rounds();
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
            be_ready();
            log_info("engines_are_there", {});
        },
        importance::essential);
}

void shop::parts::be_ready() {
    ready = true;
    for (auto& each : grpc_servers) each->serving(true);
}

// The public API where the gateway is served, and each target's own port otherwise; targets of one
// port share the listener.
result<void> shop::parts::listen_for_customers() {
    std::vector<http::handler*> handlers;
    for (auto& each : routes) handlers.push_back(each.open.get());
    const auto open = [&]() -> http::server& {
        open_servers.push_back(std::make_unique<http::server>(*loops, http::limits{}));
        return *open_servers.back();
    };
    if (targets.has(target::gateway))
        STOA_TRY_VOID(stoa::listen(open(), from, "http", "the public API", handlers));
    if (targets.whole()) return {};
    std::set<std::uint16_t> done;
    const auto& host = from.text("listen_host");
    const auto& gate = facts_of(target::gateway);
    if (targets.has(target::gateway) && host != "0.0.0.0" && host != from.address("http").host)
        STOA_TRY_VOID(listen_at(open(), host, gate, handlers));
    for (const auto& each : all_targets())
        if (targets.has(each.is) && each.is != target::gateway &&
            done.insert(each.http_port).second)
            STOA_TRY_VOID(listen_at(open(), host, each, handlers));
    return {};
}

result<void> shop::parts::listen_for_services() {
    if (targets.whole() || from.text("edges") == "http") return {};
    for (const auto& each : all_targets()) {
        if (!targets.has(each.is) || each.grpc_port == 0) continue;
        std::vector<rpc::grpc_lane> lanes;
        for (auto& one : replicas)
            lanes.push_back({.services = one->rpcs_of(each.is),
                             .authenticate = [this, r = one.get()](std::string credential) {
                                 return authenticate(*r, std::move(credential));
                             }});
        STOA_TRY(auto made, rpc::grpc_server::open(
                                {*loops, *tools, time, random, measured, *service_tokens,
                                 traces ? &traces->spans() : nullptr},
                                {.host = from.text("listen_host"),
                                 .port = each.grpc_port,
                                 .identity = identity,
                                 .longest_deadline = seconds(from.number("request_seconds")),
                                 .shop_currency = from.currency("currency"),
                                 .version = STOA_VERSION},
                                std::move(lanes)));
        grpc_servers.push_back(std::move(made));
    }
    return {};
}

task<result<void>> shop::start() {
    auto& all = *all_;
    all.running_since = all.time.now();
    STOA_CO_TRY_VOID(check_listeners(all.from));
    const auto begun = co_await all.begin();
    // Embedded engines are there or broken; others may be away for a while.
    if (!begun && (all.embedded() || begun.error().kind != errc::unavailable)) co_return begun;
    if (all.traces) all.traces->start(all.replicas.front()->background);
    std::vector<http::handler*> admin_handlers;
    for (auto& each : all.routes) admin_handlers.push_back(each.admin.get());
    all.admin_server = std::make_unique<http::server>(*all.loops, http::limits{});
    STOA_CO_TRY_VOID(listen(*all.admin_server, all.from, "admin", "the admin listener",
                            std::move(admin_handlers)));
    STOA_CO_TRY_VOID(all.listen_for_customers());
    STOA_CO_TRY_VOID(all.listen_for_services());
    crash_point("listening");
    const auto open_at = all.from.address("http"), admin_at = all.from.address("admin");
    all.reached_at = {open_at.host + ':' + std::to_string(public_port()),
                      admin_at.host + ':' + std::to_string(admin_port()), all.local_token};
    // A shop whose disk is full still serves reads. A part of a shop is nothing that verbs find.
    if (all.targets.whole())
        if (auto told = write_run_file(all.from.text("data_dir"), all.reached_at); !told)
            all.hidden = std::move(told).error();
    if (begun) all.be_ready();
    else all.begin_when_possible();
    co_return result<void>{};
}

const run_file& shop::reached_at() const { return all_->reached_at; }
const std::optional<error>& shop::hidden() const { return all_->hidden; }

task<result<void>> shop::check_pictures() {
    if (!all_->replicas.front()->resizing) co_return result<void>{};
    co_return co_await all_->pictures->check();
}

// Engines that are other systems say within seconds whether they are there.
task<result<void>> shop::parts::wait_for_stores() {
    const auto until = time.ticks() + seconds(15);
    while (!running_since) {
        auto seen = co_await stores->check();
        if (seen) break;
        const bool may_come = seen.error().kind == errc::unavailable && !embedded();
        if (!may_come || time.ticks() > until) co_return std::unexpected(std::move(seen).error());
        co_await time.sleep(milliseconds(200));
    }
    co_return result<void>{};
}

task<result<redrive_report>> shop::redrive(redrive_request wanted) {
    auto& all = *all_;
    auto& first = *all.replicas.front();
    STOA_CO_TRY_VOID(co_await all.wait_for_stores());
    auto done = co_await all.redriver(first)(std::move(wanted));
    if (!all.running_since) co_await first.background.stop();
    co_return done;
}

task<result<analytics::replay_report>> shop::replay(analytics::replay_request wanted) {
    STOA_CO_TRY_VOID(co_await all_->wait_for_stores());
    co_return co_await all_->analytics->replay(std::move(wanted));
}

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
    co_return co_await stoa::load_demo(first.products.get(), first.users.get(), all_->time,
                                       all_->random);
}

task<> shop::drain() {
    auto& all = *all_;
    all.ready = false;
    if (all.targets.whole()) remove_run_file(all.from.text("data_dir"));
    crash_point("drain_begun");
    for (auto& each : all.grpc_servers) each->serving(false);
    const auto grace = seconds(all.from.number("drain_seconds"));
    for (auto& each : all.open_servers) co_await each->drain(grace);
    for (auto& each : all.grpc_servers) co_await each->drain(grace);
    crash_point("requests_finished");
    for (auto& one : all.replicas) co_await stop_there(one->background, all.loops->at(0));
    crash_point("background_stopped");
    if (all.traces) co_await all.traces->flush(seconds(3));
    if (all.admin_server) co_await all.admin_server->drain(milliseconds(200));
    co_await all.stores->finish();
    all.stores->close();
    crash_point("stores_closed");
}

}  // namespace stoa
