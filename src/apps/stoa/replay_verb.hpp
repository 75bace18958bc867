// `stoa replay`: a file of events through the windows of analytics, without a shop; or, of viewers'
// events, into the shop that runs; or the shop's own log, from an offset, into its windows.
#pragma once

#include "apps/stoa/settings.hpp"
#include "services/analytics/analytics_replay.hpp"

namespace stoa {

struct replay_options {
    std::string source;                // a file with an event a line
    std::string results;               // a folder for <pipeline>.jsonl; empty: standard output
    bool send = false;                 // to the running shop instead
    std::optional<std::int64_t> from;  // an offset of the shop's log: no file then
    std::optional<std::string> topic;  // of the log: only this one
};
// 2 for options that do not go together. 1 where some line could not be read; the others count.
int run_replay(const settings& from, const replay_options& options);

// replay_log_verb.cpp
int replay_log(const settings& from, const analytics::replay_request& wanted);

}  // namespace stoa
