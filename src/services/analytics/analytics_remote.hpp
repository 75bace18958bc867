// What is open in another process of the analytics target: each windows its own partitions, and
// whoever is asked for open windows asks the others.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/analytics/analytics_source.hpp"

namespace stoa::analytics {

struct open_request {
    std::string pipeline;
    std::optional<std::string> key;  // only this key's
};
BOOST_DESCRIBE_STRUCT(open_request, (), (pipeline, key))

struct open_window {
    std::int64_t start_ms = 0, end_ms = 0;
    std::string cells;  // as cell_table writes them, base64
};
BOOST_DESCRIBE_STRUCT(open_window, (), (start_ms, end_ms, cells))

// A partition as one process knows it. One that has passed to another process since stays behind
// there: of two, who has read further is right.
struct open_partition {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t next_offset = 0;
    std::vector<open_window> windows;
};
BOOST_DESCRIBE_STRUCT(open_partition, (), (topic, partition, next_offset, windows))

struct open_partitions {
    std::string process;  // who says it: of the places that are asked, one is one's own
    std::vector<open_partition> partitions;
};
BOOST_DESCRIBE_STRUCT(open_partitions, (), (process, partitions))

class source_board;

// Thread rule: a loop's own.
class analytics_rpcs {
 public:
    analytics_rpcs(const source_board& board, const definitions& all, std::string process)
        : board_(board), all_(all), process_(std::move(process)) {}
    task<result<open_partitions>> open_windows(request_context, open_request);

 private:
    const source_board& board_;
    const definitions& all_;
    std::string process_;
};
service rpcs_of(analytics_rpcs& implementation);

// The other processes of the target. Thread rule: a loop's own.
class analytics_peers {
 public:
    // `process`: ours.
    analytics_peers(std::vector<remote_service*> all, clock& time, std::string process)
        : all_(std::move(all)), time_(time), process_(std::move(process)) {}

    bool none() const { return all_.empty(); }
    // What they know, but us. One that does not answer within half a second is left out: its
    // partitions pass to others when it has gone.
    task<std::vector<open_partition>> ask(open_request what);

 private:
    struct known {
        instant at;
        std::vector<open_partition> partitions;
    };
    std::vector<remote_service*> all_;
    clock& time_;
    std::string process_;
    std::map<std::string, known> known_;  // by pipeline: readers of the live stream look together
};

// Each partition once, as who has read furthest has it. Errors: cells that cannot be read.
result<void> add_furthest(const pipeline& of, std::vector<open_partition> all,
                          std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to);

}  // namespace stoa::analytics
