// `stoa replay`: a file of events through the windows of analytics, without a shop; or, of viewers'
// events, into the shop that runs.
#pragma once

#include "apps/stoa/settings.hpp"

namespace stoa {

struct replay_options {
    std::string source;   // a file with an event a line
    std::string results;  // a folder for <pipeline>.jsonl; empty: standard output
    bool send = false;    // to the running shop instead
};
// 1 where some line could not be read; the others count.
int run_replay(const settings& from, const replay_options& options);

}  // namespace stoa
