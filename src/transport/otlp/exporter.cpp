#include "transport/otlp/exporter.hpp"

#include "runtime/log.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::otlp {
namespace {

constexpr milliseconds look_every{100};
constexpr int flush_attempts = 2;

std::string url_of(std::string endpoint) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint + "/v1/traces";
}

// Delay seconds only; a date is as good as nothing here.
milliseconds retry_after(const http_response& answer) {
    const auto text = answer.find("retry-after");
    std::int64_t s = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), s);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || s < 0 ||
        s > 3'600)
        return {};
    return seconds(s);
}

}  // namespace

exporter::exporter(needs ports, exporter_settings settings)
    : ports_(ports),
      settings_(std::move(settings)),
      url_(url_of(settings_.endpoint)),
      exported_(ports_.measured.counter("trace_spans_exported_total",
                                        "Spans that the collector has taken.")),
      refused_(dropped_spans(ports_.measured, "refused")),
      unanswered_(dropped_spans(ports_.measured, "no_answer")) {}

task<> exporter::run() {
    for (;;) {
        co_await wait_for_batch();
        do {
            pending_ = ports_.from.take(settings_.batch);
            if (!pending_.empty()) co_await deliver();
        } while (ports_.from.waiting() >= settings_.batch);
    }
}

task<> exporter::wait_for_batch() {
    const auto until = ports_.time.ticks() + settings_.collect_for;
    while (ports_.time.ticks() < until && ports_.from.waiting() < settings_.batch)
        co_await ports_.time.sleep(std::min(look_every, settings_.collect_for));
}

task<> exporter::deliver() {
    for (int attempt = 1;; ++attempt) {
        const auto how = co_await try_once(settings_.answer_within);
        if (how != fate::again || attempt == settings_.attempts) co_return settle(how);
        const auto wait = std::min<milliseconds>(
            settings_.first_wait * (1LL << std::min(attempt - 1, 16)), settings_.longest_wait);
        // Not before the collector's own wish, nor longer than ours: the queue behind is bounded.
        co_await ports_.time.sleep(std::max(jittered(wait, ports_.random),
                                            std::min(told_to_wait_, settings_.longest_wait)));
    }
}

task<> exporter::flush(milliseconds within) {
    const auto until = ports_.time.ticks() + within;
    const auto left = [&] {
        return std::chrono::duration_cast<milliseconds>(until - ports_.time.ticks());
    };
    for (bool gone = false;;) {
        if (pending_.empty()) pending_ = ports_.from.take(settings_.batch);
        if (pending_.empty()) co_return;
        auto how = fate::again;
        for (int attempt = 1; !gone && attempt <= flush_attempts && how == fate::again; ++attempt) {
            if (attempt > 1)
                co_await ports_.time.sleep(
                    std::min(left(), jittered(settings_.first_wait, ports_.random)));
            if (left() <= milliseconds(0)) break;
            how = co_await try_once(std::min(left(), settings_.answer_within));
        }
        // Once given up, the rest is counted without asking again.
        gone = gone || how == fate::again;
        settle(how);
    }
}

task<exporter::fate> exporter::try_once(milliseconds within) {
    http_request what{.method = "POST",
                      .url = url_,
                      .headers = {{"Content-Type", "application/json"}},
                      .body = traces_json(pending_, settings_.self)};
    const auto answer = co_await ports_.to.send(std::move(what), within);
    told_to_wait_ = {};
    if (!answer) {
        note(false, answer.error().code + ": " + answer.error().detail);
        co_return fate::again;
    }
    const int status = answer->status;
    if (status >= 200 && status < 300) {
        note(true, {});
        co_return fate::taken;
    }
    note(false, "status " + std::to_string(status));
    const bool passing = status == 429 || status == 502 || status == 503 || status == 504;
    if (passing) told_to_wait_ = retry_after(*answer);
    co_return passing ? fate::again : fate::refused;
}

void exporter::settle(fate how) {
    const auto& counter = how == fate::taken     ? exported_
                          : how == fate::refused ? refused_
                                                 : unanswered_;
    counter.add(static_cast<double>(pending_.size()));
    pending_.clear();
}

// A collector that is away for a day is two lines in the log, not a hundred thousand.
void exporter::note(bool reachable, std::string_view why) {
    if (reachable == std::exchange(reachable_, reachable)) return;
    if (reachable) log_info("traces_sent_again", {{"to", url_}});
    else log_warning("traces_not_sent", {{"to", url_}, {"why", why}});
}

}  // namespace stoa::otlp
