#include "adapters/kafka/kafka_record.hpp"

#include "base/csv.hpp"

#include <algorithm>
#include <charconv>

namespace stoa {
namespace {

constexpr std::size_t longest_word = 255;  // ids and types

std::string_view bytes(const void* at, std::size_t size) {
    return at ? std::string_view(static_cast<const char*>(at), size) : std::string_view{};
}

using headers = std::vector<std::pair<std::string_view, std::string_view>>;

headers headers_of(const rd_kafka_message_t& message) {
    headers out;
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return out;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
        out.emplace_back(name, bytes(value, size));
    return out;
}

// Reads headers one by one; the first that is wrong is what is said of the record.
class header_reader {
 public:
    explicit header_reader(const headers& from) : from_(from) {}

    std::string_view text(std::string_view name, std::size_t longest, bool needed) {
        const auto same = [&](const auto& each) { return each.first == name; };
        const auto found = std::ranges::find_if(from_, same);
        if (found == from_.end()) {
            if (needed) refuse(name, "is missing");
            return {};
        }
        if (std::find_if(found + 1, from_.end(), same) != from_.end())
            refuse(name, "stands there twice");
        else if (found->second.empty() && needed) refuse(name, "is empty");
        else if (found->second.size() > longest)
            refuse(name, "is longer than " + std::to_string(longest) + " bytes");
        else if (!is_text(found->second)) refuse(name, "is no UTF-8 text");
        else return found->second;
        return {};
    }
    std::int64_t number(std::string_view name, bool needed, std::int64_t otherwise) {
        const auto digits = text(name, 20, needed);
        if (digits.empty()) return otherwise;
        std::int64_t out = 0;
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
            refuse(name, "is no whole number of 64 bits");
        else if (out < 0) refuse(name, "is negative");
        else return out;
        return otherwise;
    }
    void refuse(std::string_view name, std::string why) {
        if (wrong_.empty()) wrong_ = "header `" + std::string(name) + "` " + std::move(why);
    }
    void refuse(std::string why) {
        if (wrong_.empty()) wrong_ = std::move(why);
    }
    std::string take_wrong() { return std::move(wrong_); }

 private:
    const headers& from_;
    std::string wrong_;
};

std::unique_ptr<kafka_record> copy(const rd_kafka_message_t& message, const headers& all) {
    auto out = std::make_unique<kafka_record>();
    out->partition = message.partition;
    out->key = bytes(message.key, message.key_len);
    out->value = bytes(message.payload, message.len);
    for (const auto& [name, value] : all) out->headers.emplace_back(name, value);
    return out;
}

}  // namespace

std::size_t size_of(const kafka_record& one) {
    std::size_t out = one.key.size() + one.value.size() + 64;
    for (const auto& [name, value] : one.headers) out += name.size() + value.size() + 8;
    return out;
}

kafka_record record_of(const event& what, std::string topic, int partition) {
    kafka_record out{.topic = std::move(topic),
                     .partition = partition,
                     .key = what.key,
                     .value = what.payload,
                     .headers = {}};
    out.headers.reserve(6);
    out.headers.emplace_back("id", what.id);
    out.headers.emplace_back("type", what.type);
    out.headers.emplace_back("version", std::to_string(what.version));
    out.headers.emplace_back("schema_version", std::to_string(kafka_schema_version));
    out.headers.emplace_back("occurred_at", rfc3339(what.occurred_at));
    if (!what.traceparent.empty()) out.headers.emplace_back("traceparent", what.traceparent);
    return out;
}

kafka_arrival read_record(const rd_kafka_message_t& message, const std::string& group,
                          const std::string& topic) {
    kafka_arrival out;
    out.what.group = group;
    out.what.partition = message.partition;
    out.what.offset = message.offset;
    auto& event = out.what.message;
    event.topic = topic;
    const auto all = headers_of(message);
    header_reader read(all);
    event.id = read.text("id", longest_word, true);
    event.type = read.text("type", longest_word, true);
    event.version = read.number("version", true, 0);
    if (const auto schema = read.number("schema_version", false, kafka_schema_version);
        schema > kafka_schema_version)
        read.refuse("schema_version", "is " + std::to_string(schema) +
                                          ", newer than this version of Stoa reads (" +
                                          std::to_string(kafka_schema_version) + ")");
    if (const auto at = read.text("occurred_at", 40, false); !at.empty()) {
        if (const auto time = read_rfc3339(at)) event.occurred_at = *time;
        else read.refuse("occurred_at", "is no RFC 3339 time");
    } else {
        event.occurred_at = {rd_kafka_message_timestamp(&message, nullptr) * 1'000};
    }
    event.traceparent = read.text("traceparent", longest_word, false);
    if (const auto key = bytes(message.key, message.key_len); key.empty() || is_text(key))
        event.key = key;
    else read.refuse("the key is no UTF-8 text");
    if (!message.payload || message.len == 0) read.refuse("there is no payload");
    event.payload = bytes(message.payload, message.len);
    out.wrong = read.take_wrong();
    if (!out.wrong.empty()) out.as_it_came = copy(message, all);
    return out;
}

void add_origin(kafka_record& to, const dead_letter_origin& from) {
    // One that is put there again, by hand perhaps, tells its last origin.
    std::erase_if(to.headers, [](const auto& each) { return each.first.starts_with("dlq_"); });
    const auto add = [&](const char* name, std::string value) {
        to.headers.emplace_back(name, std::move(value));
    };
    add("dlq_group", from.group);
    add("dlq_code", from.code);
    add("dlq_detail", from.detail);
    add("dlq_attempts", std::to_string(from.attempts));
    add("dlq_partition", std::to_string(from.partition));
    add("dlq_offset", std::to_string(from.offset));
    add("dlq_at", rfc3339(from.at));
}

}  // namespace stoa
