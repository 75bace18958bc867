// What only the program's own verbs may ask of a running shop, on the admin listener, with the
// token of run.json: streams of minutes, and a shop with all its secrets.
#pragma once

#include "apps/stoa/audit.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/operator_page.hpp"
#include "ports/clock.hpp"
#include "runtime/blocking_pool.hpp"
#include "transport/http/message.hpp"

namespace stoa {

struct local_page_needs {
    blocking_pool& work;
    clock& time;
    std::function<result<audit_report>(const audit_progress&)> audit;  // blocks
    std::function<result<std::unique_ptr<backup_stream>>()> backup;    // blocks for a commit
    std::function<task<result<made_operator>>(std::string email)> make_operator;
};
// The caller came with the token of this run's run.json.
bool is_local(const request_context& context);
error local_only();
// GET /local/audit: lines of JSON, {"step":…,"done":…,"all":…} now and then, at last
// {"report":…} or {"failure":…}. GET /local/backup: the backup's bytes; cut off where it fails.
// And operator_page.hpp's.
std::vector<http::route> local_pages(local_page_needs from);

struct audit_line {
    std::optional<std::string> step;
    std::int64_t done = 0, all = 0;
    std::optional<audit_report> report;
    std::optional<std::string> failure;
};
BOOST_DESCRIBE_STRUCT(audit_line, (), (step, done, all, report, failure))

}  // namespace stoa
