#include "adapters/sqlite/sqlite_sql.hpp"

namespace stoa {

void sqlite_sql::submit_read(std::unique_ptr<sql_job> job) {
    try {
        const auto db = readers_.take();
        sqlite_transaction reads(*db, nullptr, shop_);
        db->execute("BEGIN");
        try {
            job->run(reads);
        } catch (const sql_failure& failure) {
            job->reject(failure.why);
        } catch (const std::exception& thrown) {
            job->reject({.kind = errc::internal, .code = "unexpected", .detail = thrown.what()});
        }
        db->execute("COMMIT");
    } catch (const sql_failure& failure) {
        job->reject(failure.why);
    }
    job->complete();
}

}  // namespace stoa
