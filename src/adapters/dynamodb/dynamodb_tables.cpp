// Making, checking and dropping tables.
#include "adapters/dynamodb/dynamodb_call.hpp"
#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "base/json.hpp"

namespace stoa {
namespace {

constexpr milliseconds first_look{100}, longest_look{2'000};
constexpr minutes ready_within{10};  // filling a new index of a large table takes its time

std::string in_quotes(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

// "id/-" or "user_id/created_at", with the types: what may not differ.
std::string shape_of(const kv_table& table, std::string_view hash, std::string_view range) {
    const auto one = [&](std::string_view name) {
        return std::string(name) + (holds_numbers(table, name) ? ":N" : ":S");
    };
    return one(hash) + (range.empty() ? "" : "/" + one(range));
}

std::string key_schema(std::string_view hash, std::string_view range) {
    auto out = R"([{"AttributeName":)" + in_quotes(hash) + R"(,"KeyType":"HASH"})";
    if (!range.empty())
        out += R"(,{"AttributeName":)" + in_quotes(range) + R"(,"KeyType":"RANGE"})";
    return out + ']';
}

std::string attribute_definitions(const kv_table& table) {
    std::vector<std::string_view> names;
    const auto add = [&](std::string_view name) {
        if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
    };
    add(table.hash);
    add(table.range);
    for (const auto& each : table.indexes) {
        add(each.hash);
        add(each.range);
    }
    std::string out = "[";
    for (const auto name : names) {
        if (out.size() > 1) out += ',';
        out += R"({"AttributeName":)" + in_quotes(name) + R"(,"AttributeType":")" +
               (holds_numbers(table, name) ? "N" : "S") + "\"}";
    }
    return out + ']';
}

std::string index_definition(const kv_index& index) {
    return R"({"IndexName":)" + in_quotes(index.name) + R"(,"KeySchema":)" +
           key_schema(index.hash, index.range) + R"(,"Projection":{"ProjectionType":"ALL"}})";
}

std::string creation_of(const kv_table& table, std::string_view name) {
    auto out = R"({"TableName":)" + in_quotes(name) + R"(,"BillingMode":"PAY_PER_REQUEST")" +
               R"(,"AttributeDefinitions":)" + attribute_definitions(table) + R"(,"KeySchema":)" +
               key_schema(table.hash, table.range);
    if (!table.indexes.empty()) {
        out += R"(,"GlobalSecondaryIndexes":[)";
        for (bool first = true; const auto& each : table.indexes) {
            if (!std::exchange(first, false)) out += ',';
            out += index_definition(each);
        }
        out += ']';
    }
    return out + '}';
}

struct seen_index {
    std::string shape;
    bool active = false;
};
struct seen_table {
    bool exists = false, active = false;
    std::string shape;
    std::map<std::string, seen_index, std::less<>> indexes;
};

// The shape of a KeySchema, with the types of the table's AttributeDefinitions.
std::string read_shape(simdjson::dom::element holder, simdjson::dom::element table) {
    std::string hash, range;
    simdjson::dom::array schema, types;
    if (holder["KeySchema"].get(schema)) return {};
    if (table["AttributeDefinitions"].get(types)) return {};
    for (const auto each : schema) {
        std::string_view name, kind, type;
        if (each["AttributeName"].get(name) || each["KeyType"].get(kind)) return {};
        for (const auto definition : types) {
            std::string_view of;
            if (!definition["AttributeName"].get(of) && of == name &&
                definition["AttributeType"].get(type))
                return {};
        }
        (kind == "HASH" ? hash : range) = std::string(name) + ':' + std::string(type);
    }
    return hash + (range.empty() ? "" : "/" + range);
}

seen_table read_description(const dynamodb::answer& from) {
    seen_table out{.exists = true};
    simdjson::dom::element table;
    std::string_view status, name;
    if (from.root["Table"].get(table)) return out;
    out.active = !table["TableStatus"].get(status) && status == "ACTIVE";
    out.shape = read_shape(table, table);
    simdjson::dom::array indexes;
    if (table["GlobalSecondaryIndexes"].get(indexes)) return out;
    for (const auto each : indexes) {
        if (each["IndexName"].get(name)) continue;
        auto& one = out.indexes[std::string(name)];
        one.shape = read_shape(each, table);
        one.active = !each["IndexStatus"].get(status) && status == "ACTIVE";
    }
    return out;
}

task<result<seen_table>> look_at(aws::client* by, std::string name) {
    STOA_CO_TRY(const auto got, co_await dynamodb::call(by, "DescribeTable",
                                                        R"({"TableName":)" + in_quotes(name) + '}',
                                                        aws::repeats::always));
    if (got.ok()) co_return read_description(got);
    if (got.refusal.code == "ResourceNotFoundException") co_return seen_table{};
    co_return dynamodb::refused(got.refusal, name, by->options());
}

std::unexpected<error> changed(const std::string& what, const std::string& is,
                               const std::string& wanted) {
    return fail(errc::conflict, "table_changed",
                what + " has the key " + is + ", not " + wanted +
                    ": a key cannot change; give DYNAMODB_TABLE_PREFIX another value, or remove it "
                    "after a backup");
}

// What stands differently. Missing parts and those that are not ready are no difference.
result<void> check_shapes(const kv_table& table, const std::string& name, const seen_table& seen) {
    const auto wanted = shape_of(table, table.hash, table.range);
    if (seen.shape != wanted) return changed("table " + name, seen.shape, wanted);
    for (const auto& each : table.indexes) {
        const auto found = seen.indexes.find(each.name);
        const auto shape = shape_of(table, each.hash, each.range);
        if (found != seen.indexes.end() && found->second.shape != shape)
            return changed("index " + std::string(each.name) + " of table " + name,
                           found->second.shape, shape);
    }
    return {};
}

// A change that another process may be making at the same time: it is then in work, which is fine.
task<result<void>> change_table(aws::client* by, std::string operation, std::string request,
                                std::string name) {
    STOA_CO_TRY(const auto got, co_await dynamodb::call(by, std::move(operation),
                                                        std::move(request), aws::repeats::always));
    if (got.ok() || got.refusal.code == "ResourceInUseException") co_return result<void>();
    // An index that stands by now, a time to live that is set by now.
    if (got.refusal.code == "ValidationException" &&
        (got.refusal.message.find("already exists") != std::string::npos ||
         got.refusal.message.find("already enabled") != std::string::npos))
        co_return result<void>();
    co_return dynamodb::refused(got.refusal, name, by->options());
}

task<result<void>> ensure_ttl(aws::client* by, const kv_table* table, std::string name) {
    if (table->ttl.empty()) co_return result<void>();
    STOA_CO_TRY(const auto got, co_await dynamodb::call(by, "DescribeTimeToLive",
                                                        R"({"TableName":)" + in_quotes(name) + '}',
                                                        aws::repeats::always));
    if (!got.ok()) co_return dynamodb::refused(got.refusal, name, by->options());
    std::string_view attribute_name;
    if (!got.root["TimeToLiveDescription"]["AttributeName"].get(attribute_name) &&
        attribute_name == table->ttl)
        co_return result<void>();
    co_return co_await change_table(by, "UpdateTimeToLive",
                                    R"({"TableName":)" + in_quotes(name) +
                                        R"(,"TimeToLiveSpecification":{"Enabled":true,)" +
                                        R"("AttributeName":)" + in_quotes(table->ttl) + "}}",
                                    name);
}

// One step towards the table as it is declared; true when it is there.
task<result<bool>> make_progress(aws::client* by, const kv_table* table, std::string name) {
    STOA_CO_TRY(const auto seen, co_await look_at(by, name));
    if (!seen.exists) {
        STOA_CO_TRY_VOID(co_await change_table(by, "CreateTable", creation_of(*table, name), name));
        co_return false;
    }
    STOA_CO_TRY_VOID(check_shapes(*table, name, seen));
    if (!seen.active) co_return false;
    for (const auto& [index, one] : seen.indexes)
        if (!one.active) co_return false;
    for (const auto& each : table->indexes) {
        if (seen.indexes.contains(each.name)) continue;
        // DynamoDB makes one index of a table at a time.
        STOA_CO_TRY_VOID(co_await change_table(
            by, "UpdateTable",
            R"({"TableName":)" + in_quotes(name) + R"(,"AttributeDefinitions":)" +
                attribute_definitions(*table) + R"(,"GlobalSecondaryIndexUpdates":[{"Create":)" +
                index_definition(each) + "}]}",
            name));
        co_return false;
    }
    STOA_CO_TRY_VOID(co_await ensure_ttl(by, table, name));
    co_return true;
}

}  // namespace

task<result<void>> dynamodb_key_value::ensure_tables(std::vector<const kv_table*> tables) {
    STOA_CO_TRY_VOID(check_options(client_.options()));
    auto& time = client_.time();
    const auto end = time.ticks() + ready_within;
    auto wait = first_look;
    while (!tables.empty()) {
        std::vector<const kv_table*> unready;
        for (const auto* each : tables) {
            STOA_CO_TRY(const bool ready, co_await make_progress(&client_, each, name_of(*each)));
            if (!ready) unready.push_back(each);
        }
        tables = std::move(unready);
        if (tables.empty()) break;
        if (time.ticks() > end)
            co_return fail(errc::timeout, "tables_not_ready",
                           "table " + name_of(*tables.front()) +
                               " is not ready after ten minutes: run `stoa migrate` again");
        co_await time.sleep(wait);
        wait = std::min(wait * 2, longest_look);
    }
    co_return result<void>();
}

task<result<void>> dynamodb_key_value::check_tables(std::vector<const kv_table*> tables) {
    STOA_CO_TRY_VOID(check_options(client_.options()));
    std::string wrong;
    const auto say = [&](const std::string& what) { wrong += (wrong.empty() ? "" : "; ") + what; };
    for (const auto* table : tables) {
        const auto name = name_of(*table);
        STOA_CO_TRY(const auto seen, co_await look_at(&client_, name));
        if (!seen.exists) {
            say("table " + name + " is missing");
            continue;
        }
        if (const auto same = check_shapes(*table, name, seen); !same) {
            say(same.error().detail);
            continue;
        }
        // A table whose index is being made serves, and says UPDATING.
        if (!seen.active && seen.indexes.empty()) say("table " + name + " is not active yet");
        for (const auto& each : table->indexes) {
            const auto found = seen.indexes.find(each.name);
            const auto which = "index " + std::string(each.name) + " of table " + name;
            if (found == seen.indexes.end()) say(which + " is missing");
            else if (!found->second.active) say(which + " is not active yet");
        }
    }
    if (wrong.empty()) co_return result<void>();
    co_return fail(errc::conflict, "tables_not_ready",
                   "DynamoDB at " + endpoint_of(client_.options()) + " (AWS_REGION " +
                       options_.region + "): " + wrong + ": run `stoa migrate`");
}

task<result<void>> dynamodb_key_value::drop_tables(std::vector<const kv_table*> tables) {
    for (const auto* each : tables) {
        const auto name = name_of(*each);
        STOA_CO_TRY(const auto got,
                    co_await dynamodb::call(&client_, "DeleteTable",
                                            R"({"TableName":)" + in_quotes(name) + '}',
                                            aws::repeats::always));
        if (!got.ok() && got.refusal.code != "ResourceNotFoundException")
            co_return dynamodb::refused(got.refusal, name, client_.options());
    }
    co_return result<void>();
}

}  // namespace stoa
