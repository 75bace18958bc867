#include "apps/stoa/wiring_analytics.hpp"

#include "apps/stoa/backup_pages.hpp"
#include "base/json.hpp"
#include "runtime/log.hpp"
#include "services/activity/activity_events.hpp"
#include "services/analytics/analytics_events.hpp"
#include "transport/http/client.hpp"
#include "transport/http/upstream.hpp"

namespace stoa {
namespace {

constexpr milliseconds live_round{100};
constexpr int heartbeat_rounds = 150;   // 15 s: proxies cut what is silent for longer
constexpr int most_live_streams = 100;  // of a loop: each looks ten times a second
constexpr std::string_view peers_name = "AnalyticsService";
constexpr std::int64_t largest_open_bytes = std::int64_t{64} << 20;  // of one pipeline

std::string frame(const analytics::live_message& of) {
    std::string out;
    if (!of.id.empty()) out += "id: " + of.id + '\n';
    return out + "event: " + of.name + "\ndata: " + of.data + "\n\n";
}

// Until the reader goes, or the shop.
task<> send_live(analytics::analytics_service& from, clock& time,
                 const std::function<bool()>& ending, http::exchange& to,
                 analytics::analytics_service::place at) {
    http::response head{.content_type = "text/event-stream"};
    head.headers.push_back({"Cache-Control", "no-store"});
    head.headers.push_back({"X-Accel-Buffering", "no"});
    if (!co_await to.begin(std::move(head))) co_return;
    if (!co_await to.write_chunk("retry: 1000\n\n")) co_return;
    for (int silent = 0; !ending();) {
        const auto more = co_await from.next_live(at);
        if (!more) break;  // the reader comes again, with its last id
        std::string text;
        for (const auto& each : *more) text += frame(each);
        if (text.empty() && ++silent == heartbeat_rounds) text = ": still here\n\n";
        if (!text.empty()) {
            silent = 0;
            if (!co_await to.write_chunk(std::move(text))) co_return;
        }
        co_await time.sleep(live_round);
    }
    (void)co_await to.finish();
}

}  // namespace

std::vector<const kv_table*> analytics_tables() {
    return {&analytics::product_windows_table, &analytics::windows_table, &analytics::state_table};
}

std::vector<topic_spec> analytics_topics() {
    std::vector<topic_spec> out;
    // Long: what the live stream resumes from, and other houses read (R75).
    for (const auto name :
         {analytics::topic::product_results, analytics::topic::results, analytics::topic::late})
        out.push_back({.name = name, .keep = hours(24 * 90)});
    return out;
}

http::route live_page(analytics::analytics_service* from, clock* time,
                      std::function<bool()> ending) {
    http::route out{.method = verb::get,
                    .path = "/api/v1/analytics/live",
                    .name = "LiveAnalytics",
                    .caller = who::operators,
                    .summary =
                        "Windows as they close, and orders' open windows as they change, as "
                        "server-sent events; Last-Event-ID resumes."};
    out.stream = [from, time, ending = std::move(ending), open = std::make_shared<int>(0)](
                     request_context context, http::exchange& to,
                     http::route::parameters) -> task<> {
        if (*open >= most_live_streams) {
            (void)co_await to.answer(
                http::problem_response({.kind = errc::unavailable,
                                        .code = "too_many_streams",
                                        .detail = "too many live streams are open",
                                        .retry_after_s = 10},
                                       context.request_id));
            co_return;
        }
        auto at = co_await from->live_from(std::string(to.head().find("last-event-id")));
        if (!at) {
            (void)co_await to.answer(http::problem_response(at.error(), context.request_id));
            co_return;
        }
        ++*open;
        const std::shared_ptr<void> leave(nullptr, [open](void*) { --*open; });
        co_await send_live(*from, *time, ending, to, *std::move(at));
    };
    return out;
}

// The service of a loop and its ways to the other processes of the target.
struct analytics_wiring::windower {
    windower(const needs& with, int number, const analytics::definitions& all,
             analytics::source_board& board, const std::vector<std::string>& places)
        : client(with.loops.at(number),
                 http::client_settings{.answer_limit_bytes = largest_open_bytes}),
          rpcs(board, all, with.epoch) {
        const auto shop = with.from.currency("currency");
        std::vector<remote_service*> others;
        for (const auto& place : places) {
            auto& way = ways.emplace_back(std::make_unique<http::upstream>(
                "analytics", std::vector{place},
                http::upstream::needs{with.loops.at(number), client, with.time, with.tokens,
                                      seconds(0)}));
            others.push_back(channels
                                 .emplace_back(std::make_unique<rpc::http_channel>(
                                     *way, std::string(peers_name), shop))
                                 .get());
        }
        peers =
            std::make_unique<analytics::analytics_peers>(std::move(others), with.time, with.epoch);
        service = std::make_unique<analytics::analytics_service>(
            analytics::analytics_service::needs{with.stores.items(), with.stores.log(),
                                                with.stores.blobs(), with.time, with.random,
                                                with.measured, board, peers.get()},
            analytics::analytics_settings{.shop_currency = shop}, all);
    }

