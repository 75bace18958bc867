#include "services/analytics/analytics_service.hpp"

#include "runtime/log.hpp"
#include "services/analytics/analytics_events.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::analytics {
namespace {

constexpr int usual_windows = 60, usual_product_windows = 10;
constexpr int most_live = 200;  // results of a partition in one look

// The pipelines whose open windows the live stream shows: few rows, and what a person watches.
constexpr std::string_view shown_live[] = {"orders_by_minute", "captured_by_minute",
                                           "viewers_by_minute"};

std::string name_of(period of) {
    switch (of) {
        case period::minute:
            return "orders_by_minute";
        case period::hour:
            return "orders_by_hour";
        case period::day:
            return "orders_by_day";
    }
    return {};
}

std::string name_of(payments_by of) {
    switch (of) {
        case payments_by::overall:
            return "payments_overall";
        case payments_by::status:
            return "payments_by_status";
        case payments_by::user:
            return "payments_by_user";
    }
    return {};
}

source_report saved_report(const std::string& topic, const topic_position& place,
                           const std::optional<item>& saved) {
    source_report out{.topic = topic, .partition = place.partition};
    if (!saved) return out;
    out.next_offset = saved->integer("next_offset");
    out.events = saved->integer("events");
    out.late = saved->integer("late");
    out.bad = saved->integer("bad");
    if (const auto mark = saved->integer("mark_ms", no_mark); mark != no_mark)
        out.mark = timestamp{mark * 1'000};
    return out;
}

std::string id_of(const std::vector<std::int64_t>& offsets) {
    std::string out;
    for (const auto each : offsets) out += (out.empty() ? "" : ".") + std::to_string(each);
    return out;
}

std::optional<std::vector<std::int64_t>> read_id(std::string_view text) {
    std::vector<std::int64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        std::int64_t one = 0;
        const auto read = std::from_chars(at, end, one);
        if (read.ec != std::errc{} || one < 0) return {};
        out.push_back(one);
        if (read.ptr == end) return out;
        if (*read.ptr != '.') return {};
        at = read.ptr + 1;
    }
}

}  // namespace

void source_board::add(std::shared_ptr<const source> one) {
    const std::scoped_lock lock(mutex_);
    all_.push_back(std::move(one));
}
std::vector<std::shared_ptr<const source>> source_board::all() const {
    const std::scoped_lock lock(mutex_);
    return all_;
}

analytics_service::analytics_service(needs ports, analytics_settings settings,
                                     const definitions& all)
    : ports_(ports),
      settings_(settings),
      all_(all),
      bytes_(ports.blobs, ports.random),
      merger_({ports.items, ports.log, bytes_, ports.blobs}, all,
              settings.sources.outputs_at_once) {}

source& analytics_service::source_of(const std::string& topic, int partition) {
    auto& one = sources_[{topic, partition}];
    if (!one) {
        one = std::make_shared<source>(
            source::needs{ports_.items, ports_.log, bytes_, ports_.time, ports_.measured}, all_,
            *all_.find_topic(topic), partition, settings_.sources);
        ports_.board.add(one);
    }
    return *one;
}

task<result<void>> analytics_service::take(delivery_batch batch) {
    co_return co_await source_of(batch.topic, batch.partition).take(batch.events);
}

result<void> analytics_service::start(supervisor& on, lane share) {
    std::vector<std::string> topics;
    for (const auto& each : all_.topics()) topics.push_back(each.name);
    STOA_TRY(auto from, ports_.log.subscribe(std::string(group), std::move(topics), share));
    on.spawn(
        "analytics", [this, f = std::move(from)]() mutable -> task<> { return read(std::move(f)); },
        importance::essential);
    if (share.index == 0) on.spawn("analytics windows", [this] { return merge_rounds(); });
    return {};
}

task<> analytics_service::read(std::unique_ptr<subscription> from) {
    for (;;) {
        auto batch = co_await from->next(settings_.batch);
        if (!batch) {
            log_warning("consumer_waits", {{"group", group}, {"code", batch.error().code}});
            co_await ports_.time.sleep(jittered(settings_.longest_wait / 10, ports_.random));
            continue;
        }
        if (batch->events.empty()) continue;
        const auto next = batch->events.back().offset + 1;
        auto& to = source_of(batch->topic, batch->partition);
        // Nothing but the stores can be in the way: it is tried until it is in.
        for (auto wait = settings_.first_wait;;) {
            const auto taken = co_await to.take(batch->events);
            if (taken) break;
            log_warning("analytics_waits", {{"topic", batch->topic},
                                            {"partition", batch->partition},
                                            {"code", taken.error().code},
                                            {"detail", taken.error().detail}});
            co_await ports_.time.sleep(jittered(wait, ports_.random));
            wait = std::min(wait * 2, settings_.longest_wait);
        }
        while (!co_await from->done(batch->topic, batch->partition, next))
            co_await ports_.time.sleep(jittered(settings_.first_wait, ports_.random));
    }
}

