#include "adapters/kafka/kafka_parking.hpp"

#include "base/csv.hpp"
#include "base/ids.hpp"

#include <algorithm>

namespace stoa {
namespace {

constexpr int page_size = 100;
constexpr std::size_t longest_key = 512, longest_detail = 2'000;

std::string hexadecimal(std::uint64_t n) {
    std::string out(16, '0');
    for (auto at = out.rbegin(); n > 0; n >>= 4, ++at) *at = "0123456789abcdef"[n & 15];
    return out;
}

// Range keys are text of bounded length; keys of ill-formed records may be anything.
std::string place_part(const std::string& key) {
    if (key.size() <= longest_key && (key.empty() || is_text(key))) return key;
    return "hash:" + hexadecimal(stable_hash(key)) + ":" + std::to_string(key.size());
}
std::string key_place(const std::string& topic, const std::string& key) {
    return "key/" + topic + "/" + place_part(key);
}
std::string padded(std::int64_t n, std::size_t digits) {
    auto out = std::to_string(n);
    return out.size() < digits ? std::string(digits - out.size(), '0') + out : out;
}
std::string letter_place(const std::string& topic, const std::string& key, int partition,
                         std::int64_t offset) {
    return "letter/" + topic + "/" + place_part(key) + "/" + padded(partition, 6) + "/" +
           padded(offset, 20);
}
item at(const std::string& group, std::string place) {
    return key_of("consumer", group, "place", std::move(place));
}

std::string text_within(std::string text, std::size_t bytes) {
    if (text.size() > bytes) text.resize(bytes);
    while (!text.empty() && !is_text(text)) text.pop_back();
    return text;
}

item item_of(const parked_letter& one) {
    auto out = at(one.group, letter_place(one.topic, one.key, one.partition, one.offset));
    out.set("topic", one.topic);
    out.set("key", place_part(one.key));
    out.set("event_id", one.event_id);
    out.set("partition", static_cast<std::int64_t>(one.partition));
    out.set("offset", one.offset);
    out.set("letter_offset", one.letter_offset);
    out.set("code", one.code);
    out.set("detail", text_within(one.detail, longest_detail));
    out.set("attempts", static_cast<std::int64_t>(one.attempts));
    out.set("at", rfc3339(one.at));
    return out;
}
parked_letter letter_of(const std::string& group, const item& from) {
    return {.group = group,
            .topic = std::string(from.text("topic")),
            .key = std::string(from.text("key")),
            .event_id = std::string(from.text("event_id")),
            .partition = static_cast<int>(from.integer("partition")),
            .offset = from.integer("offset"),
            .letter_offset = from.integer("letter_offset"),
            .code = std::string(from.text("code")),
            .detail = std::string(from.text("detail")),
            .attempts = static_cast<int>(from.integer("attempts")),
            .at = read_rfc3339(from.text("at")).value_or(timestamp{})};
}

}  // namespace

std::optional<bool> kafka_parking::by_heart(const std::string& group, const std::string& place) {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(group);
    if (found == known_.end()) return {};
    return found->second.places.contains(place);
}

task<result<void>> kafka_parking::know(std::string group, std::int64_t assignment) {
    {
        const std::scoped_lock lock(mutex_);
        const auto found = known_.find(group);
        if (found != known_.end() && found->second.assignment >= assignment)
            co_return result<void>{};
    }
    STOA_CO_TRY(const auto all, co_await keys(group));
    const std::scoped_lock lock(mutex_);
    auto& now = known_[group];
    // Added to what is known: a key may have been parked here since the store was read. One that is
    // there too long costs a read an event and no more.
    for (const auto& each : all) now.places.insert(key_place(each.topic, each.key));
    now.assignment = std::max(now.assignment, assignment);
    co_return result<void>{};
}

void kafka_parking::unknow(const std::string& group) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = known_.find(group); found != known_.end()) known_.erase(found);
}

task<result<bool>> kafka_parking::parked(std::string group, std::string topic, std::string key) {
    const auto place = key_place(topic, key);
    if (by_heart(group, place) == false) co_return false;
    // `stoa redrive` may have unparked it meanwhile.
    STOA_CO_TRY(const auto found, co_await items_.get(parked_table, at(group, place)));
    if (!found) {
        const std::scoped_lock lock(mutex_);
        if (const auto known = known_.find(group); known != known_.end())
            known->second.places.erase(place);
    }
    co_return found.has_value();
}

