#include "adapters/postgres/postgres_migrations.hpp"

#include "base/ids.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <charconv>
#include <deque>

namespace stoa {
namespace {

struct applied {
    std::string name;
    std::string checksum;
    std::int64_t serves;  // the number of steps that a binary must know
};

std::string checksum_of(const std::string& text) {
    return std::to_string(static_cast<std::int64_t>(stable_hash(text)));
}

// The number of the step that the text's `-- serves:` names, else its own. A step that is for other
// engines serves whom the one before it does.
std::int64_t served_by(const sql_component& component, std::size_t step) {
    if (!component.steps[step].is_for("postgres"))
        return step == 0 ? 0 : served_by(component, step - 1);
    constexpr std::string_view word = "-- serves:";
    const std::string_view text = component.steps[step].text;
    const auto own = static_cast<std::int64_t>(step) + 1;
    const auto at = text.find(word);
    if (at == text.npos) return own;
    auto name = text.substr(at + word.size());
    name = name.substr(0, name.find('\n'));
    while (!name.empty() && (name.front() == ' ')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\r')) name.remove_suffix(1);
    for (std::size_t i = 0; i < step; ++i) {
        const std::string_view known = component.steps[i].name;
        if (known == name || known == std::string(name) + ".sql")
            return static_cast<std::int64_t>(i) + 1;
    }
    return own;
}

std::vector<applied> applied_steps(postgres_connection& on, const std::string& component) {
    static const postgres_prepared_text text{
        "SELECT name, checksum::TEXT, serves::TEXT FROM schema_migrations WHERE component = $1 "
        "ORDER BY version",
        {postgres_type::text}};
    std::vector<applied> out;
    postgres_parameters args;
    args.add_text(component);
    on.send(text, std::move(args), [&](const postgres_rows& rows) {
        for (int i = 0; i < rows.count(); ++i) {
            std::int64_t serves = 0;
            const auto n = rows.at(i, 2);
            std::from_chars(n.data(), n.data() + n.size(), serves);
            out.push_back({std::string(rows.at(i, 0)), std::string(rows.at(i, 1)), serves});
        }
    });
    on.settle();
    return out;
}

bool is_migrated(postgres_connection& on) {
    static const postgres_prepared_text text{
        "SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL", {}};
    bool out = false;
    on.send(text, {}, [&](const postgres_rows& rows) { out = rows.count() > 0; });
    on.settle();
    return out;
}

void apply_step(postgres_connection& on, const sql_component& component, std::size_t step,
                timestamp now) {
    static const postgres_prepared_text record{
        "INSERT INTO schema_migrations (component, version, name, checksum, serves, applied_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        {postgres_type::text, postgres_type::number, postgres_type::text, postgres_type::number,
         postgres_type::number, postgres_type::text}};
    const auto& what = component.steps[step];
    on.script("BEGIN");
    if (what.is_for("postgres")) on.script(schema_to_postgres(what.text));
    postgres_parameters args;
    args.add_text(component.name);
    args.add_number(static_cast<std::int64_t>(step) + 1);
    args.add_text(what.name);
    args.add_text(checksum_of(what.text));
    args.add_number(served_by(component, step));
    args.add_text(rfc3339(now));
    on.send(record, std::move(args));
    on.settle();
    crash_point("migration_ran");
    on.script("COMMIT");
    crash_point("migration_committed");
    log_info("migration_applied", {{"component", component.name}, {"step", what.name}});
}

result<void> migrate_component(postgres_connection& on, const sql_component& component,
                               timestamp now, bool apply) {
    const auto known = applied_steps(on, component.name);
    const auto mine = component.steps.size();
    if (known.size() > mine && known.back().serves > static_cast<std::int64_t>(mine))
        return fail(errc::conflict, "migration_unknown",
                    "the database has migration " + component.name + "/" + known.back().name +
                        ", which this version does not know and which does not serve it: it was "
                        "made by a newer one. Run that version");
    for (std::size_t i = 0; i < mine; ++i) {
        const auto& step = component.steps[i];
        if (i < known.size()) {
            if (known[i].checksum == checksum_of(step.text)) continue;
            return fail(errc::conflict, "migration_changed",
                        "migration " + component.name + "/" + step.name +
                            " is not the one that was applied to this database (" + known[i].name +
                            "): a released migration must not change");
        }
        if (!apply)
            return fail(errc::conflict, "schema_missing",
                        "the database lacks migration " + component.name + "/" + step.name +
                            ": run `stoa migrate`");
        try {
            apply_step(on, component, i, now);
        } catch (const sql_failure& failure) {
            if (!on.is_open()) throw;
            return fail(
                errc::internal, "migration_failed",
                "migration " + component.name + "/" + step.name + ": " + failure.why.detail);
        }
    }
    return {};
}

}  // namespace

postgres_schema_lock::postgres_schema_lock(postgres_connection& on) : on_(on) {
    // A step may take long, and so may waiting for the process that is at it.
    on.script(
        "SET statement_timeout = 0; SET lock_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; SELECT pg_advisory_lock(5790453011)");
}

postgres_schema_lock::~postgres_schema_lock() {
    if (!on_.is_open()) return;
    try {
        on_.script("ROLLBACK");  // of a step that failed
        on_.script(
            "SELECT pg_advisory_unlock(5790453011); RESET statement_timeout; "
            "RESET lock_timeout; RESET idle_in_transaction_session_timeout");
    } catch (const sql_failure&) {
        on_.close();  // the server frees it
    }
}

result<void> migrate(postgres_connection& on, const std::vector<sql_component>& components,
                     timestamp now, bool apply) {
    if (apply)
        on.script(
            "CREATE TABLE IF NOT EXISTS schema_migrations (component TEXT NOT NULL, version BIGINT "
            "NOT NULL, name TEXT NOT NULL, checksum BIGINT NOT NULL, serves BIGINT NOT NULL, "
            "applied_at TEXT NOT NULL, PRIMARY KEY (component, version))");
    else if (!components.empty() && !is_migrated(on))
        return fail(errc::conflict, "schema_missing",
                    "the database has no schema yet: run `stoa migrate`");
    for (const auto& each : components) STOA_TRY_VOID(migrate_component(on, each, now, apply));
    return {};
}

}  // namespace stoa
