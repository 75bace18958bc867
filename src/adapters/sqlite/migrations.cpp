#include "adapters/sqlite/migrations.hpp"

#include "adapters/sqlite/sqlite_connection.hpp"
#include "base/ids.hpp"
#include "runtime/crash_point.hpp"

namespace stoa {
namespace {

struct applied {
    std::string name;
    std::int64_t checksum;
};

std::int64_t checksum_of(const std::string& text) {
    return static_cast<std::int64_t>(stable_hash(text));
}

std::vector<applied> applied_steps(sqlite_connection& db, const std::string& component) {
    std::vector<applied> out;
    sqlite_statement rows(db,
                          "SELECT version, name, checksum FROM schema_migrations WHERE component = "
                          "?1 ORDER BY version",
                          component);
    while (rows.step()) out.push_back({std::string(rows.text(1)), rows.integer(2)});
    return out;
}

void apply(sqlite_connection& db, const std::string& component, std::int64_t version,
           const sql_migration& step, timestamp now) {
    db.script("BEGIN IMMEDIATE");
    try {
        if (step.is_for("sqlite")) db.script(step.text);
        db.execute(
            "INSERT INTO schema_migrations (component, version, name, checksum, applied_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
            component, version, step.name, checksum_of(step.text), rfc3339(now));
        crash_point("migration_ran");
        db.script("COMMIT");
        crash_point("migration_committed");
    } catch (const sql_failure&) {
        if (db.in_transaction()) db.script("ROLLBACK");
        throw;
    }
}

result<void> migrate_component(sqlite_connection& db, const sql_component& component,
                               timestamp now) {
    const auto known = applied_steps(db, component.name);
    if (known.size() > component.steps.size())
        return fail(errc::conflict, "migration_unknown",
                    "the database has migration " + component.name + "/" + known.back().name +
                        ", which this version does not know: it was written by a newer one. Run "
                        "that version");
    for (std::size_t i = 0; i < component.steps.size(); ++i) {
        const auto& step = component.steps[i];
        if (i < known.size()) {
            if (known[i].checksum == checksum_of(step.text)) continue;
            return fail(errc::conflict, "migration_changed",
                        "migration " + component.name + "/" + step.name +
                            " is not the one that was applied to this database (" + known[i].name +
                            "): a released migration must not change");
        }
        try {
            apply(db, component.name, static_cast<std::int64_t>(i) + 1, step, now);
        } catch (const sql_failure& failure) {
            return fail(
                errc::internal, "migration_failed",
                "migration " + component.name + "/" + step.name + ": " + failure.why.detail);
        }
    }
    return {};
}

}  // namespace

result<void> migrate(sqlite_connection& db, const std::vector<sql_component>& components,
                     timestamp now) {
    try {
        db.script(
            "CREATE TABLE IF NOT EXISTS schema_migrations (component TEXT NOT NULL, version "
            "INTEGER "
            "NOT NULL, name TEXT NOT NULL, checksum INTEGER NOT NULL, applied_at TEXT NOT NULL, "
            "PRIMARY KEY (component, version)) WITHOUT ROWID");
        for (const auto& each : components) STOA_TRY_VOID(migrate_component(db, each, now));
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

}  // namespace stoa