task<result<bool>> kafka_parking::has(std::string group, std::string topic, std::string key,
                                      int partition, std::int64_t offset) {
    STOA_CO_TRY(
        const auto found,
        co_await items_.get(parked_table, at(group, letter_place(topic, key, partition, offset))));
    co_return found.has_value();
}

task<result<void>> kafka_parking::add(parked_letter one) {
    const auto place = key_place(one.topic, one.key);
    item marker = at(one.group, place);
    write_set in;
    in.put(parked_table, item_of(one), {absent("consumer")});
    in.update(
        parked_table, marker,
        {set_to("topic", one.topic), set_to("key", place_part(one.key)), add_to("letters", 1)});
    STOA_CO_TRY(const auto written, co_await items_.write(std::move(in)));
    (void)written;  // a condition that failed: the letter is there already
    const std::scoped_lock lock(mutex_);
    if (const auto found = known_.find(one.group); found != known_.end())
        found->second.places.insert(place);
    co_return result<void>{};
}

task<result<void>> kafka_parking::again(parked_letter one) {
    write_set in;
    in.update(
        parked_table, at(one.group, letter_place(one.topic, one.key, one.partition, one.offset)),
        {add_to("attempts", one.attempts), set_to("code", one.code),
         set_to("detail", text_within(one.detail, longest_detail)), set_to("at", rfc3339(one.at))},
        {exists("consumer")});
    STOA_CO_TRY_VOID(co_await items_.write(std::move(in)));
    co_return result<void>{};
}

task<result<std::vector<parked_letter>>> kafka_parking::letters(std::string group,
                                                                std::string topic, std::string key,
                                                                int max) {
    std::vector<parked_letter> out;
    const auto wanted = place_part(key);
    kv_query ask{.table = &parked_table,
                 .hash = group,
                 .range = kv_query::op::begins_with,
                 .from = "letter/" + topic + "/" + (key.empty() ? "" : wanted + "/"),
                 .limit = page_size};
    for (;;) {
        STOA_CO_TRY(auto page, co_await items_.query(ask));
        for (const auto& each : page.items) {
            // Keys and topics may hold the separator: what is stored beside it decides.
            auto one = letter_of(group, each);
            if (one.topic != topic || (!key.empty() && one.key != wanted)) continue;
            if (std::ssize(out) < max) out.push_back(std::move(one));
        }
        if (!page.next || std::ssize(out) >= max) co_return out;
        ask.after = std::move(page.next);
    }
}

task<result<void>> kafka_parking::forget(std::string group, std::string topic, std::string key,
                                         int partition, std::int64_t offset) {
    const auto letter = at(group, letter_place(topic, key, partition, offset));
    const auto marker = at(group, key_place(topic, key));
    // Somebody else may add or forget a letter of the key meanwhile: look again.
    for (int attempt = 0; attempt < 20; ++attempt) {
        STOA_CO_TRY(const auto there, co_await items_.get(parked_table, letter));
        if (!there) co_return result<void>{};
        STOA_CO_TRY(const auto parked, co_await items_.get(parked_table, marker));
        const auto count = parked ? parked->integer("letters") : 0;
        write_set in;
        in.erase(parked_table, letter, {exists("consumer")});
        if (count > 1)
            in.update(parked_table, marker, {add_to("letters", -1)},
                      {equals("letters", attribute(count))});
        else if (parked) in.erase(parked_table, marker, {equals("letters", attribute(count))});
        STOA_CO_TRY(const auto written, co_await items_.write(std::move(in)));
        if (written.committed()) co_return result<void>{};
    }
    co_return fail(errc::unavailable, "contended", "the letters of this key change too fast");
}

task<result<std::vector<parked_key>>> kafka_parking::keys(std::string group) {
    std::vector<parked_key> out;
    kv_query ask{.table = &parked_table,
                 .hash = group,
                 .range = kv_query::op::begins_with,
                 .from = "key/",
                 .limit = page_size};
    for (;;) {
        STOA_CO_TRY(auto page, co_await items_.query(ask));
        for (const auto& each : page.items)
            out.push_back({std::string(each.text("topic")), std::string(each.text("key")),
                           each.integer("letters")});
        if (!page.next) co_return out;
        ask.after = std::move(page.next);
    }
}

}  // namespace stoa
