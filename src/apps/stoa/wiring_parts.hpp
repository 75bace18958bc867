// All that a shop of this process consists of. Private to the wiring: its declarations stand here,
// in wiring.cpp what opens, begins and drains, in wiring_routes.cpp what it answers.
#pragma once

#include "adapters/security/jwt_authority.hpp"
#include "adapters/security/password_hasher.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/vips/isolated_renderer.hpp"
#include "apps/stoa/audit.hpp"
#include "apps/stoa/pages.hpp"
#include "apps/stoa/redrive_page.hpp"
#include "apps/stoa/replica.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/tracing.hpp"
#include "apps/stoa/upkeep_pages.hpp"
#include "apps/stoa/wiring.hpp"
#include "apps/stoa/wiring_analytics.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_house.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "apps/stoa/wiring_provider.hpp"
#include "transport/http/router.hpp"

#include <array>
#include <atomic>

namespace stoa {

// What answers on one loop.
struct loop_routes {
    std::unique_ptr<http::router> open, admin;
};

// Declared in the order of need; destroyed in reverse. ~shop takes the order that frames need.
struct shop::parts {
    explicit parts(const settings& s) : from(s) {}

    settings from;
    target_set targets;
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
    // Of each consumer group of this process, in the order of consumers(); below 0: not counted
    // yet.
    std::vector<std::atomic<std::int64_t>> letters_by_group;

    std::unique_ptr<loop_set> loops;
    std::unique_ptr<tracing> traces;  // null: off
    std::unique_ptr<blocking_pool> files;
    std::unique_ptr<blocking_pool> tools;  // work of minutes: audits, backups
    std::unique_ptr<isolated_renderer> pictures;
    std::unique_ptr<sodium_password_hasher> passwords;
    std::unique_ptr<jwt_authority> tokens;
    std::unique_ptr<rpc::service_tokens> service_tokens;
    rpc::tls_identity identity;  // of a part of a shop, to its other parts
    std::unique_ptr<engines> stores;
    std::unique_ptr<provider_wiring> provider;
    std::unique_ptr<notifier> outside;
    std::unique_ptr<far_connections> far;
    std::unique_ptr<analytics_wiring> analytics;
    std::vector<std::unique_ptr<replica>> replicas;
    std::vector<loop_routes> routes;                          // one a loop
    std::vector<std::unique_ptr<http::server>> open_servers;  // the public API's first, if here
    std::vector<std::unique_ptr<rpc::grpc_server>> grpc_servers;
    std::unique_ptr<http::server> admin_server;

    result<void> open_engines();
    result<void> open_provider();
    result<void> make_replicas();
    result<void> make_routes(replica& one);
    result<void> add_open_routes(http::router& to, replica& one);
    result<void> add_routes_elsewhere(http::router& to, const replica& one);
    std::function<task<result<redrive_report>>(redrive_request)> redriver(replica& one);
    std::vector<part_elsewhere> parts_elsewhere(const replica& one) const;
    result<void> add_admin_routes(http::router& to, replica& one);
    result<void> start_consumers(replica& one);
    void start_rounds();
    result<void> listen_for_customers();
    result<void> listen_for_services();
    void add_gauges();
    task<result<void>> fill_index();
    task<result<void>> begin();
    void begin_when_possible();
    void be_ready();
    sqlite_shop* embedded() const { return stores->embedded(); }
    task<result<void>> wait_for_stores();
    task<result<int>> count_orders();
    task<result<int>> count_dead_letters();
    task<result<int>> compact_index();
    std::vector<dependency> readiness() const;
    task<result<made_operator>> make_operator(replica& one, std::string email);
    task<result<principal>> authenticate(replica& one, std::string credential);
    remote_shop as_remote();
    result<audit_report> audit_now(const audit_progress& told);
    result<std::unique_ptr<backup_stream>> backup_now(const audit_progress& told);
};

}  // namespace stoa
