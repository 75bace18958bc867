#include "adapters/dynamodb/dynamodb_key_value.hpp"

#include "adapters/dynamodb/dynamodb_call.hpp"
#include "adapters/dynamodb/dynamodb_expression.hpp"
#include "base/json.hpp"

namespace stoa {
namespace {

using dynamodb::answer;
using dynamodb::expression;
using write = write_set::write;
using op = write_set::op;

constexpr std::size_t largest_transaction_bytes = 4 << 20;

auto refused(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

void add_member(std::string& out, std::string_view name, std::string_view text) {
    ((out += ",\"") += name) += "\":";
    append_json_string(out, text);
}
void add_item(std::string& out, std::string_view name, const item& of) {
    ((out += ",\"") += name) += "\":";
    dynamodb::append_item(out, of);
}
std::string begun(std::string_view table) {
    std::string out = R"({"TableName":)";
    append_json_string(out, table);
    return out;
}

bool adds(const write& w) {
    return std::ranges::any_of(w.changes, [](const change& c) { return c.is == change::op::add; });
}

// What is refused here never reaches the wire. The sizes are DynamoDB's.
result<void> check_write(const write& w) {
    STOA_TRY_VOID(check_changes(*w.table, w.changes));
    STOA_TRY_VOID(dynamodb::check_writable(w.value));
    std::size_t size = dynamodb::size_bytes(w.value);
    for (const auto& each : w.changes) {
        STOA_TRY_VOID(dynamodb::check_writable(each.value));
        size += each.name.size();
        if (const auto* text = each.value.text()) size += text->size();
    }
    for (const auto& each : w.conditions) STOA_TRY_VOID(dynamodb::check_writable(each.value));
    if (size > largest_item_bytes) return item_too_large(*w.table, size);
    if (w.is != op::put) return {};
    return check_index_keys(*w.table, w.value);
}

// {"TableName":…,"Key" or "Item":…, expressions: what a write is alone and in a transaction. The
// standing item comes back where it is needed to tell a condition from a bound.
std::string request_of(const write& w, const item& key, std::string_view table) {
    auto out = begun(table);
    if (w.is == op::put) add_item(out, "Item", w.value);
    else add_item(out, "Key", key);
    expression in;
    auto conditions = dynamodb::condition_text(in, w.conditions);
    if (w.is == op::update) {
        const auto guard = dynamodb::addition_guard(in, w.changes);
        if (!guard.empty()) {
            conditions += (conditions.empty() ? "" : " AND ") + guard;
            add_member(out, "ReturnValuesOnConditionCheckFailure", "ALL_OLD");
        }
        // A transaction's update must change something: removing what no item has makes the item.
        add_member(
            out, "UpdateExpression",
            dynamodb::update_text(in, w.changes.empty() ? std::vector{removed("-")} : w.changes));
    }
    if (!conditions.empty()) add_member(out, "ConditionExpression", conditions);
    in.append_to(out);
    return out + '}';
}

// A condition that failed at `index`, or a bound of the numbers behind the conditions.
result<void> check_additions(const write& w, const std::optional<item>& standing) {
    if (!adds(w)) return {};
    for (const auto& each : w.conditions)
        if (!holds(each, standing)) return {};
    auto value = standing.value_or(item());
    for (const auto& each : w.changes) STOA_TRY_VOID(change_item(value, each));
    return {};
}

write_outcome failed_at(std::size_t index) {
    return {.what = write_outcome::is::condition_failed, .failed = static_cast<int>(index)};
}

// What a cancelled transaction means. The first condition that failed wins over everything else.
result<write_outcome> outcome_of(const answer& from, const std::vector<write>& writes,
                                 const aws::client_options& at) {
    STOA_TRY(const auto reasons, dynamodb::cancellations_of(from));
    std::optional<error> other;
    for (std::size_t i = 0; i < std::min(reasons.size(), writes.size()); ++i) {
        const auto& why = reasons[i];
        if (why.code == "ConditionalCheckFailed") {
            const auto fits = check_additions(writes[i], why.standing);
            if (fits) return failed_at(i);
            if (!other) other = fits.error();
        } else if (why.code == "ValidationError" && !other) {
            const aws::service_error of{400, why.code, why.message};
            other = dynamodb::refused(of, writes[i].table->name, at).error();
        }
    }
    if (other) return fail(*std::move(other));
    return dynamodb::refused(from.refusal, "", at);
}

}  // namespace

dynamodb_key_value::dynamodb_key_value(dynamodb_options options, aws::credentials_source& by,
                                       aws::http_here http, clock& time, random_source& random)
    : options_(std::move(options)),
      client_({.service = "dynamodb",
               .region = options_.region,
               .endpoint = options_.endpoint_url,
               .attempt_within = options_.attempt_within,
               .answer_within = options_.answer_within},
              by, std::move(http), time, random) {}
dynamodb_key_value::~dynamodb_key_value() = default;

std::string dynamodb_key_value::name_of(const kv_table& table) const {
    const auto given = options_.table_names.find(table.name);
    if (given != options_.table_names.end()) return given->second;
    return options_.table_prefix + std::string(table.name);
}

task<result<std::optional<item>>> dynamodb_key_value::get(const kv_table& table, item key) {
    STOA_CO_TRY(const auto exact, table_key(table, key));
    STOA_CO_TRY_VOID(dynamodb::check_writable(exact));
    auto request = begun(name_of(table));
    add_item(request, "Key", exact);
    request += R"(,"ConsistentRead":true})";
    STOA_CO_TRY(const auto got, co_await dynamodb::call(&client_, "GetItem", std::move(request),
                                                        aws::repeats::always));
    if (!got.ok()) co_return dynamodb::refused(got.refusal, name_of(table), client_.options());
    simdjson::dom::object found;
    if (got.root["Item"].get(found)) co_return std::optional<item>();
    STOA_CO_TRY(auto read, dynamodb::read_item(found));
    co_return std::optional<item>(std::move(read));
}

task<result<kv_page>> dynamodb_key_value::read_page(std::string table, std::string operation,
                                                    std::string request) {
    STOA_CO_TRY(const auto got, co_await dynamodb::call(&client_, std::move(operation),
                                                        std::move(request), aws::repeats::always));
    if (!got.ok()) co_return dynamodb::refused(got.refusal, table, client_.options());
    kv_page out;
    simdjson::dom::array items;
    if (got.root["Items"].get(items))
        co_return fail(errc::internal, "dynamodb_answer_ill_formed",
                       "the answer of DynamoDB holds no items");
    for (const auto each : items) {
        simdjson::dom::object one;
        if (each.get(one))
            co_return fail(errc::internal, "dynamodb_answer_ill_formed", "an item is no object");
        STOA_CO_TRY(auto read, dynamodb::read_item(one));
        out.items.push_back(std::move(read));
    }
    simdjson::dom::object last;
    if (!got.root["LastEvaluatedKey"].get(last)) {
        STOA_CO_TRY(out.next, dynamodb::read_item(last));
    }
    co_return out;
}

namespace {

struct key_names {
    std::string_view hash, range;
};

result<key_names> keys_of(const kv_table& table, std::string_view index) {
    if (index.empty()) return key_names{table.hash, table.range};
    const auto found = std::ranges::find(table.indexes, index, &kv_index::name);
    if (found == table.indexes.end())
        return refused("unknown_index", "there is no index " + std::string(index));
    return key_names{found->hash, found->range};
}

result<void> check_query(const kv_query& what, const key_names& keys) {
    using range = kv_query::op;
    if (what.limit < 1) return refused("page_limit", "a page has at least one item");
    STOA_TRY_VOID(check_key(*what.table, keys.hash, &what.hash));
    STOA_TRY_VOID(dynamodb::check_writable(what.hash));
    if (what.range == range::any) return {};
    if (keys.range.empty())
        return refused("range_missing", "there is no range attribute to compare");
    const bool number = holds_numbers(*what.table, keys.range);
    const auto usable = [&](const attribute& v) {
        return number ? v.integer() != nullptr : v.text() != nullptr;
    };
    if (!usable(what.from) || (what.range == range::between && !usable(what.to)))
        return refused("range_type", "a range condition compares with what the range holds");
    if (number && what.range == range::begins_with)
        return refused("range_type", "only text begins with something");
    STOA_TRY_VOID(dynamodb::check_writable(what.from));
    return dynamodb::check_writable(what.to);
}

// The part of a page key that DynamoDB takes: the keys of the index and of the table.
result<item> start_key(const kv_table& table, const key_names& keys, const item& from) {
    item out;
    for (const auto name : {table.hash, table.range, keys.hash, keys.range}) {
        if (name.empty()) continue;
        const auto* found = from.find(name);
        STOA_TRY_VOID(check_key(table, name, found));
        out.set(name, *found);
    }
    return out;
}

}  // namespace

task<result<kv_page>> dynamodb_key_value::query(kv_query what) {
    const auto& table = *what.table;
    STOA_CO_TRY(const auto keys, keys_of(table, what.index));
    STOA_CO_TRY_VOID(check_query(what, keys));
    expression in;
    const auto condition = dynamodb::key_condition_text(in, what, keys.hash, keys.range);
    if (!condition) co_return kv_page{};
    auto request = begun(name_of(table));
    if (!what.index.empty()) add_member(request, "IndexName", what.index);
    else request += R"(,"ConsistentRead":true)";
    add_member(request, "KeyConditionExpression", *condition);
    in.append_to(request);
    request += R"(,"Limit":)" + std::to_string(what.limit);
    if (!what.forwards) request += R"(,"ScanIndexForward":false)";
    if (what.after) {
        STOA_CO_TRY(const auto start, start_key(table, keys, *what.after));
        add_item(request, "ExclusiveStartKey", start);
    }
    co_return co_await read_page(name_of(table), "Query", request + '}');
}

task<result<kv_page>> dynamodb_key_value::scan(const kv_table& table, std::optional<item> after,
                                               int limit) {
    if (limit < 1) co_return refused("page_limit", "a page has at least one item");
    auto request = begun(name_of(table));
    request += R"(,"ConsistentRead":true,"Limit":)" + std::to_string(limit);
    if (after) {
        STOA_CO_TRY(const auto start, table_key(table, *after));
        add_item(request, "ExclusiveStartKey", start);
    }
    co_return co_await read_page(name_of(table), "Scan", request + '}');
}

task<result<write_outcome>> dynamodb_key_value::write(write_set what) {
    if (!what.events.empty() || what.receipt)
        co_return fail(errc::internal, "outbox_missing",
                       "DynamoDB keeps items only: events and receipts go through the outbox");
    STOA_CO_TRY_VOID(check_count(what));
    std::vector<item> keys;
    keys.reserve(what.writes.size());
    std::size_t size = 0;
    for (const auto& each : what.writes) {
        STOA_CO_TRY(auto key, table_key(*each.table, each.value));
        STOA_CO_TRY_VOID(check_write(each));
        size += dynamodb::size_bytes(each.value);
        keys.push_back(std::move(key));
    }
    std::vector<item_place> places;
    places.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        places.push_back({what.writes[i].table, &keys[i]});
    STOA_CO_TRY_VOID(check_each_item_once(places));
    if (size > largest_transaction_bytes)
        co_return refused("transaction_too_large",
                          "a transaction has at most 4 MB, not " + std::to_string(size) + " bytes");
    if (what.writes.empty()) co_return write_outcome{};
    if (what.writes.size() == 1)
        co_return co_await write_one(std::move(what.writes.front()), std::move(keys.front()));
    co_return co_await write_all(std::move(what.writes), std::move(keys));
}

task<result<write_outcome>> dynamodb_key_value::write_one(write_set::write what, item key) {
    const auto& table = *what.table;
    if (what.is == op::check) {
        STOA_CO_TRY(const auto standing, co_await get(table, std::move(key)));
        for (const auto& each : what.conditions)
            if (!holds(each, standing)) co_return failed_at(0);
        co_return write_outcome{};
    }
    const std::string operation = what.is == op::put      ? "PutItem"
                                  : what.is == op::update ? "UpdateItem"
                                                          : "DeleteItem";
    // The same again ends the same, unless a condition sees the first one's work or it counts.
    const bool same_again = what.conditions.empty() && !adds(what);
    STOA_CO_TRY(const auto got, co_await dynamodb::call(
                                    &client_, operation, request_of(what, key, name_of(table)),
                                    same_again ? aws::repeats::always : aws::repeats::if_not_begun,
                                    dynamodb::is_contended));
    if (got.ok()) co_return write_outcome{};
    if (got.refusal.code != "ConditionalCheckFailedException")
        co_return dynamodb::refused(got.refusal, name_of(table), client_.options());
    std::optional<item> standing;
    simdjson::dom::object found;
    if (!got.root["Item"].get(found)) {
        STOA_CO_TRY(standing, dynamodb::read_item(found));
    }
    STOA_CO_TRY_VOID(check_additions(what, standing));
    co_return failed_at(0);
}

task<result<write_outcome>> dynamodb_key_value::write_all(std::vector<write_set::write> writes,
                                                          std::vector<item> keys) {
    std::string request = R"({"ClientRequestToken":")" + new_id(client_.time(), client_.random()) +
                          R"(","TransactItems":[)";
    std::string tables;
    for (std::size_t i = 0; i < writes.size(); ++i) {
        const auto is = writes[i].is;
        if (i) request += ',';
        request += is == op::put      ? R"({"Put":)"
                   : is == op::update ? R"({"Update":)"
                   : is == op::erase  ? R"({"Delete":)"
                                      : R"({"ConditionCheck":)";
        const auto name = name_of(*writes[i].table);
        request += request_of(writes[i], keys[i], name) + '}';
        if ((tables + ',').find(name + ',') == std::string::npos)
            tables += (tables.empty() ? "" : ",") + name;
    }
    STOA_CO_TRY(const auto got,
                co_await dynamodb::call(&client_, "TransactWriteItems", request + "]}",
                                        aws::repeats::always, dynamodb::is_contended));
    if (got.ok()) co_return write_outcome{};
    if (got.refusal.code == "TransactionCanceledException")
        co_return outcome_of(got, writes, client_.options());
    co_return dynamodb::refused(got.refusal, "of " + tables, client_.options());
}

}  // namespace stoa
