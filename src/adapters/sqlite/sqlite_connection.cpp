#include "adapters/sqlite/sqlite_connection.hpp"

#include <sqlite3.h>

#include <cerrno>

namespace stoa {
namespace {

storage_fault fault_of(sqlite3* db, int extended) {
    const int error_number = sqlite3_system_errno(db);
    const bool no_space = error_number == ENOSPC || error_number == EDQUOT;
    switch (extended & 0xff) {
        case SQLITE_FULL:
            return storage_fault::full;
        case SQLITE_IOERR:
            // A failed write is repeated over the same bytes; a failed fsync has lost them for
            // good.
            return no_space && extended == SQLITE_IOERR_WRITE ? storage_fault::full
                                                              : storage_fault::broken;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL:
            return storage_fault::broken;
        default:
            return storage_fault::none;
    }
}

// SQLite would count every allocation of the process under one lock. Too late, and refused, where
// somebody used SQLite before: then it counts.
void count_no_memory() {
    static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)done;
}

}  // namespace

sqlite3_stmt* sqlite_statement::prepared(sqlite_connection& of, const char* sql, int arguments) {
    return of.borrow(sql, arguments);
}
sqlite_statement::~sqlite_statement() { sqlite3_reset(statement_); }

void sqlite_statement::bind(int at, std::int64_t n) { sqlite3_bind_int64(statement_, at, n); }
void sqlite_statement::bind(int at, std::string_view text) {
    // An empty view may have no address, which SQLite would read as NULL.
    if (sqlite3_bind_text64(statement_, at, text.data() ? text.data() : "", text.size(),
                            SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK)
        of_.raise();
}
void sqlite_statement::bind(int at, blob_view b) {
    if (sqlite3_bind_blob64(statement_, at, b.bytes.data() ? b.bytes.data() : "", b.bytes.size(),
                            SQLITE_STATIC) != SQLITE_OK)
        of_.raise();
}
void sqlite_statement::bind(int at, std::monostate) { sqlite3_bind_null(statement_, at); }
void sqlite_statement::bind(int at, const std::optional<std::int64_t>& n) {
    if (n) bind(at, *n);
    else bind(at, std::monostate{});
}
void sqlite_statement::bind(int at, const cell& value) {
    std::visit([&](const auto& v) { bind(at, v); }, value);
}
void sqlite_statement::bind(int at, const attribute& key) {
    if (const auto* n = key.integer()) bind(at, *n);
    else if (const auto* t = key.text()) bind(at, std::string_view(*t));
    else bind(at, std::monostate{});
}

bool sqlite_statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) of_.raise();
    return false;
}

int sqlite_statement::columns() const { return sqlite3_column_count(statement_); }
std::string_view sqlite_statement::name(int column) const {
    return sqlite3_column_name(statement_, column);
}
bool sqlite_statement::null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t sqlite_statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}
std::string_view sqlite_statement::text(int column) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string_view sqlite_statement::bytes(int column) const {
    const auto* start = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool sqlite_statement::is_integer(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_INTEGER;
}

sqlite_connection::sqlite_connection(const std::string& path, mode how, const std::string& vfs) {
    count_no_memory();
    const int flags =
        SQLITE_OPEN_NOMUTEX |
        (how == mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    try {
        if (sqlite3_open_v2(path.c_str(), &db_, flags, vfs.empty() ? nullptr : vfs.c_str()) !=
            SQLITE_OK)
            raise();
        sqlite3_extended_result_codes(db_, 1);
        sqlite3_busy_timeout(db_, 5'000);
        if (how == mode::write) {
            // FULL: the log is synced at each commit; EXTRA is FULL and, first of all, syncs the
            // directory when the journal of the file's first transaction goes. A journal that came
            // back after a power loss would roll the whole file back. Checkpoints are the writer's
            // own, after it has answered. 16 MB of pages, taken as they are needed: with less an
            // import reads each page of an index again in nearly every transaction.
            script(
                "PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384; PRAGMA "
                "journal_size_limit=33554432;"
                // Savepoints keep the pages they may have to give back here, not in a file.
                "PRAGMA temp_store=MEMORY");
            sqlite3_wal_hook(
                db_,
                [](void* self, sqlite3*, const char*, int pages) {
                    static_cast<sqlite_connection*>(self)->log_pages_ = pages;
                    return SQLITE_OK;
                },
                this);
        } else {
            script("PRAGMA query_only=ON; PRAGMA cache_size=-1024");
        }
    } catch (const sql_failure&) {
        sqlite3_close(db_);
        throw;
    }
}

sqlite_connection::~sqlite_connection() {
    for (auto& [text, each] : statements_) sqlite3_finalize(each.statement);
    sqlite3_close(db_);
}

const sqlite_connection::entry& sqlite_connection::find(const char* sql, int arguments) {
    auto& found = statements_[sql];
    if (!found.statement) {
        if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &found.statement,
                               nullptr) != SQLITE_OK)
            raise();
        found.parameters = sqlite3_bind_parameter_count(found.statement);
        found.reads = sqlite3_stmt_readonly(found.statement) != 0;
    }
    if (found.parameters != arguments)
        throw sql_failure{error{.kind = errc::internal,
                                .code = "statement_arguments",
                                .detail = "the statement wants " +
                                          std::to_string(found.parameters) + " arguments, not " +
                                          std::to_string(arguments) + ": " + sql}};
    return found;
}

std::int64_t sqlite_connection::run(const char* sql, std::span<const cell> args,
                                    row_visitor* rows) {
    const auto& found = find(sql, static_cast<int>(args.size()));
    sqlite_statement ready(*this, found.statement);
    for (int at = 0; const auto& each : args) ready.bind(++at, each);
    while (ready.step())
        if (rows) rows->row(ready);
    return found.reads ? 0 : changes();
}

void sqlite_connection::script(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) raise();
}

std::int64_t sqlite_connection::changes() const { return sqlite3_changes64(db_); }
bool sqlite_connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

void sqlite_connection::checkpoint(bool all) {
    int pages = 0, moved = 0;
    const int code = sqlite3_wal_checkpoint_v2(
        db_, nullptr, all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) raise();
    log_pages_ = pages > moved ? pages - moved : 0;
}

void sqlite_connection::keep_log_on_close() {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void sqlite_connection::raise() {
    const int code = db_ ? sqlite3_extended_errcode(db_) : SQLITE_NOMEM;
    const char* says = db_ ? sqlite3_errmsg(db_) : "out of memory";
    error why{
        .kind = errc::internal, .code = "storage_failed", .detail = std::string("SQLite: ") + says};
    if ((code & 0xff) == SQLITE_CONSTRAINT) {
        why.kind = errc::conflict;
        why.code = "constraint";
    } else if ((code & 0xff) == SQLITE_BUSY) {
        why.kind = errc::unavailable;
        why.code = "database_busy";
        why.retry_after_s = 1;
    } else if ((code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_READONLY) {
        why.code = "statement_failed";
    }
    const auto seen = db_ ? fault_of(db_, code) : storage_fault::none;
    if (seen == storage_fault::full) {
        why.kind = errc::storage_full;
        why.code = "storage_full";
        why.detail = "no space is left for the database; nothing was written";
    }
    if (fault_ != storage_fault::broken && seen != storage_fault::none) fault_ = seen;
    throw sql_failure{std::move(why)};
}

}  // namespace stoa
