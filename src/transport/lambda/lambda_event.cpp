#include "transport/lambda/lambda_event.hpp"

#include "base/csv.hpp"
#include "base/json.hpp"

#include <simdjson.h>

#include <array>
#include <charconv>

namespace stoa::lambda {
namespace {

using functions::event_source;
using functions::object_created;
using functions::record;
using functions::trigger;
namespace dom = simdjson::dom;

std::string_view text(const simdjson::simdjson_result<dom::element>& of) {
    std::string_view out;
    return of.get(out) == simdjson::SUCCESS ? out : std::string_view();
}
std::int64_t number(const simdjson::simdjson_result<dom::element>& of, std::int64_t otherwise) {
    std::int64_t out = 0;
    return of.get(out) == simdjson::SUCCESS ? out : otherwise;
}

std::unexpected<error> broken(std::string_view what) {
    return fail(errc::malformed, "event_broken", std::string(what));
}

std::string_view last_part(std::string_view arn) { return arn.substr(arn.rfind(':') + 1); }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Standard alphabet, padded. Nothing: ill-formed.
std::optional<std::string> read_base64(std::string_view encoded) {
    if (encoded.size() % 4 != 0) return {};
    std::string out;
    out.reserve(encoded.size() / 4 * 3);
    for (std::size_t i = 0; i < encoded.size(); i += 4) {
        const bool last = i + 4 == encoded.size();
        const std::size_t padding =
            !last ? 0 : (encoded[i + 3] == '=' ? (encoded[i + 2] == '=' ? 2 : 1) : 0);
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 4 - padding; ++j) {
            const char c = encoded[i + j];
            const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                              : c >= 'a' && c <= 'z' ? c - 'a' + 26
                              : c >= '0' && c <= '9' ? c - '0' + 52
                              : c == '+'             ? 62
                              : c == '/'             ? 63
                                                     : -1;
            if (digit < 0) return {};
            bits |= static_cast<std::uint32_t>(digit) << (18 - 6 * j);
        }
        for (std::size_t j = 0; j < 3 - padding; ++j)
            out += static_cast<char>((bits >> (16 - 8 * j)) & 0xff);
    }
    return out;
}

// --- S3 ----------

bool is_creation(std::string_view event_name) {
    if (event_name.starts_with("s3:")) event_name.remove_prefix(3);
    return event_name.starts_with("ObjectCreated:");
}

result<std::optional<object_created>> read_object(const dom::element& from) {
    const auto event_name = text(from["eventName"]);
    if (event_name.empty()) return broken("a record of S3 has no eventName");
    if (!is_creation(event_name)) return std::optional<object_created>();
    const auto bucket = text(from["s3"]["bucket"]["name"]);
    const auto object = from["s3"]["object"];
    const auto key = read_object_key(text(object["key"]));
    if (bucket.empty()) return broken("a record of S3 has no s3.bucket.name");
    if (!key || key->empty()) return broken("a record of S3 has no well-formed s3.object.key");
    object_created out{.bucket = std::string(bucket),
                       .key = *key,
                       .version = std::string(text(object["versionId"])),
                       .etag = std::string(text(object["eTag"])),
                       .sequencer = std::string(text(object["sequencer"])),
                       .size_bytes = number(object["size"], 0)};
    if (out.version == "null") out.version.clear();
    if (out.size_bytes < 0) return broken("a record of S3 has a negative s3.object.size");
    return std::optional(std::move(out));
}

bool is_trial(const dom::element& of) {
    return text(of["Service"]) == "Amazon S3" && text(of["Event"]) == "s3:TestEvent";
}

std::optional<std::vector<object_created>> notification_of(const dom::element& root) {
    if (is_trial(root)) return std::vector<object_created>();
    dom::array records;
    if (root["Records"].get(records) != simdjson::SUCCESS || records.size() == 0) return {};
    std::vector<object_created> out;
    for (const auto each : records) {
        if (text(each["eventSource"]) != "aws:s3") return {};
        auto object = read_object(each);
        if (!object) return {};
        if (*object) out.push_back(**std::move(object));
    }
    return out;
}

result<record> from_s3(const dom::element& each) {
    STOA_TRY(auto object, read_object(each));
    record out;
    if (object) {
        out.id = object->bucket + '/' + object->key + '@' +
                 (object->version.empty() ? object->sequencer : object->version);
        out.objects.push_back(*std::move(object));
    }
    return out;
}

// --- messages ----------

// The envelope that SNS puts around what it sends to a queue, unless told to leave it away.
struct envelope {
    std::string topic, body;
};
std::optional<envelope> read_envelope(dom::parser& parser, std::string_view body) {
    dom::element root;
    if (body.empty() || body.front() != '{' ||
        parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS)
        return {};
    std::string_view message;
    const auto topic = text(root["TopicArn"]);
    if (text(root["Type"]) != "Notification" || topic.empty() ||
        root["Message"].get(message) != simdjson::SUCCESS)
        return {};
    return envelope{std::string(last_part(topic)), std::string(message)};
}

void set_body(record& of, std::string_view topic, std::string body) {
    if (auto objects = read_notification(body)) {
        of.objects = *std::move(objects);
        return;
    }
    of.said.topic = topic;
    of.said.body = std::move(body);
}

result<record> from_sqs(const dom::element& each) {
    record out{.id = std::string(text(each["messageId"]))};
    std::string_view body;
    if (out.id.empty()) return broken("a record of SQS has no messageId");
    if (each["body"].get(body) != simdjson::SUCCESS) return broken("a record of SQS has no body");
    const auto receives = text(each["attributes"]["ApproximateReceiveCount"]);
    std::from_chars(receives.data(), receives.data() + receives.size(), out.deliveries);
    dom::parser inner;
    if (auto wrapped = read_envelope(inner, body))
        set_body(out, wrapped->topic, std::move(wrapped->body));
    else set_body(out, last_part(text(each["eventSourceARN"])), std::string(body));
    return out;
}

result<record> from_sns(const dom::element& each) {
    const auto message = each["Sns"];
    record out{.id = std::string(text(message["MessageId"]))};
    std::string_view body;
    if (out.id.empty()) return broken("a record of SNS has no Sns.MessageId");
    if (message["Message"].get(body) != simdjson::SUCCESS)
        return broken("a record of SNS has no Sns.Message");
    set_body(out, last_part(text(message["TopicArn"])), std::string(body));
    return out;
}

result<record> from_kafka(const dom::element& each) {
    const auto topic = text(each["topic"]);
    const auto partition = number(each["partition"], -1), offset = number(each["offset"], -1);
    if (topic.empty() || partition < 0 || offset < 0)
        return broken("a record of Kafka has no topic, partition or offset");
    record out{.id = std::string(topic) + '-' + std::to_string(partition) + '@' +
                     std::to_string(offset)};
    out.said.topic = topic;
    const auto key = read_base64(text(each["key"]));
    const auto value = read_base64(text(each["value"]));  // null: a record without a value
    if (!key || !value) return broken("a key or value of Kafka is no base64: " + out.id);
    out.said.key = *key;
    set_body(out, topic, *value);
    return out;
}

using reading = result<record> (*)(const dom::element&);

result<void> read_all(trigger& into, const dom::array& records, reading how) {
    for (const auto each : records) {
        STOA_TRY(auto one, how(each));
        // What announces nothing, as the removal of an object, is no record.
        if (!one.id.empty()) into.records.push_back(std::move(one));
    }
    return {};
}

result<trigger> from_kafka_batch(const dom::element& root) {
    trigger out{.from = event_source::kafka};
    dom::object partitions;
    if (root["records"].get(partitions) != simdjson::SUCCESS)
        return broken("an event of Kafka has no records");
    for (const auto partition : partitions) {
        dom::array records;
        if (partition.value.get(records) != simdjson::SUCCESS)
            return broken("a partition of Kafka is no list of records");
        STOA_TRY_VOID(read_all(out, records, from_kafka));
    }
    return out;
}

result<trigger> from_records(const dom::array& records) {
    struct source {
        std::string_view name;
        event_source is;
        reading how;
    };
    static constexpr std::array<source, 3> sources{{{"aws:s3", event_source::s3, from_s3},
                                                    {"aws:sqs", event_source::sqs, from_sqs},
                                                    {"aws:sns", event_source::sns, from_sns}}};
    const auto name_of = [](const dom::element& each) {
        const auto name = text(each["eventSource"]);
        return name.empty() ? text(each["EventSource"]) : name;  // SNS writes it so
    };
    std::string_view name;
    for (const auto each : records) {
        if (name.empty()) name = name_of(each);
        if (name != name_of(each)) return broken("the records of an event have several sources");
    }
    for (const auto& each : sources) {
        if (each.name != name) continue;
        trigger out{.from = each.is};
        STOA_TRY_VOID(read_all(out, records, each.how));
        return out;
    }
    return fail(errc::malformed, "event_unknown",
                "an event of '" + std::string(name) +
                    "'; known are aws:s3, aws:sqs, aws:sns, "
                    "aws:kafka");
}

}  // namespace

