#include "services/analytics/analytics_source.hpp"

#include "base/json.hpp"
#include "base/planted.hpp"
#include "runtime/log.hpp"
#include "services/analytics/analytics_events.hpp"
#include "services/analytics/analytics_remote.hpp"

#include <algorithm>

namespace stoa::analytics {
namespace {

constexpr std::string_view pointer = "pointer";
constexpr std::size_t largest_quoted = 200'000;  // bytes of a late event's payload

std::string id_of(std::string_view topic, int partition) {
    return "source/" + std::string(topic) + '/' + std::to_string(partition);
}

// Shares of a window stand together, earlier windows first.
std::string share_part(std::int64_t end_ms, std::string_view topic, int partition) {
    auto digits = std::to_string(end_ms);
    digits.insert(0, 15 - std::min<std::size_t>(15, digits.size()), '0');
    return digits + '/' + std::string(topic) + '/' + std::to_string(partition);
}

metric_counter count(metrics& in, std::string_view outcome, const std::string& topic) {
    return in.counter("analytics_events_total",
                      "Events that analytics has taken in, by what came "
                      "of them.",
                      {{"topic", topic}, {"outcome", std::string(outcome)}});
}

}  // namespace

source::source(needs ports, const definitions& all, const topic_definition& topic, int partition,
               source_settings settings)
    : ports_(ports),
      all_(all),
      topic_(topic),
      partition_(partition),
      settings_(settings),
      engine_(std::make_unique<engine>(all, topic)),
      events_(count(ports.measured, "windowed", topic.name)),
      late_(count(ports.measured, "late", topic.name)),
      bad_(count(ports.measured, "bad", topic.name)),
      rows_(ports.measured.counter("analytics_results_total", "Results put out.",
                                   {{"topic", topic.name}})) {}

item source::pointer_key(std::string_view topic, int partition) {
    return key_of("id", id_of(topic, partition), "part", pointer);
}

error source::lost() const {
    return {.kind = errc::conflict,
            .code = "analytics_taken_over",
            .detail = "another process windows " + topic_.name + '/' + std::to_string(partition_)};
}

task<result<void>> source::load() {
    const auto key = pointer_key(topic_.name, partition_);
    STOA_CO_TRY(auto found, co_await ports_.items.get(state_table, key));
    auto fresh = std::make_unique<engine>(all_, topic_);
    if (!found) {
        auto first = key;
        first.set("generation", 0);
        first.set("emitted", 0);
        first.set("mark_ms", no_mark);
        write_set begin;
        begin.put(state_table, first, {absent("id")});
        STOA_CO_TRY(const auto done, co_await ports_.items.write(std::move(begin)));
        if (!done.committed()) co_return fail(lost());
        found = std::move(first);
    } else if (found->integer("generation") > 0) {
        STOA_CO_TRY(const auto bytes, co_await ports_.bytes.get(*found));
        STOA_CO_TRY_VOID(fresh->restore(bytes));
    }
    pointer_ = *std::move(found);
    generation_ = pointer_.integer("generation");
    emitted_ = to_drop_ = pointer_.integer("emitted");
    if (planted(planted_bug::window_results_go_again)) to_drop_ = 0;
    waiting_.clear();
    events_since_save_ = 0;
    saved_at_ = ports_.time.ticks();
    durable_mark_ms_ = pointer_.integer("mark_ms", no_mark);
    {
        const std::scoped_lock lock(mutex_);
        engine_ = std::move(fresh);
    }
    loaded_ = true;
    co_return result<void>{};
}

// What the group has passed and our state has not: the events since it was saved.
task<result<void>> source::read_up_to(std::int64_t offset) {
    while (engine_->next_offset() < offset) {
        STOA_CO_TRY(auto more,
                    co_await ports_.log.read(topic_.name, partition_, engine_->next_offset(),
                                             settings_.read_at_once));
        std::erase_if(more, [&](const delivery& d) { return d.offset >= offset; });
        if (more.empty()) co_return result<void>{};  // the rest is not kept any more
        if (engine_->next_offset() > 0 && more.front().offset > engine_->next_offset())
            log_error("analytics_events_gone",
                      {{"topic", topic_.name},
                       {"partition", partition_},
                       {"events", more.front().offset - engine_->next_offset()}});
        apply(more);
        STOA_CO_TRY_VOID(co_await flush());
    }
    co_return result<void>{};
}

void source::apply(std::span<const delivery> events) {
    std::vector<output> out;
    const std::scoped_lock lock(mutex_);
    for (const auto& each : events) {
        if (each.offset < engine_->next_offset() &&
            !planted(planted_bug::event_counts_again_after_a_death))
            continue;
        const auto& what = each.message;
        engine_->apply(
            {each.offset, what.id, what.type, what.payload, what.occurred_at.micros / 1'000}, out);
        ++events_since_save_;
        for (auto& one : out) {
            if (to_drop_ > 0) {
                --to_drop_;
                continue;
            }
            waiting made{.what = std::move(one)};
            if (made.what.what == output::is::late || made.what.what == output::is::bad) {
                made.about = each;
                made.about->group = group;  // also where it was read without one
            }
            waiting_.push_back(std::move(made));
        }
        out.clear();
    }
    events_.add(static_cast<double>(events.size()));
}

task<result<void>> source::take(std::span<const delivery> events) {
    if (events.empty()) co_return result<void>{};
    if (!loaded_) STOA_CO_TRY_VOID(co_await load());
    // What an earlier call could not bring out.
    auto done = co_await flush();
    if (done && events.front().offset > engine_->next_offset())
        done = co_await read_up_to(events.front().offset);
    if (done) {
        apply(events);
        if (planted(planted_bug::window_state_goes_before_its_results)) done = co_await save();
        if (done) done = co_await flush();
    }
    if (done) done = co_await save_if_due();
    if (!done && done.error().kind == errc::conflict) loaded_ = false;
    co_return done;
}

task<result<void>> source::flush() {
    for (;;) {
        const auto count = std::min(waiting_.size(), settings_.outputs_at_once);
        const bool moved = engine_->mark_ms() > durable_mark_ms_.load();
        if (count == 0 && !moved) co_return result<void>{};
        STOA_CO_TRY_VOID(co_await put_out(count));
    }
}

task<result<void>> source::put_out(std::size_t count) {
    write_set all;
    // With the last output, not before: who merges takes it for a promise. Reading anew, we are
    // behind what we promised.
    const auto mark = std::max(engine_->mark_ms(), durable_mark_ms_.load());
    const bool last = count == waiting_.size();
    std::vector<change> changes{set_to("emitted", emitted_ + static_cast<std::int64_t>(count))};
    if (last) changes.push_back(set_to("mark_ms", mark));
    all.update(state_table, pointer_key(topic_.name, partition_), std::move(changes),
               planted(planted_bug::window_pointer_taken_unseen)
                   ? std::vector<condition>{}
                   : std::vector{equals("generation", generation_), equals("emitted", emitted_)});
    for (std::size_t i = 0; i < count; ++i) STOA_CO_TRY_VOID(co_await add_output(all, waiting_[i]));
    STOA_CO_TRY(const auto done, co_await ports_.items.write(std::move(all)));
    if (!done.committed()) co_return fail(lost());
    emitted_ += static_cast<std::int64_t>(count);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    if (last) durable_mark_ms_ = mark;
    co_return result<void>{};
}

task<result<void>> source::add_output(write_set& to, waiting& one) {
    switch (one.what.what) {
        case output::is::row: {
            const auto& row = one.what.row;
            to.put(is_by_product(*row.of) ? product_windows_table : windows_table, item_of(row));
            if (row.of->is->results.topic) to.publish(event_of(row));
            rows_.add();
            break;
        }
        case output::is::part: {
            item share = key_of("id", "share/" + one.what.of->is->name, "part",
                                share_part(one.what.end_ms, topic_.name, partition_));
            share.set("start_ms", one.what.start_ms);
            share.set("end_ms", one.what.end_ms);
            STOA_CO_TRY_VOID(co_await ports_.bytes.put(
                share,
                "shares/" + one.what.of->is->name + '/' + std::to_string(one.what.end_ms) + '-' +
                    topic_.name + '-' + std::to_string(partition_),
                one.what.bytes));
            to.put(state_table, std::move(share));
            break;
        }
        case output::is::late:
            late_.add();
            to.publish(late_event(one));
            break;
        case output::is::bad:
            bad_.add();
            // A second time, after a death, it only says so again.
            STOA_CO_TRY_VOID(co_await ports_.log.park(
                *one.about,
                {.kind = errc::invalid, .code = one.what.why.code, .detail = one.what.why.detail},
                1));
            break;
    }
    co_return result<void>{};
}

event source::late_event(const waiting& one) const {
    event out = one.about->message;
    out.topic = topic::late;
    out.type = "late";
    auto& text = out.payload;
    std::string event = std::exchange(text, {});
    text = R"({"topic":)";
    append_json_string(text, topic_.name);
    text += R"(,"partition":)" + std::to_string(partition_) + R"(,"offset":)" +
            std::to_string(one.what.offset) + R"(,"pipelines":[)";
    for (const auto name : one.what.pipelines) {
        if (text.back() != '[') text += ',';
        append_json_string(text, name);
    }
    text += ']';
    // A larger one is in its topic, at its offset.
    if (event.size() <= largest_quoted) text += R"(,"event":)" + event;
    text += '}';
    return out;
}

task<result<void>> source::save_if_due() {
    if (events_since_save_ == 0) co_return result<void>{};
    const auto since = ports_.time.ticks() - saved_at_;
    if (since < save_took_ * settings_.save_share) co_return result<void>{};
    if (events_since_save_ < settings_.save_after_events && since < settings_.save_every)
        co_return result<void>{};
    co_return co_await save();
}

// With everything out that there was: what is left to drop is out beyond this state.
task<result<void>> source::save() {
    const auto began = ports_.time.ticks();
    std::string state;
    {
        const std::scoped_lock lock(mutex_);
        state = engine_->save();
    }
    auto next = pointer_key(topic_.name, partition_);
    next.set("generation", generation_ + 1);
    next.set("emitted", to_drop_);
    next.set("mark_ms", durable_mark_ms_.load());
    next.set("next_offset", engine_->next_offset());
    const auto counts = engine_->counts();
    next.set("events", counts.events);
    next.set("late", counts.late);
    next.set("bad", counts.bad);
    STOA_CO_TRY_VOID(co_await ports_.bytes.put(
        next, "sources/" + topic_.name + '/' + std::to_string(partition_), std::move(state)));
    write_set all;
    all.put(state_table, next, {equals("generation", generation_), equals("emitted", emitted_)});
    STOA_CO_TRY(const auto done, co_await ports_.items.write(std::move(all)));
    if (!done.committed()) {
        co_await ports_.bytes.forget(std::move(next));
        co_return fail(lost());
    }
    co_await ports_.bytes.forget(std::exchange(pointer_, std::move(next)));
    ++generation_;
    emitted_ = to_drop_;
    events_since_save_ = 0;
    saved_at_ = ports_.time.ticks();
    save_took_ = saved_at_ - began;
    co_return result<void>{};
}

source_report source::report() const {
    const std::scoped_lock lock(mutex_);
    source_report out{.topic = topic_.name,
                      .partition = partition_,
                      .next_offset = engine_->next_offset(),
                      .events = engine_->counts().events,
                      .late = engine_->counts().late,
                      .bad = engine_->counts().bad};
    if (engine_->mark_ms() != no_mark) out.mark = timestamp{engine_->mark_ms() * 1'000};
    return out;
}

std::vector<row> source::open_rows(const pipeline& of, const std::string* key) const {
    const std::scoped_lock lock(mutex_);
    return engine_->open_rows(of, key);
}

void source::add_open(const pipeline& of,
                      std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to,
                      const std::string* key) const {
    const std::scoped_lock lock(mutex_);
    engine_->add_open(of, to, key);
}

open_partition source::open(const pipeline& of, const std::string* key) const {
    const std::scoped_lock lock(mutex_);
    open_partition out{
        .topic = topic_.name, .partition = partition_, .next_offset = engine_->next_offset()};
    std::map<std::pair<std::int64_t, std::int64_t>, cell_table> open;
    engine_->add_open(of, open, key);
    for (const auto& [when, cells] : open) {
        byte_writer bytes;
        cells.write(bytes);
        out.windows.push_back({when.first, when.second, base64(bytes.take())});
    }
    return out;
}

}  // namespace stoa::analytics