task<> analytics_service::merge_rounds() {
    std::vector<std::int64_t> seen;
    for (int idle = 0;;) {
        co_await ports_.time.sleep(settings_.merge_every);
        // Other processes' marks are in the store only: looked at now and then.
        std::vector<std::int64_t> marks;
        for (const auto& each : ports_.board.all()) marks.push_back(each->durable_mark_ms());
        if (marks == seen && ++idle < 25) continue;
        const auto done = co_await merger_.round();
        if (!done) {
            log_warning("analytics_merge_waits", {{"code", done.error().code}});
            continue;
        }
        idle = 0;
        seen = std::move(marks);
    }
}

task<result<product_windows>> analytics_service::get_product_windows(request_context,
                                                                     product_request what) {
    static constexpr std::string_view name = "product_viewers";
    product_windows out{.product_id = what.product_id};
    const auto limit = what.limit.value_or(usual_product_windows);
    if (what.live.value_or(false)) {
        const auto& of = *all_.find(name);
        STOA_CO_TRY(const auto open, co_await open_anywhere(of, what.product_id));
        for (const auto& [when, cells] : open)
            for (const auto& row : rows_of(of, when.first, when.second, cells))
                out.windows.push_back({timestamp{row.start_ms * 1'000},
                                       timestamp{row.end_ms * 1'000}, row.values.front().number,
                                       true});
        std::ranges::sort(out.windows, std::ranges::greater{}, &product_window::window_start);
        if (std::ssize(out.windows) > limit) out.windows.resize(static_cast<std::size_t>(limit));
    }
    if (std::ssize(out.windows) == limit) co_return out;
    STOA_CO_TRY(const auto page, co_await ports_.items.query(
                                     {.table = &product_windows_table,
                                      .hash = what.product_id,
                                      .forwards = false,
                                      .limit = limit - static_cast<int>(out.windows.size())}));
    for (const auto& each : page.items) {
        STOA_CO_TRY(auto one, from_item<product_window>(each));
        out.windows.push_back(std::move(one));
    }
    co_return out;
}

// In this process and, where there are others of the target, in those.
task<result<analytics_service::windows_of>> analytics_service::open_anywhere(
    const pipeline& of, std::optional<std::string> key) {
    windows_of out;
    const auto* one = key ? &*key : nullptr;
    if (!ports_.peers || ports_.peers->none()) {
        for (const auto& each : ports_.board.all()) each->add_open(of, out, one);
        co_return out;
    }
    auto all = co_await ports_.peers->ask({of.is->name, key});
    for (const auto& each : ports_.board.all())
        if (each->is_of(of)) all.push_back(each->open(of, one));
    STOA_CO_TRY_VOID(add_furthest(of, std::move(all), out));
    co_return out;
}

// What is open, with the shares that wait.
task<result<std::vector<row>>> analytics_service::open_rows(const pipeline& of) {
    STOA_CO_TRY(auto open, co_await open_anywhere(of, {}));
    if (!of.local) STOA_CO_TRY_VOID(co_await merger_.add_shares(of, open));
    std::vector<row> out;
    for (const auto& [when, cells] : open)
        for (auto& each : rows_of(of, when.first, when.second, cells))
            out.push_back(std::move(each));
    co_return out;
}

template <class Window>
task<result<std::vector<Window>>> analytics_service::windows(std::string_view pipeline,
                                                             windows_request what) {
    std::vector<Window> out;
    const auto limit = what.limit.value_or(usual_windows);
    if (what.live.value_or(false)) {
        STOA_CO_TRY(const auto open, co_await open_rows(*all_.find(pipeline)));
        for (const auto& each : open) {
            STOA_CO_TRY(auto one, from_item<Window>(item_of(each), settings_.shop_currency));
            if (what.from && one.window_start < *what.from) continue;
            if (what.until && one.window_start >= *what.until) continue;
            one.provisional = true;
            out.push_back(std::move(one));
        }
        std::ranges::reverse(out);  // newest first, as those that are closed
    }
    if (std::ssize(out) < limit) {
        STOA_CO_TRY(
            const auto closed,
            co_await closed_windows(ports_.items, std::string(pipeline),
                                    {what.from, what.until, limit - static_cast<int>(out.size())}));
        for (const auto& each : closed) {
            STOA_CO_TRY(auto one, from_item<Window>(each, settings_.shop_currency));
            out.push_back(std::move(one));
        }
    }
    if (std::ssize(out) > limit) out.resize(static_cast<std::size_t>(limit));
    co_return out;
}

task<result<order_windows>> analytics_service::list_order_windows(request_context,
                                                                  orders_request what) {
    const auto name = name_of(what.per.value_or(period::minute));
    STOA_CO_TRY(auto all, co_await windows<order_window>(name, what));
    co_return order_windows{std::move(all)};
}
task<result<captured_windows>> analytics_service::list_captured_windows(request_context,
                                                                        windows_request what) {
    STOA_CO_TRY(auto all, co_await windows<captured_window>("captured_by_minute", what));
    co_return captured_windows{std::move(all)};
}
task<result<payment_windows>> analytics_service::list_payment_windows(request_context,
                                                                      payments_request what) {
    const auto name = name_of(what.by.value_or(payments_by::overall));
    STOA_CO_TRY(auto all, co_await windows<payment_window>(name, what));
    co_return payment_windows{std::move(all)};
}
task<result<funnel_windows>> analytics_service::list_funnel_windows(request_context,
                                                                    windows_request what) {
    STOA_CO_TRY(auto all, co_await windows<funnel_window>("funnel", what));
    co_return funnel_windows{std::move(all)};
}
task<result<viewer_windows>> analytics_service::list_viewer_windows(request_context,
                                                                    windows_request what) {
    STOA_CO_TRY(auto all, co_await windows<viewer_window>("viewers_by_minute", what));
    co_return viewer_windows{std::move(all)};
}
task<result<top_windows>> analytics_service::list_top_products(request_context,
                                                               windows_request what) {
    if (!what.limit) what.limit = 1;
    STOA_CO_TRY(auto all, co_await windows<top_window>("top_products", what));
    co_return top_windows{std::move(all)};
}

task<result<source_reports>> analytics_service::list_sources(request_context, no_request) {
    source_reports out;
    const auto here = ports_.board.all();
    for (const auto& topic : all_.topics()) {
        STOA_CO_TRY(const auto places, co_await ports_.log.positions(topic.name));
        for (const auto& place : places) {
            const auto mine = std::ranges::find_if(
                here, [&](const auto& each) { return each->is(topic.name, place.partition); });
            // As it was saved, where another process windows it or nothing has come since a start.
            const auto key = source::pointer_key(topic.name, place.partition);
            STOA_CO_TRY(const auto saved, co_await ports_.items.get(state_table, key));
            out.sources.push_back(mine != here.end() ? (*mine)->report()
                                                     : saved_report(topic.name, place, saved));
        }
    }
    co_return out;
}

task<result<analytics_service::place>> analytics_service::live_from(std::string last_event_id) {
    STOA_CO_TRY(const auto all, co_await ports_.log.positions(std::string(topic::results)));
    place out;
    out.offsets.resize(all.size());
    for (const auto& each : all) out.offsets[static_cast<std::size_t>(each.partition)] = each.end;
    if (last_event_id.empty()) co_return out;
    auto asked = read_id(last_event_id);
    if (!asked || asked->size() != out.offsets.size())
        co_return fail(errc::invalid, "last_event_id",
                       "Last-Event-ID is none of this stream's; begin without one");
    for (std::size_t i = 0; i < asked->size(); ++i)
        out.offsets[i] = std::min((*asked)[i], out.offsets[i]);
    co_return out;
}

task<result<std::vector<live_message>>> analytics_service::next_live(place& at) {
    std::vector<live_message> out;
    for (std::size_t p = 0; p < at.offsets.size(); ++p) {
        STOA_CO_TRY(auto more,
                    co_await ports_.log.read(std::string(topic::results), static_cast<int>(p),
                                             at.offsets[p], most_live));
        for (auto& each : more) {
            at.offsets[p] = each.offset + 1;
            if (each.message.type == mark_type) continue;
            out.push_back({id_of(at.offsets), "window", std::move(each.message.payload)});
        }
    }
    std::map<std::string, std::string> open;
    for (const auto name : shown_live) {
        STOA_CO_TRY(const auto rows, co_await open_rows(*all_.find(name)));
        for (const auto& each : rows) {
            auto text = json_of(each);
            auto key = std::string(name) + '/' + std::to_string(each.start_ms) + '/' + each.key;
            const auto before = at.shown.find(key);
            if (before == at.shown.end() || before->second != text)
                out.push_back({{}, "provisional", text});
            open.emplace(std::move(key), std::move(text));
        }
    }
    at.shown = std::move(open);
    co_return out;
}

}  // namespace stoa::analytics
