// Audits, backups and restores of a shop on real engines, put together from its settings.
#pragma once

#include "apps/stoa/audit.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/restore.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "ports/event_handler.hpp"

namespace stoa {

// A process on real engines, as the verbs look at its shop. The functions block: not for a loop's
// thread.
struct remote_shop {
    const settings& from;
    engines& stores;
    loop_set& loops;
    bool loops_run = false;  // false: nobody runs them yet
    clock& time;
    std::vector<event_consumer> consumers;  // of every target
    std::function<bool()> ending{};         // the process wants to end
};
result<audit_report> audit_remote(remote_shop of, const audit_progress& told);
// `conflict` with code shop_is_served: the engines have no one moment while somebody writes.
result<std::unique_ptr<backup_stream>> backup_remote(remote_shop of, const audit_progress& told);

// A backup into the engines of the settings, which it prepares as `stoa migrate` does. Errors:
// restore_backup's and fill_house's. Blocks.
result<restore_report> restore_into_engines(const settings& from, const std::string& file,
                                            const audit_progress& told);

}  // namespace stoa
