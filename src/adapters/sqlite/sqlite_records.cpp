#include "adapters/sqlite/sqlite_records.hpp"

#include "ports/item_codec.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr const char* offset_mask = " & ((1 << 40) - 1)";

// The log's own tables by what their records are called.
struct log_section {
    std::string_view name, sql;
};
const log_section before_events[] = {
    {"partitions",
     "SELECT topic, partition, first_offset AS first FROM log_partitions ORDER BY id"}};
const std::string inbox_sql =
    std::string("SELECT c.consumer_group AS \"group\", p.topic, p.partition, i.position") +
    offset_mask +
    " AS \"offset\" FROM inbox i JOIN log_consumers c ON c.id = i.position >> 40 "
    "JOIN log_partitions p ON p.id = c.partition_id ORDER BY i.position";
const log_section after_events[] = {
    {"consumers",
     "SELECT c.consumer_group AS \"group\", p.topic, p.partition, c.next_offset AS next FROM "
     "log_consumers c JOIN log_partitions p ON p.id = c.partition_id ORDER BY c.id"},
    {"inbox", inbox_sql},
    {"inbox_redriven", "SELECT consumer_group, event_id, at FROM inbox_redriven"},
    {"dead_letters",
     "SELECT consumer_group, topic, partition, event_offset, key, dead_letter_offset, code, "
     "detail, attempts, at FROM dead_letters"},
    {"parked_keys", "SELECT consumer_group, topic, key FROM parked_keys"}};

const std::string event_sql =
    std::string("SELECT p.partition, e.position") + offset_mask +
    " AS \"offset\", e.accepted_at, e.key, e.id, e.type, e.version, e.occurred_at, e.traceparent, "
    "e.payload FROM log_partitions p CROSS JOIN events e ON e.position >= p.id << 40 AND "
    "e.position < (p.id + 1) << 40 WHERE p.topic = ?1 ORDER BY p.id, e.position";

std::string name_of(std::string_view name) { return '"' + std::string(name) + '"'; }

}  // namespace

sqlite_records::sqlite_records(const sqlite_snapshot& of) : of_(of) {
    sections_.push_back({"schema", "migrations"});
    const bool migrated =
        of.number("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'") > 0;
    if (migrated) {
        // Whatever is none of the engine's own tables came by a migration.
        const auto tables = of.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' "
            "ESCAPE '!' AND name NOT LIKE 'kv!_%' ESCAPE '!' AND name NOT IN ('log_topics', "
            "'log_partitions', 'log_consumers', 'events', 'inbox', 'inbox_redriven', "
            "'dead_letters', 'parked_keys', 'schema_migrations') ORDER BY name");
        while (tables->next()) sections_.push_back({"rows", std::string(tables->row().text(0))});
    }
    const auto items = of.rows("SELECT name FROM kv_tables ORDER BY name");
    while (items->next()) sections_.push_back({"items", std::string(items->row().text(0))});
    for (const auto& each : before_events) sections_.push_back({"log", std::string(each.name)});
    const auto topics = of.rows("SELECT name FROM log_topics ORDER BY name");
    while (topics->next()) sections_.push_back({"events", std::string(topics->row().text(0))});
    for (const auto& each : after_events) sections_.push_back({"log", std::string(each.name)});
}

std::string sqlite_records::statement_of(const record_section& of) const {
    if (of.kind == "schema")
        return "SELECT component, version, name, checksum FROM schema_migrations ORDER BY "
               "component, version";
    if (of.kind == "rows") return "SELECT * FROM " + name_of(of.name);
    if (of.kind == "items") return "SELECT body FROM " + name_of("kv_" + of.name);
    if (of.kind == "events") return event_sql;
    for (const auto& each : before_events)
        if (each.name == of.name) return std::string(each.sql);
    for (const auto& each : after_events)
        if (each.name == of.name) return std::string(each.sql);
    throw sql_failure{error{.kind = errc::internal, .code = "unknown_section"}};
}

void sqlite_records::begin(const record_section& of) {
    rows_.reset();
    raw_ = of.kind == "items";
    std::vector<std::string> texts;
    if (of.kind == "events") texts.push_back(of.name);
    rows_ = of_.rows(of_.kept(statement_of(of)), std::move(texts));
}

bool sqlite_records::next(std::string& record) {
    if (!rows_ || !rows_->next()) return false;
    const auto& row = rows_->row();
    if (raw_) {
        record += row.bytes(0);
        return true;
    }
    item out;
    for (int i = 0; i < row.columns(); ++i) {
        if (row.null(i)) continue;
        if (row.is_integer(i)) out.set(row.name(i), row.integer(i));
        else out.set(row.name(i), row.text(i));
    }
    encode_item(record, out);
    return true;
}

}  // namespace stoa
