// From a request to an answer: routing, authentication, authorization, limits, binding, the call,
// the response. Everything an operation row says happens here, once for all rows.
#pragma once

#include "ports/clock.hpp"
#include "runtime/metrics.hpp"
#include "runtime/trace.hpp"
#include "transport/http/message.hpp"
#include "transport/http/server.hpp"
#include "transport/http/upstream.hpp"
#include "transport/middleware/rate_limit.hpp"

#include <map>

namespace stoa::http {

enum class access_log : std::uint8_t { off, changes, all };

struct router_settings {
    milliseconds deadline{15'000};    // of an operation
    rate per_principal{};             // off unless set
    rate per_address_login{200, 20};  // registration, login, guests, password reset
    int in_flight =
        2'000;  // operations at once on a loop; browsing is shed at three quarters of it
    access_log log = access_log::changes;
    std::vector<std::string> cors_origins;  // exact origins; "*" for any (no credentials are used)
    currency_code shop_currency;
};

struct router_needs {
    clock& time;
    random_source& random;
    metrics& measured;
    rate_limiter& limiter;
    // A bearer token or an API key to a principal; unauthenticated otherwise.
    std::function<task<result<principal>>(std::string)> authenticate;
    tracer* traces = nullptr;  // null: off
    // Whether a service token is one of this shop's: its sender passes requests on. Empty: nobody
    // does.
    std::function<bool(std::string_view)> is_service{};
};

// Thread rule: one instance a loop; add() before the server listens.
class router final : public handler {
 public:
    router(router_needs ports, router_settings settings);
    ~router() override;

    // Every row is mounted at its path and its alias. An error names the row that has no policy or
    // whose path binds no member: the program must not start then.
    result<void> add(const service& rows) { return mount_all(rows, nullptr); }
    // The same, answered by a service of another process; who may call, and how often, is looked at
    // here as well.
    result<void> add_elsewhere(const service& rows, upstream& at) { return mount_all(rows, &at); }
    result<void> add(route special);
    // What a GET gets at a path that nothing is mounted at; nothing of it: a problem, as programs
    // do.
    void set_not_found_page(std::function<std::optional<response>(const request&)> page) {
        not_found_page_ = std::move(page);
    }

    task<response> handle(request) override;
    const route* streams(const request& head) override;
    task<> handle_stream(const route&, exchange&) override;
    response refuse(const error& why, int status, const request& head) override;

    std::span<const service> services() const { return services_; }
    const std::vector<std::unique_ptr<route>>& routes() const { return routes_; }

 private:
    struct endpoint;
    struct node;
    struct match {
        endpoint* to = nullptr;
        std::vector<std::pair<std::string_view, std::string>> parameters;
        std::string allow;  // the verbs that exist here, when `to` is null for another verb's sake
    };
    struct progress;

    result<void> mount_all(const service& rows, upstream* elsewhere);
    result<void> mount(verb method, std::string_view path, endpoint& to);
    match find(verb method, std::string_view path) const;

    task<response> answer(request&, const match&, request_context&);
    task<response> call(request&, const match&, request_context&);
    task<std::optional<response>> admit(const request&, endpoint&, request_context&);
    result<record_box> bind(const request&, const match&) const;
    response write(const operation&, const request&, const record_box&,
                   const request_context&) const;
    response preflight(const request&, std::string_view allow, const request_context&) const;
    void add_common_headers(const request&, const endpoint*, const request_context&,
                            response&) const;
    request_context make_context(const request&) const;
    // Begins the request's span and puts it into the context, for what is called under it.
    active_span open_span(const request&, const match&, request_context&) const;
    void finish(const request&, const match&, const request_context&, const response&,
                instant started, active_span& traced);

    router_needs ports_;
    router_settings settings_;
    std::vector<service> services_;
    std::vector<std::unique_ptr<route>> routes_;
    std::vector<std::unique_ptr<endpoint>> endpoints_;
    std::unique_ptr<node> root_;
    std::unique_ptr<endpoint> unmatched_;
    std::function<std::optional<response>(const request&)> not_found_page_;
    int in_flight_ = 0;
    metric_counter shed_;
};

}  // namespace stoa::http
