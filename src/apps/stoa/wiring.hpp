// Everything of one process, put together: engines, services, transports. The only code that knows
// adapters and services both.
#pragma once

#include "apps/stoa/audit.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/operator_page.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/settings.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "runtime/loops.hpp"
#include "runtime/task.hpp"
#include "services/analytics/analytics_replay.hpp"
#include "transport/events/redrive.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace stoa {

// Thread rule: made, started and destroyed by the main thread; loops.run() in between.
class shop {
 public:
    // Opens the engines (migrations included) and builds the services. Nothing listens yet. Errors
    // are for the user: a locked or unwritable directory, a setting that does not fit.
    static result<std::unique_ptr<shop>> open(const settings& from);
    ~shop();
    shop(const shop&) = delete;
    shop& operator=(const shop&) = delete;

    loop_set& loops();
    // On loop 0: fills the search index, starts consumers and sweepers, listens. Ready when it
    // returns.
    task<result<void>> start();
    // On loop 0: stops accepting, lets requests and background work end, closes the engines.
    task<> drain();

    std::string api_document() const;  // OpenAPI 3.1, as /openapi.json serves it
    // The groups by which this version's services read the log.
    std::vector<std::string> consumer_groups() const;
    // Of a shop that is open and not started. `conflict` for a group of consumer_groups(),
    // `not_found` for one that the log does not know.
    task<result<void>> drop_group(std::string name);

    // Of a started shop: where it listens, and the token of the program's own verbs.
    const run_file& reached_at() const;
    // Why other processes do not find this shop, which serves nevertheless; nothing: they do.
    const std::optional<error>& hidden() const;
    // On loop 0: whether a shop that makes its pictures itself can. Errors: those of the renderer.
    task<result<void>> check_pictures();

    // An account that runs the shop, made or promoted. Of a shop that was started or only opened.
    task<result<made_operator>> make_operator(std::string email);

    // On loop 0. Of a shop that was started or only opened: real engines are waited for then, and
    // background work of the handlers ends with it.
    task<result<redrive_report>> redrive(redrive_request wanted);

    // The same, for windows that are made again from the log.
    task<result<analytics::replay_report>> replay(analytics::replay_request wanted);

    std::uint16_t public_port() const;
    std::uint16_t admin_port() const;

    // Of this moment, whether it was started or not. They block: not for a loop's thread.
    result<audit_report> audit(const audit_progress& told);
    result<std::unique_ptr<backup_stream>> backup(const audit_progress& told);

    // The demo's catalogue, customers and operator. Safe to run again: what is there stays. Returns
    // the lines to print once (the operator's generated password), empty when all was there.
    task<result<std::string>> load_demo();

 private:
    struct parts;
    explicit shop(std::unique_ptr<parts> all);
    std::unique_ptr<parts> all_;
};

}  // namespace stoa
