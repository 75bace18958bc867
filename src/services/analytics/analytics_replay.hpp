// Windows made again from the shop's own log: `stoa replay --from=OFFSET`. Every partition is read
// from that offset through engines of its own, beside those that run, and each window that comes
// out final is put over what stands in the tables and objects. What was right stays as it was; what
// was lost comes back. Topics are told nothing: their readers have had it.
//
// A log that is not read from its beginning misses events of the windows that were open there.
// Those windows are left as they are: what begins later than the second mark behind the offset
// (the first may have been on its way while an event was), and as much later as a sender's clock
// may run ahead of the shop's, has no event before it.
#pragma once

#include "services/analytics/analytics_store.hpp"

#include "ports/event_log.hpp"

namespace stoa::analytics {

struct replay_request {
    std::int64_t from = 0;             // in each partition
    std::optional<std::string> topic;  // only this one, and the pipelines that read no other
};
BOOST_DESCRIBE_STRUCT(replay_request, (), (from, topic))

struct replay_report {
    std::int64_t events = 0, late = 0, bad = 0;
    std::int64_t windows = 0;  // rows that were put
    std::int64_t left = 0;     // rows of windows that may have begun before
};
BOOST_DESCRIBE_STRUCT(replay_report, (), (events, late, bad, windows, left))

// Thread rule: one loop. For one run.
class log_replay {
 public:
    struct needs {
        key_value& items;
        event_log& log;
        blob_store& blobs;
    };
    log_replay(needs ports, const definitions& all);
    ~log_replay();

    // `invalid`: unknown_topic, offset_ill_formed, offset_not_kept (what to ask instead is in the
    // detail), offset_not_reached. What was put before an error of the stores stays: it is right.
    task<result<replay_report>> run(replay_request wanted);

 private:
    struct part;
    using window = std::pair<std::int64_t, std::int64_t>;  // end and start

    task<result<void>> open(const replay_request& wanted);
    part* furthest_behind();
    task<result<void>> advance(part& one);
    void take(part& from, output& one);
    task<result<void>> merge();
    // Whether nothing before the offset can belong to a window that begins then; counted where not.
    bool is_whole(const pipeline& of, std::int64_t start_ms, std::int64_t whole_from_ms,
                  std::size_t rows);
    task<result<void>> put_rows();
    bool is_covered(const pipeline& of) const;
    template <class Each>
    void each_part_of(const pipeline& of, Each each) const;

    needs ports_;
    const definitions& all_;
    std::vector<std::unique_ptr<part>> parts_;
    std::map<const pipeline*, std::map<window, cell_table>> shares_;
    std::vector<row> rows_;  // not put yet
    replay_report told_;
};

}  // namespace stoa::analytics