std::optional<std::string> read_object_key(std::string_view encoded) {
    std::string out;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] != '%') {
            out += encoded[i] == '+' ? ' ' : encoded[i];
            continue;
        }
        if (i + 2 >= encoded.size()) return {};
        const int high = hex_digit(encoded[i + 1]), low = hex_digit(encoded[i + 2]);
        if (high < 0 || low < 0) return {};
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    if (!is_text(out)) return {};
    return out;
}

std::optional<std::vector<object_created>> read_notification(std::string_view json) {
    if (json.empty() || json.front() != '{') return {};
    dom::parser parser;
    dom::element root;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return {};
    return notification_of(root);
}

result<trigger> read_event(std::string_view json) {
    dom::parser parser;
    dom::element root;
    if (const auto ill = parser.parse(json.data(), json.size()).get(root); ill)
        return fail(errc::malformed, "event_not_json", simdjson::error_message(ill));
    if (is_trial(root)) return trigger{};
    const auto kafka = text(root["eventSource"]);
    if (kafka == "aws:kafka" || kafka == "SelfManagedKafka") return from_kafka_batch(root);
    dom::array records;
    if (root["Records"].get(records) == simdjson::SUCCESS && records.size() > 0)
        return from_records(records);
    return fail(errc::malformed, "event_unknown",
                "no event of S3, SQS, SNS or Kafka: it has neither Records nor an eventSource");
}

std::string write_answer(const trigger& of, const functions::outcome& done) {
    if (of.from != event_source::sqs) return "{}";
    std::string out = R"({"batchItemFailures":[)";
    for (const auto& each : done.failed) {
        if (&each != &done.failed.front()) out += ',';
        out += R"({"itemIdentifier":)";
        append_json_string(out, each.id);
        out += '}';
    }
    return out + "]}";
}

}  // namespace stoa::lambda
