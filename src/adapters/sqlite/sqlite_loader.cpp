// The other half of sqlite_records.hpp: records into a fresh database.
#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/sqlite_records.hpp"
#include "ports/item_codec.hpp"

#include <algorithm>
#include <filesystem>

namespace stoa {
namespace {

constexpr int records_a_transaction = 20'000;

[[noreturn]] void refuse(errc kind, std::string_view code, std::string detail) {
    throw sql_failure{error{.kind = kind, .code = std::string(code), .detail = std::move(detail)}};
}
[[noreturn]] void newer(const std::string& what) {
    refuse(errc::conflict, "backup_newer",
           "the backup has " + what +
               ", which this version does not know: it was written by a newer one. Restore it with "
               "that version");
}
[[noreturn]] void ill_formed(const std::string& what) {
    refuse(errc::invalid, "backup_ill_formed", "the backup is ill-formed: " + what);
}

std::string name_of(std::string_view name) { return '"' + std::string(name) + '"'; }

// Records that are rows of the engine's own tables, columns by their names.
constexpr std::string_view own_rows[] = {"inbox_redriven", "dead_letters", "parked_keys"};

std::string key_of_consumer(const item& row) {
    return std::string(row.text("group")) + '\n' + std::string(row.text("topic")) + '\n' +
           std::to_string(row.integer("partition"));
}

}  // namespace

sqlite_loader::sqlite_loader(const sqlite_options& into) : options_(into) {}
sqlite_loader::~sqlite_loader() = default;

result<std::unique_ptr<sqlite_loader>> sqlite_loader::open(const sqlite_options& into,
                                                           clock& time) {
    std::unique_ptr<sqlite_loader> out(new sqlite_loader(into));
    out->now_ = time.now();
    std::error_code why;
    std::filesystem::create_directories(into.directory, why);
    const auto path = into.directory + "/shop.db";
    if (std::filesystem::exists(path))
        return fail(errc::conflict, "not_empty", path + " is there already");
    try {
        out->db_ =
            std::make_unique<sqlite_connection>(path, sqlite_connection::mode::write, into.vfs);
        // Durable once, at the end.
        out->db_->script("PRAGMA synchronous=OFF; PRAGMA cache_size=-32768");
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

result<void> sqlite_loader::guarded(const std::function<void()>& work) {
    try {
        work();
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

// The schema as it was when the backup was made; what came later is applied when the shop is
// opened.
void sqlite_loader::prepare() {
    prepared_ = true;
    auto components = options_.migrations;
    for (auto& each : components) {
        const auto steps = std::ranges::count_if(
            applied_, [&](const item& one) { return one.text("component") == each.name; });
        if (steps > std::ssize(each.steps)) newer("migrations of " + each.name);
        each.steps.resize(static_cast<std::size_t>(steps));
    }
    for (const auto& one : applied_)
        if (std::ranges::none_of(
                components, [&](const auto& each) { return each.name == one.text("component"); }))
            newer("tables of " + std::string(one.text("component")));
    const auto done = [](result<void> made) {
        if (!made) throw sql_failure{std::move(made).error()};
    };
    done(migrate(*db_, components, now_));
    for (const auto& one : applied_) {
        sqlite_statement same(*db_,
                              "SELECT checksum FROM schema_migrations WHERE component = ?1 AND "
                              "version = ?2",
                              one.text("component"), one.integer("version"));
        if (!same.step() || same.integer(0) != one.integer("checksum"))
            ill_formed("migration " + std::string(one.text("name")) +
                       " is not the one this version knows");
    }
    done(schema_.open(*db_, options_.tables));
    done(log_.open(*db_, options_.topics));
    db_->script("BEGIN");
}

result<void> sqlite_loader::begin(const record_section& section) {
    return guarded([&] {
        if (section.kind != "schema" && !prepared_) prepare();
        section_ = section;
        table_ = nullptr;
        if (section.kind == "items") {
            table_ = schema_.find(section.name);
            if (!table_) newer("the table " + section.name);
        } else if (section.kind == "rows") {
            auto& columns = columns_[section.name];
            sqlite_statement known(*db_, "SELECT name FROM pragma_table_info(?1)", section.name);
            while (known.step()) columns.emplace_back(known.text(0));
            const bool own = section.name.starts_with("kv_") || section.name.starts_with("log_");
            if (columns.empty() || own) newer("the table " + section.name);
            // What a migration put into its own table is in the records too.
            db_->script("DELETE FROM " + name_of(section.name));
        } else if (section.kind == "events") {
            if (!log_.find(section.name)) newer("the topic " + section.name);
        } else if (section.kind == "log" &&
                   std::ranges::find(own_rows, section.name) != std::end(own_rows)) {
            auto& columns = columns_[section.name];
            sqlite_statement known(*db_, "SELECT name FROM pragma_table_info(?1)", section.name);
            while (known.step()) columns.emplace_back(known.text(0));
        } else if (section.kind != "schema" && section.kind != "log") {
            newer("a section of the kind " + section.kind);
        }
    });
}

const log_partition& sqlite_loader::partition_of_record(const item& row) {
    const auto topic = row.text("topic", section_.name);
    const auto* found = log_.find(topic, static_cast<int>(row.integer("partition", -1)));
    if (!found)
        newer("partition " + std::to_string(row.integer("partition", -1)) + " of the topic " +
              std::string(topic));
    return *found;
}

void sqlite_loader::insert(std::string_view table, const item& row) {
    const auto& columns = columns_[std::string(table)];
    std::string names, places;
    int n = 0;
    for (const auto& each : row) {
        if (std::ranges::find(columns, each.name) == columns.end())
            newer("a column " + each.name + " in " + std::string(table));
        names += (n ? ", " : "") + name_of(each.name);
        places += (n ? ", ?" : "?") + std::to_string(n + 1);
        ++n;
    }
    if (n == 0) ill_formed("an empty row of " + std::string(table));
    auto& sql = statements_[std::string(table) + '(' + names + ')'];
    if (!sql)
        sql = std::make_unique<std::string>("INSERT INTO " + name_of(table) + " (" + names +
                                            ") VALUES (" + places + ")");
    sqlite_statement ready(*db_, db_->borrow(sql->c_str(), n));
    for (int at = 0; const auto& each : row) ready.bind(++at, each.value);
    ready.step();
}

void sqlite_loader::add_item(std::string_view record) {
    const auto one = decode_item(record);
    const auto* h = one.find(table_->table->hash);
    const auto* r = table_->ranged() ? one.find(table_->table->range) : nullptr;
    if (!h || (table_->ranged() && !r)) ill_formed("an item of " + section_.name + " has no key");
    const auto* ttl = table_->table->ttl.empty() ? nullptr : one.find(table_->table->ttl);
    const auto due = ttl && ttl->integer() ? std::optional(*ttl->integer()) : std::nullopt;
    if (r) db_->execute(table_->put.c_str(), *h, *r, due, blob_view{record});
    else db_->execute(table_->put.c_str(), *h, due, blob_view{record});
    for (const auto& index : table_->indexes) insert_index_row(*db_, *table_, index, one);
}

void sqlite_loader::add_event(const item& row) {
    db_->execute(
        "INSERT INTO events (position, accepted_at, key, id, type, version, occurred_at, "
        "traceparent, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        position_of(partition_of_record(row).id, row.integer("offset")), row.integer("accepted_at"),
        row.text("key"), row.text("id"), row.text("type"), row.integer("version"),
        row.integer("occurred_at"), row.text("traceparent"), row.text("payload"));
}

void sqlite_loader::add_consumer(const item& row) {
    const auto id = std::ssize(consumers_) + 1;
    db_->execute(
        "INSERT INTO log_consumers (id, consumer_group, partition_id, next_offset) VALUES (?1, "
        "?2, ?3, ?4)",
        id, row.text("group"), partition_of_record(row).id, row.integer("next"));
    consumers_[key_of_consumer(row)] = id;
}

result<void> sqlite_loader::add(std::string_view record) {
    return guarded([&] {
        if (section_.kind == "items") {
            add_item(record);
        } else {
            auto row = decode_item(record);
            const auto& name = section_.name;
            if (section_.kind == "schema") applied_.push_back(std::move(row));
            else if (section_.kind == "events") add_event(row);
            else if (section_.kind == "rows" || columns_.contains(name)) insert(name, row);
            else if (name == "partitions")
                db_->execute("UPDATE log_partitions SET first_offset = ?1 WHERE id = ?2",
                             row.integer("first"), partition_of_record(row).id);
            else if (name == "consumers") add_consumer(row);
            else if (name == "inbox") {
                const auto who = consumers_.find(key_of_consumer(row));
                if (who == consumers_.end()) ill_formed("a receipt of an unknown group");
                db_->execute("INSERT INTO inbox (position) VALUES (?1)",
                             position_of(who->second, row.integer("offset")));
            } else {
                newer("a section of the log named " + name);
            }
        }
        if (!prepared_ || ++in_transaction_ < records_a_transaction) return;
        in_transaction_ = 0;
        db_->script("COMMIT");
        db_->checkpoint(false);
        db_->script("BEGIN");
    });
}

result<void> sqlite_loader::finish() {
    return guarded([&] {
        if (!prepared_) prepare();
        db_->script("COMMIT; PRAGMA synchronous=FULL");
        db_->checkpoint(true);
        db_.reset();
    });
}

}  // namespace stoa
