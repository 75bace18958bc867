// The shop on real engines into a directory, as one of the embedded engines: what is audited, and
// what a backup is made of. Engines are read once, in this order: how far each group is; the rows
// of PostgreSQL, of one snapshot; the items; the outbox; the log to its end then. So whatever the
// state shows has its event here, and what a group has done shows in the state.
//
// Nothing is one moment over several engines while the shop is served: see `served` and `before`.
#pragma once

#include "apps/stoa/house.hpp"

namespace stoa {

struct house_plan {
    std::string directory;  // there, and empty
    std::vector<reader_group> groups;
    // Topics that no outbox brings: there, what comes twice was sent twice.
    std::vector<std::string> direct;
    bool whole = false;  // uploads, documents, keys and receipts beyond a group's place, too
    // The step, how far it is, of how many; 0: nobody knows.
    std::function<void(std::string_view, std::int64_t, std::int64_t)> told{};
};
struct house_copied {
    sqlite_options shop, provider;  // as the directory's stores are opened
    bool served = false;            // some process served the shop meanwhile
    // Where each partition ended before anything was read: what is behind it may be of a change
    // that came too late to be seen.
    std::map<std::pair<std::string, int>, std::int64_t> before;
};

// Errors: the engines'; `conflict` with code outbox_full (the log has been away for long).
result<house_copied> copy_house(house& from, const house_plan& plan);

}  // namespace stoa
