// One partition of one topic, from the log to its windows' results: exactly once, whatever dies.
//
// Everything that the engine puts out has a number since the saved state; the pointer item holds
// the state, its place in the log and how many of these outputs are out. Outputs and that count are
// one transaction. Whoever starts again takes the state, reads the log from there, and drops as
// many outputs as were out: the engine puts the same out again, in the same order. Of two that
// believe the partition theirs, the pointer's condition lets one go on.
#pragma once

#include "ports/clock.hpp"
#include "ports/event_log.hpp"
#include "runtime/metrics.hpp"
#include "services/analytics/analytics_store.hpp"

#include <algorithm>
#include <mutex>
#include <span>

namespace stoa::analytics {

inline constexpr std::string_view group = "analytics";

struct open_partition;

struct source_settings {
    milliseconds save_every{5'000};
    std::int64_t save_after_events = 200'000;
    // Saving takes at most one part in so many of the time; who starts again reads so much longer.
    int save_share = 20;
    std::size_t outputs_at_once = 45;  // each may be two writes, of a hundred
    int read_at_once = 1'000;
};

// Thread rule: its loop's, but report(), open_rows() and add_open(), which any thread may call.
class source {
 public:
    struct needs {
        key_value& items;
        event_log& log;
        byte_store& bytes;
        clock& time;
        metrics& measured;
    };
    source(needs ports, const definitions& all, const topic_definition& topic, int partition,
           source_settings settings);

    // Takes a batch of the partition in; it lives until then. `conflict`: another process has gone
    // on from our state; what is here is dropped and read anew with the next call.
    task<result<void>> take(std::span<const delivery> events);

    bool is(std::string_view topic, int partition) const {
        return topic_.name == topic && partition_ == partition;
    }
    source_report report() const;
    std::vector<row> open_rows(const pipeline& of, const std::string* key) const;
    void add_open(const pipeline& of,
                  std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to,
                  const std::string* key) const;
    // What is open, for a process that windows other partitions.
    open_partition open(const pipeline& of, const std::string* key) const;
    bool is_of(const pipeline& of) const {
        return std::ranges::find(of.is->inputs, topic_.name, &input_definition::topic) !=
               of.is->inputs.end();
    }
    // Of the last that is durable; no_mark before.
    std::int64_t durable_mark_ms() const { return durable_mark_ms_.load(); }

    static item pointer_key(std::string_view topic, int partition);

 private:
    struct waiting {
        output what;
        std::optional<delivery> about;  // late and bad: the event
    };
    task<result<void>> load();
    task<result<void>> read_up_to(std::int64_t offset);
    void apply(std::span<const delivery> events);
    task<result<void>> flush();
    task<result<void>> put_out(std::size_t count);
    task<result<void>> add_output(write_set& to, waiting& one);
    event late_event(const waiting& one) const;
    task<result<void>> save_if_due();
    task<result<void>> save();
    error lost() const;

    needs ports_;
    const definitions& all_;
    const topic_definition& topic_;
    const int partition_;
    source_settings settings_;

    // engine_: held by whoever changes it, and by readers of other threads; saving and looking
    // change it too (what is on its way into sets arrives).
    mutable std::mutex mutex_;
    std::unique_ptr<engine> engine_;
    bool loaded_ = false;
    item pointer_;  // as it stands in the store
    std::int64_t generation_ = 0, emitted_ = 0;
    std::int64_t to_drop_ = 0;  // outputs that were out before we began
    std::vector<waiting> waiting_;
    std::int64_t events_since_save_ = 0;
    instant saved_at_;
    std::chrono::nanoseconds save_took_{};
    std::atomic<std::int64_t> durable_mark_ms_{no_mark};
    metric_counter events_, late_, bad_, rows_;
};

}  // namespace stoa::analytics