    http::async_client client;
    std::vector<std::unique_ptr<http::upstream>> ways;
    std::vector<std::unique_ptr<rpc::http_channel>> channels;
    analytics::analytics_rpcs rpcs;
    std::unique_ptr<analytics::analytics_peers> peers;
    std::unique_ptr<analytics::analytics_service> service;
};

analytics_wiring::analytics_wiring(needs ports) : ports_(std::move(ports)) {
    const auto& all = analytics::definitions::built_in();
    const bool windows = ports_.targets.has(target::analytics);
    if (!windows && !ports_.targets.has(target::activity)) return;
    std::vector<std::string> others;
    for (const auto& each : all.topics())
        if (windows && each.name != activities::topic::raw_events) others.push_back(each.name);
    marks_ = std::make_unique<mark_writer>(ports_.stores.log(), ports_.time, ports_.random,
                                           std::vector{std::string(activities::topic::raw_events)},
                                           std::move(others),
                                           mark_settings{.grid = milliseconds(all.grid_ms())});
}
analytics_wiring::~analytics_wiring() = default;

result<std::unique_ptr<analytics_wiring>> analytics_wiring::make(needs ports) {
    std::unique_ptr<analytics_wiring> out(new analytics_wiring(std::move(ports)));
    STOA_TRY_VOID(out->choose_pipelines());
    STOA_TRY_VOID(out->make_windowers());
    return out;
}

const analytics::definitions& analytics_wiring::pipelines() const {
    return chosen_ ? *chosen_ : analytics::definitions::built_in();
}

result<void> analytics_wiring::choose_pipelines() {
    const auto only = ports_.from.list("analytics_pipelines");
    if (only.empty()) return {};
    auto chosen = analytics::definitions::built_in_of(only);
    if (!chosen)
        return fail(errc::invalid, "bad_setting",
                    "`analytics_pipelines`: " + chosen.error().detail);
    chosen_ = *std::move(chosen);
    return {};
}

result<void> analytics_wiring::make_windowers() {
    if (!ports_.targets.has(target::analytics)) return {};
    std::vector<std::string> places;
    if (!ports_.targets.whole()) {
        STOA_TRY(const auto all, places_of(ports_.from, target::analytics));
        for (const auto& each : all) places.push_back(each.http);
    }
    // One alone is this process.
    if (places.size() == 1) places.clear();
    for (int i = 0; i < ports_.loops.size(); ++i)
        windowers_.push_back(std::make_unique<windower>(ports_, i, pipelines(), board_, places));
    return {};
}

std::vector<service> analytics_wiring::operations(int loop) {
    if (windowers_.empty()) return {};
    return {analytics::operations_of(*windowers_[static_cast<std::size_t>(loop)]->service)};
}

std::vector<rpc::http_service> analytics_wiring::asked_by_peers(int loop) {
    if (windowers_.empty()) return {};
    return {{std::string(peers_name),
             {analytics::rpcs_of(windowers_[static_cast<std::size_t>(loop)]->rpcs)}}};
}

std::vector<http::route> analytics_wiring::pages(int loop) {
    std::vector<http::route> out;
    if (!windowers_.empty())
        out.push_back(live_page(windowers_[static_cast<std::size_t>(loop)]->service.get(),
                                &ports_.time, ports_.ending));
    return out;
}

std::vector<http::route> analytics_wiring::local_pages() {
    std::vector<http::route> out;
    if (windowers_.empty()) return out;
    auto& page = out.emplace_back(http::route{.method = verb::post,
                                              .path = "/local/replay",
                                              .name = "LocalReplay",
                                              .caller = who::operators});
    page.answer = [this](request_context context, http::request from,
                         http::route::parameters) -> task<http::response> {
        if (!is_local(context)) co_return http::problem_response(local_only(), context.request_id);
        auto wanted = from_json<analytics::replay_request>(from.body);
        if (!wanted) co_return http::problem_response(wanted.error(), context.request_id);
        const auto done = co_await replay(*std::move(wanted));
        if (!done) co_return http::problem_response(done.error(), context.request_id);
        http::response answer;
        answer.headers.push_back({"Cache-Control", "no-store"});
        answer.set_body(to_json(*done));
        co_return answer;
    };
    return out;
}

task<result<analytics::replay_report>> analytics_wiring::replay(analytics::replay_request wanted) {
    analytics::log_replay one({ports_.stores.items(), ports_.stores.log(), ports_.stores.blobs()},
                              pipelines());
    co_return co_await one.run(std::move(wanted));
}

result<void> analytics_wiring::start(supervisor& on, lane share) {
    if (!windowers_.empty())
        STOA_TRY_VOID(windowers_[static_cast<std::size_t>(share.index)]->service->start(on, share));
    if (share.index == 0 && marks_) on.spawn("marks", [this] { return write_marks(); });
    return {};
}

task<> analytics_wiring::write_marks() {
    for (bool told = false;;) {
        co_await ports_.time.sleep(milliseconds(250));
        const auto done = co_await marks_->write_due();
        if (!done && !told)
            log_warning("marks_wait",
                        {{"code", done.error().code}, {"detail", done.error().detail}});
        told = !done;
    }
}

}  // namespace stoa
