// The target `analytics` in a process: its services, one a loop, what their windows stand on, and
// who writes the marks that close them.
#pragma once

#include "apps/stoa/targets.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "ports/event_marks.hpp"
#include "runtime/metrics.hpp"
#include "runtime/supervisor.hpp"
#include "services/analytics/analytics_operations.hpp"
#include "services/analytics/analytics_replay.hpp"
#include "transport/http/message.hpp"
#include "transport/rpc/http_edge.hpp"

namespace stoa {

std::vector<const kv_table*> analytics_tables();
std::vector<topic_spec> analytics_topics();

// Thread rule: made by the main thread; note() of marks() from any thread, all else of a loop on
// that loop. Outlives the loops' work.
class analytics_wiring {
 public:
    struct needs {
        const settings& from;
        const target_set& targets;
        engines& stores;
        clock& time;
        random_source& random;
        metrics& measured;
        std::function<bool()> ending;  // live streams end then
        loop_set& loops;
        rpc::service_tokens& tokens;
        const std::string& epoch;  // of this process
    };
    // Errors: a setting that does not fit.
    static result<std::unique_ptr<analytics_wiring>> make(needs ports);
    ~analytics_wiring();

    // Null where this process writes no events of viewers and windows none.
    mark_writer* marks() { return marks_.get(); }
    // Of one loop; nothing where analytics is served elsewhere.
    std::vector<service> operations(int loop);
    std::vector<http::route> pages(int loop);
    // What other processes of the target ask, by HTTP whatever the edges are: one row.
    std::vector<rpc::http_service> asked_by_peers(int loop);
    // For the program's own verbs.
    std::vector<http::route> local_pages();
    task<result<analytics::replay_report>> replay(analytics::replay_request wanted);
    result<void> start(supervisor& on, lane share);

 private:
    struct windower;
    explicit analytics_wiring(needs ports);
    result<void> choose_pipelines();
    result<void> make_windowers();
    task<> write_marks();

    const analytics::definitions& pipelines() const;

    needs ports_;
    std::unique_ptr<const analytics::definitions> chosen_;  // null: all run
    analytics::source_board board_;
    std::unique_ptr<mark_writer> marks_;
    std::vector<std::unique_ptr<windower>> windowers_;  // one a loop
};

// The live stream as others know it, for a gateway that passes it on.
http::route live_page(analytics::analytics_service* from, clock* time,
                      std::function<bool()> ending);

}  // namespace stoa
