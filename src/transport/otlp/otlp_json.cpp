#include "transport/otlp/otlp_json.hpp"

#include "base/json.hpp"

namespace stoa::otlp {
namespace {

constexpr int status_error = 2;

// Commas between what follows an opening bracket.
void separate(std::string& out) {
    if (out.back() != '[' && out.back() != '{') out += ',';
}

void append_text(std::string& out, std::string_view key, std::string_view text) {
    separate(out);
    (out += '"') += key;
    out += "\":";
    append_json_string(out, text);
}

void append_attribute(std::string& out, std::string_view key,
                      const std::variant<std::int64_t, std::string>& value) {
    separate(out);
    out += '{';
    append_text(out, "key", key);
    out += ",\"value\":{";
    if (const auto* number = std::get_if<std::int64_t>(&value))
        append_text(out, "intValue", std::to_string(*number));
    else append_text(out, "stringValue", std::get<std::string>(value));
    out += "}}";
}

void append_span(std::string& out, const stoa::span& one) {
    separate(out);
    out += '{';
    append_text(out, "traceId", trace_id_text(one.self));
    append_text(out, "spanId", span_id_text(one.self.span_id));
    if (one.parent_id != 0) append_text(out, "parentSpanId", span_id_text(one.parent_id));
    append_text(out, "name", one.name);
    out += ",\"kind\":" + std::to_string(static_cast<int>(one.kind));
    append_text(out, "startTimeUnixNano", std::to_string(one.start_nanos));
    append_text(out, "endTimeUnixNano", std::to_string(one.end_nanos));
    out += ",\"attributes\":[";
    for (const auto& [key, value] : one.attributes) append_attribute(out, key, value);
    out += "],\"status\":{";
    if (one.failure) {
        out += "\"code\":" + std::to_string(status_error);
        if (!one.failure->empty()) append_text(out, "message", *one.failure);
    }
    out += "}}";
}

}  // namespace

std::string traces_json(std::span<const stoa::span> spans, const identity& from) {
    std::string out;
    out.reserve(512 + spans.size() * 512);
    out += R"({"resourceSpans":[{"resource":{"attributes":[)";
    append_attribute(out, "service.name", from.service_name);
    append_attribute(out, "service.version", from.service_version);
    append_attribute(out, "service.instance.id", from.instance_id);
    out += R"(]},"scopeSpans":[{"scope":{)";
    append_text(out, "name", "stoa");
    append_text(out, "version", from.service_version);
    out += R"(},"spans":[)";
    for (const auto& each : spans) append_span(out, each);
    out += "]}]}]}";
    return out;
}

}  // namespace stoa::otlp
