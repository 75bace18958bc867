#include "transport/events/consumer.hpp"

#include "base/planted.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "transport/events/apply.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace stoa {
namespace {

// One group's loop over its share of the partitions. Lives as long as the supervisor's task.
class consumer_loop {
 public:
    consumer_loop(event_consumer what, event_log& log, clock& time, random_source& random,
                  metrics& measured, supervisor& on, consumer_settings settings, tracer* traces)
        : what_(what),
          log_(log),
          time_(time),
          random_(random),
          settings_(settings),
          on_(on),
          traces_(traces) {
        const auto outcome = [&](const char* word) {
            return measured.counter("events_consumed_total",
                                    "Events a consumer group has dealt with.",
                                    {{"group", std::string(what_.group)}, {"outcome", word}});
        };
        applied_ = outcome("applied");
        retried_ = outcome("retried");
        parked_ = outcome("dead_letter");
        delay_ = measured.duration("event_delay_seconds",
                                   "From an event's own time to the end of its effect, by group.",
                                   {{"group", std::string(what_.group)}});
    }

    task<> run(std::unique_ptr<subscription> from) {
        for (;;) {
            auto batch = co_await from->next(settings_.batch);
            if (!batch) {
                co_await wait_after(batch.error());
                continue;
            }
            if (batch->events.empty()) continue;
            const auto next_offset = batch->events.back().offset + 1;
            if (planted(planted_bug::offset_goes_before_the_effect))
                (void)co_await from->done(batch->topic, batch->partition, next_offset);
            co_await apply(batch->events);
            crash_point("events_applied");
            for (;;) {
                const auto stored =
                    co_await from->done(batch->topic, batch->partition, next_offset);
                if (stored) break;
                co_await wait_after(stored.error());
            }
            crash_point("offset_stored");
        }
    }

 private:
    // Keys run side by side, the events of one key one after another.
    task<> apply(std::vector<delivery>& events) {
        if (events.size() == 1) {
            co_await apply_one(std::move(events.front()));
            co_return;
        }
        std::map<std::string_view, std::vector<delivery*>> by_key;
        for (auto& each : events) by_key[each.message.key].push_back(&each);
        supervisor chains(on_.on());
        std::size_t undone = events.size();
        for (auto& [key, chain] : by_key)
            chains.spawn("consume " + std::string(what_.group),
                         [this, &undone, events_of_key = &chain]() -> task<> {
                             return apply_chain(*events_of_key, undone);
                         });
        co_await chains.idle();
        if (undone == 0) co_return;
        // What a chain throws stays with its supervisor. Told to end, each has thrown, and so do
        // we; otherwise the batch must not count: this task is essential, and is begun anew with
        // the process.
        const auto asked = co_await asio::this_coro::cancellation_state;
        if (asked.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
        throw std::runtime_error(std::to_string(undone) + " events of a batch were left undone");
    }
    task<> apply_chain(std::vector<delivery*>& chain, std::size_t& undone) {
        for (delivery* each : chain) {
            co_await apply_one(std::move(*each));
            --undone;
        }
    }

    task<> apply_one(delivery what) {
        const event_handler* row = handler_of(what_, what.message);
        if (!row) co_return;
        for (int attempt = 1;; ++attempt) {
            const auto done = co_await attempt_once(*row, what, attempt);
            if (done) {
                applied_.add();
                const auto micros = time_.now().micros - what.message.occurred_at.micros;
                delay_.observe(static_cast<double>(micros) / 1e6);
                co_return;
            }
            retried_.add();
            log_warning("event_retried", {{"group", what.group},
                                          {"type", what.message.type},
                                          {"key", what.message.key},
                                          {"attempt", attempt},
                                          {"code", done.error().code}});
            co_await time_.sleep(backoff(attempt));
        }
    }

    // True: the event is dealt with (applied or parked). An error is transient.
    task<result<void>> attempt_once(const event_handler& row, const delivery& what, int attempt) {
        auto parked = co_await log_.is_parked(what.group, what.message.topic, what.message.key);
        if (!parked) co_return std::unexpected(std::move(parked).error());
        if (*parked)
            co_return co_await park(what, {.kind = errc::conflict, .code = "behind_a_dead_letter"},
                                    0);
        auto applied = co_await call(row, what);
        if (!applied && planted(planted_bug::failing_event_is_passed_over))
            co_return result<void>{};
        if (applied || (is_transient(applied.error().kind) &&
                        !planted(planted_bug::waiting_would_help_and_is_not_tried)))
            co_return applied;
        co_return co_await park(what, std::move(applied).error(), attempt);
    }

    task<result<void>> call(const event_handler& row, delivery what) {
        auto traced = open_span(what);
        if (traces_) what.message.traceparent = traced.traceparent();
        auto applied = co_await apply_event(row, what_.service, std::move(what));
        if (!applied) traced.fail(applied.error().code);
        co_return applied;
    }
    active_span open_span(const delivery& what) const {
        if (!traces_) return {};
        active_span out(traces_, what.message.traceparent, "process " + what.message.type,
                        span_kind::consumer);
        out.set("messaging.operation.type", "process");
        out.set("messaging.destination.name", what.message.topic);
        out.set("messaging.consumer.group.name", what.group);
        return out;
    }

    task<result<void>> park(delivery what, error cause, int attempts) {
        log_error("event_dead_lettered", {{"group", what.group},
                                          {"topic", what.message.topic},
                                          {"type", what.message.type},
                                          {"key", what.message.key},
                                          {"event_id", what.message.id},
                                          {"code", cause.code},
                                          {"detail", cause.detail}});
        auto stored = co_await log_.park(std::move(what), std::move(cause), attempts);
        if (stored) parked_.add();
        co_return stored;
    }

    task<> wait_after(const error& why) {
        log_warning("consumer_waits", {{"group", what_.group}, {"code", why.code}});
        co_await time_.sleep(backoff(3));
    }
    milliseconds backoff(int attempt) {
        auto wait = settings_.first_wait * (1LL << std::min(attempt - 1, 16));
        return jittered(std::min<milliseconds>(wait, settings_.longest_wait), random_);
    }
    event_consumer what_;
    event_log& log_;
    clock& time_;
    random_source& random_;
    consumer_settings settings_;
    supervisor& on_;
    tracer* traces_;
    metric_counter applied_, retried_, parked_;
    metric_histogram delay_;
};

task<> run_consumer(std::unique_ptr<consumer_loop> consumer, std::unique_ptr<subscription> from) {
    co_await consumer->run(std::move(from));
}

}  // namespace

result<void> start_consumer(event_consumer what, event_log& log, clock& time, random_source& random,
                            metrics& measured, supervisor& on, lane share,
                            consumer_settings settings, tracer* traces) {
    std::vector<std::string> topics;
    for (const auto& row : what.handlers)
        if (std::ranges::find(topics, row.topic) == topics.end()) topics.emplace_back(row.topic);
    STOA_TRY(auto from, log.subscribe(std::string(what.group), std::move(topics), share));
    auto consumer =
        std::make_unique<consumer_loop>(what, log, time, random, measured, on, settings, traces);
    on.spawn(
        "consumer " + std::string(what.group),
        [c = std::move(consumer), f = std::move(from)]() mutable {
            return run_consumer(std::move(c), std::move(f));
        },
        importance::essential);
    return {};
}

}  // namespace stoa
