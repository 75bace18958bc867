#include "services/analytics/analytics_store.hpp"

#include "base/json.hpp"
#include "runtime/log.hpp"
#include "services/analytics/analytics_events.hpp"

#include <algorithm>

namespace stoa::analytics {
namespace {

constexpr std::size_t largest_inline = 150'000;  // bytes; base64 adds a third, items have 400 KB

timestamp time_of(std::int64_t ms) { return {ms * 1'000}; }

currency_code currency_of(const row& of) {
    if (of.of->currency_part < 0) return {};
    const auto parts = of.key_parts();
    return read_currency(parts[static_cast<std::size_t>(of.of->currency_part)])
        .value_or(currency_code{});
}

std::string hex(fingerprint f) {
    std::string out;
    for (const auto word : {f.high, f.low})
        for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
    for (const auto at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
    return out;
}

}  // namespace

bool is_by_product(const pipeline& of) {
    return of.is->window.kind == window_kind::tumbling && of.is->key.size() == 1 &&
           of.is->key.front().name == "product_id";
}

item item_of(const row& of) {
    item out;
    const auto start = rfc3339(time_of(of.start_ms));
    const auto parts = of.key_parts();
    if (!is_by_product(*of.of)) {
        out.set("series", of.of->is->name);
        auto key = of.key;
        std::ranges::replace(key, '\x1f', '|');
        out.set("window", start + '#' + key);
    }
    for (std::size_t i = 0; i < parts.size(); ++i) out.set(of.of->is->key[i].name, parts[i]);
    out.set("window_start", start);
    out.set("window_end", rfc3339(time_of(of.end_ms)));
    for (std::size_t i = 0; i < of.values.size(); ++i) {
        const auto& plan = of.of->aggregates[i];
        if (plan.is->kind != aggregate_kind::top) {
            out.set(plan.is->name, of.values[i].number);
            continue;
        }
        attribute_list list;
        for (const auto& [id, events] : of.values[i].top) {
            item one;
            one.set("id", id);
            one.set("events", events);
            list.emplace_back(std::move(one));
        }
        out.set(plan.is->name, std::move(list));
    }
    return out;
}

std::string json_of(const row& of) {
    std::string out = "{";
    const auto member = [&](std::string_view name) {
        if (out.size() > 1) out += ',';
        append_json_string(out, name);
        out += ':';
    };
    if (!is_by_product(*of.of)) {
        member("pipeline");
        append_json_string(out, of.of->is->name);
    }
    const auto parts = of.key_parts();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        member(of.of->is->key[i].name);
        append_json_string(out, parts[i]);
    }
    member("window_start");
    append_json_string(out, rfc3339(time_of(of.start_ms)));
    member("window_end");
    append_json_string(out, rfc3339(time_of(of.end_ms)));
    const auto currency = currency_of(of);
    for (std::size_t i = 0; i < of.values.size(); ++i) {
        const auto& plan = of.of->aggregates[i];
        member(plan.is->name);
        if (plan.is->kind == aggregate_kind::top) {
            out += '[';
            for (const auto& [id, events] : of.values[i].top) {
                if (out.back() != '[') out += ',';
                out += R"({"id":)";
                append_json_string(out, id);
                out += R"(,"events":)" + std::to_string(events) + '}';
            }
            out += ']';
        } else if (plan.money) {
            append_money(out, {of.values[i].number, currency});
        } else {
            out += std::to_string(of.values[i].number);
        }
    }
    return out + '}';
}

event event_of(const row& of) {
    const auto& name = of.of->is->name;
    return {.topic = *of.of->is->results.topic,
            .key = of.key.empty() ? name : of.key,
            .id = hex(fingerprint_of(name + '\n' + of.key + '\n' + std::to_string(of.start_ms))),
            .type = name,
            .occurred_at = time_of(of.end_ms),
            .payload = json_of(of)};
}

std::string object_of(std::span<const row> rows) {
    std::string out;
    for (const auto& each : rows) out += json_of(each) + '\n';
    return out;
}

std::string object_key(const pipeline& of, std::int64_t start_ms) {
    auto time = rfc3339(time_of(start_ms)).substr(0, 19);
    std::ranges::replace(time, ':', '-');
    return "analytics/" + *of.is->results.object + '/' + time + "Z.json";
}

task<result<void>> byte_store::put(item& to, std::string name, std::string bytes) {
    if (bytes.size() <= largest_inline) {
        to.set("bytes", base64(bytes));
        co_return result<void>{};
    }
    // Never over one that a pointer names.
    name += '-' + std::to_string(random_.next());
    STOA_CO_TRY_VOID(co_await blobs_.put(std::string(state_bucket), name, std::move(bytes)));
    to.set("blob", std::move(name));
    co_return result<void>{};
}

task<result<std::string>> byte_store::get(const item& from) {
    const std::string blob(from.text("blob"));
    if (!blob.empty()) co_return co_await blobs_.get(std::string(state_bucket), blob);
    auto bytes = read_base64(from.text("bytes"));
    if (!bytes)
        co_return fail(errc::internal, "analytics_state_ill_formed",
                       "an item of " + std::string(state_table.name) + " cannot be read");
    co_return *std::move(bytes);
}

task<> byte_store::forget(item from) {
    std::string blob(from.text("blob"));
    if (blob.empty()) co_return;
    const auto gone = co_await blobs_.erase(std::string(state_bucket), blob);
    if (!gone) log_warning("analytics_blob_left", {{"blob", blob}, {"code", gone.error().code}});
}

task<result<std::vector<item>>> closed_windows(key_value& items, std::string series,
                                               window_range which) {
    std::vector<item> out;
    // Keys stand behind a '#', which is before any digit that could follow a start.
    kv_query query{.table = &windows_table,
                   .hash = std::move(series),
                   .range = kv_query::op::between,
                   .from = rfc3339(which.from.value_or(timestamp{0})),
                   .to = rfc3339(which.until.value_or(timestamp{253'402'300'799'000'000})),
                   .forwards = false,
                   .limit = which.limit};
    while (std::ssize(out) < which.limit) {
        query.limit = which.limit - static_cast<int>(out.size());
        STOA_CO_TRY(auto page, co_await items.query(query));
        for (auto& each : page.items) out.push_back(std::move(each));
        if (!page.next) break;
        query.after = std::move(page.next);
    }
    co_return out;
}

}  // namespace stoa::analytics
