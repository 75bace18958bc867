// Payloads that no handler can apply: no JSON, JSON of another shape, and what a handler refuses.
#pragma once

#include "base/described.hpp"

#include <string>
#include <vector>

namespace stoa::testing {

struct told_by_event {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(told_by_event, (), (text))

struct poison_payload {
    std::string payload, cause;
};

inline std::vector<poison_payload> poison_payloads() {
    using namespace std::string_literals;
    const std::string deep_list(100'000, '['), deep_object = [] {
        std::string out;
        for (int i = 0; i < 200; ++i) out += R"({"text":)";
        return out;
    }();
    std::vector<poison_payload> out;
    for (const auto& each : {""s,
                             " "s,
                             "\n"s,
                             "\t\r\n "s,
                             "null"s,
                             "true"s,
                             "false"s,
                             "0"s,
                             "42"s,
                             "-1.5e3"s,
                             "NaN"s,
                             "\"text\""s,
                             "[]"s,
                             "[{\"text\":\"fine\"}]"s,
                             "{}"s,
                             "{"s,
                             "}"s,
                             "{}}"s,
                             "{]"s,
                             "{\"text\"}"s,
                             "{\"text\":}"s,
                             "{\"text\":\"fine\""s,
                             "{\"text\":\"fine\"]"s,
                             "{\"text\":\"fine"s,
                             "{\"text\":\"fine\",}"s,
                             "{,\"text\":\"fine\"}"s,
                             "{'text':'fine'}"s,
                             "{text:\"fine\"}"s,
                             "{\"text\" \"fine\"}"s,
                             "{\"text\":\"fine\"} trailing"s,
                             "{\"text\":\"fine\"}{\"text\":\"fine\"}"s,
                             "\xef\xbb\xbf{\"text\":\"fine\"}x"s,
                             "{\"text\":1}"s,
                             "{\"text\":null}"s,
                             "{\"text\":true}"s,
                             "{\"text\":[]}"s,
                             "{\"text\":{}}"s,
                             "{\"text\":[\"fine\"]}"s,
                             "{\"text\":{\"text\":\"fine\"}}"s,
                             "{\"Text\":\"fine\"}"s,
                             "{\"txt\":\"fine\"}"s,
                             "{\"text \":\"fine\"}"s,
                             "{\"text\":\"\xff\"}"s,
                             "{\"text\":\"\xc3\"}"s,
                             "{\"text\":\"\xed\xa0\x80\"}"s,
                             "{\"text\":\"\\ud800\"}"s,
                             "{\"text\":\"\\x41\"}"s,
                             "{\"text\":\"\\u12\"}"s,
                             "{\"text\":\"a\nb\"}"s,
                             "{\"text\":\"a\0b\"}"s,
                             "\0\0\0\0"s,
                             "\x01\x02\x03"s,
                             "PK\x03\x04"s,
                             "<xml/>"s,
                             "text=fine"s,
                             "\x1f\x8b\x08"s,
                             deep_list,
                             deep_object})
        out.push_back({each, "payload_ill_formed"});
    out.push_back({R"({"text":"bad"})", "no_such_thing"});
    return out;
}

}  // namespace stoa::testing
