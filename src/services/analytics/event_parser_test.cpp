#include "services/analytics/event_parser.hpp"

#include "base/json.hpp"
#include "services/activity/activity_events.hpp"
#include "services/analytics/plain_event_reader.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stoa::analytics {
namespace {

const std::string day = "2026-01-31T", time_text = day + "23:59:59.123456Z";
constexpr std::int64_t time_ms = 1'769'903'999'123;

std::string view(std::string_view user, std::string_view time, std::string_view metadata = "{}") {
    return R"({"user_id":")" + std::string(user) +
           R"(","product_id":"p1","event_type":"VIEW_PRODUCT","timestamp":)" + std::string(time) +
           R"(,"metadata":)" + std::string(metadata) + "}";
}
std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

const topic_definition& topic(std::string_view name) {
    return *definitions::built_in().find_topic(name);
}
bool is_plain(std::string_view payload, std::string_view name = activities::topic::raw_events) {
    plain_event_reader reader(members_of(topic(name)));
    event_values out;
    return reader.read(payload, out);
}

// What both readers say of payloads, one after another. The general one is made anew for each: what
// was read before changes nothing.
class readers {
 public:
    explicit readers(std::string_view name) : topic_(topic(name)), first_(topic_) {}

    // Whether it is an event; a difference fails the test.
    bool read(std::string_view payload) {
        event_parser general(topic_, event_parser::reads::general_only);
        parsed_event one, other;
        const bool taken = first_.parse(payload, 7, one);
        EXPECT_EQ(taken, general.parse(payload, 7, other)) << payload;
        if (!taken) return false;
        EXPECT_EQ(one.time_ms, other.time_ms) << payload;
        EXPECT_EQ(one.texts, other.texts) << payload;
        EXPECT_EQ(one.amount, other.amount) << payload;
        EXPECT_EQ(one.quantity, other.quantity) << payload;
        return true;
    }

 private:
    const topic_definition& topic_;
    event_parser first_;
};

TEST(event_parser_test, what_our_producers_write_is_read_where_it_lies) {
    activities::viewer_event from;
    from.user_id = "u1";
    from.product_id = "p1";
    from.event_type = "VIEW";
    from.timestamp = {time_ms * 1'000};
    from.metadata.text = R"({"session_id":"s1","query":["a",1.5,null,true,{"x":{}}]})";
    const auto payload = to_json(from);
    plain_event_reader reader(members_of(topic(activities::topic::raw_events)));
    event_values out;
    ASSERT_TRUE(reader.read(payload, out)) << payload;
    EXPECT_EQ(out.texts[static_cast<std::size_t>(field::user)], "u1");
    EXPECT_EQ(out.texts[static_cast<std::size_t>(field::product)], "p1");
    EXPECT_EQ(out.texts[static_cast<std::size_t>(field::word)], "VIEW");
    EXPECT_EQ(out.time_ms, time_ms);
    EXPECT_EQ(out.texts[static_cast<std::size_t>(field::user)].data(),
              payload.data() + payload.find("u1"));

    EXPECT_TRUE(is_plain(R"({"order_id":"o","user_id":"u","total_amount":10.10,"currency":"EUR",)"
                         R"("items_count":2,"event_type":"order.paid","occurred_at":")" +
                             time_text + "\"}",
                         "orders"));
    EXPECT_TRUE(is_plain(R"({"orderId":"o","userId":"u","amount":-1.5,"currency":"EUR",)"
                         R"("succeeded":false})",
                         "payment.refunded"));
    // As Python's json module writes it.
    EXPECT_TRUE(is_plain(R"({"user_id": "u", "product_id": "p", "event_type": "X", )"
                         R"("timestamp": 1000})"));
}

// One reader has read the first; `out` is of the second.
bool is_plain_after(std::string_view first, std::string_view second, event_values& out,
                    std::string_view name = activities::topic::raw_events) {
    plain_event_reader reader(members_of(topic(name)));
    EXPECT_TRUE(reader.read(first, out)) << first;
    out = {};
    return reader.read(second, out);
}

TEST(event_parser_test, a_payload_of_the_form_before_has_its_own_values) {
    const auto first = view("u1", in_quotes(time_text), R"({"a":[1,"x"],"b":{"c":null}})");
    event_values out;
    for (const auto& user :
         {std::string("a"), std::string(16, 'b'), std::string(17, 'c'), std::string(256, 'd')}) {
        // Inside the metadata it may differ: in values, in names, in all.
        for (const auto* metadata : {R"({"a":[-2.5e3,""],"b":{"c":null}})", R"({"z":1})", "[]",
                                     "null", R"("of another kind")", "7"}) {
            const auto second = view(user, "1700000000000", metadata);
            ASSERT_TRUE(is_plain_after(first, second, out)) << second;
            EXPECT_EQ(out.texts[static_cast<std::size_t>(field::user)], user);
            EXPECT_EQ(out.texts[static_cast<std::size_t>(field::product)], "p1");
            EXPECT_EQ(out.texts[static_cast<std::size_t>(field::word)], "VIEW_PRODUCT");
            EXPECT_EQ(out.time_ms, 1'700'000'000'000);
        }
    }
}

TEST(event_parser_test, what_is_wrong_is_seen_in_the_form_of_the_payload_before) {
    const auto first = view("u1", in_quotes(time_text), R"({"a":[1,"x"],"b":{"c":null}})");
    event_values out;
    for (const auto* metadata :
         {R"({"a":[1,"x"],"b":{"c":null}}})", R"({"a":[1,"x"],"b":{"c":null})",
          R"({"a":[01,"x"],"b":{"c":null}})", R"({"a":[1,"x],"b":{"c":null}})",
          R"({"a":[1,"x"]"b":{"c":null}})", R"({"a":[1,"\"],"b":{"c":null}})",
          R"({"a":[,"x"],"b":{"c":null}})", R"({},"user_id":"b")"})
        EXPECT_FALSE(is_plain_after(first, view("u2", in_quotes(time_text), metadata), out))
            << metadata;
    for (const auto& user : {std::string(), std::string(257, 'x'), std::string("a\x1f"),
                             std::string("\xc3\xa4"), std::string("a\\u0041")})
        EXPECT_FALSE(is_plain_after(first, view(user, in_quotes(time_text)), out)) << user;
    for (std::size_t size = 0; size < first.size(); ++size)
        EXPECT_FALSE(is_plain_after(first, std::string_view(first).substr(0, size), out)) << size;
}

TEST(event_parser_test, producers_of_many_forms_are_read_in_turns) {
    plain_event_reader reader(members_of(topic(activities::topic::raw_events)));
    for (int round = 0; round < 3; ++round)
        for (int form = 0; form < 12; ++form) {
            const auto user = std::to_string(round * 100 + form);
            const auto payload = "{\"" + std::string(static_cast<std::size_t>(form), 'x') +
                                 "\":" + user + ',' + view(user, in_quotes(time_text)).substr(1);
            event_values out;
            ASSERT_TRUE(reader.read(payload, out)) << payload;
            EXPECT_EQ(out.texts[static_cast<std::size_t>(field::user)], user);
            EXPECT_EQ(out.time_ms, time_ms);
        }
}

// More members, and more inside of one, than a form may keep.
TEST(event_parser_test, payloads_too_long_for_a_form_are_read_without_one) {
    std::string many, inner = "{";
    for (int i = 0; i < 100; ++i) {
        const auto member = "\"m" + std::to_string(i) + "\":\"" + std::to_string(i) + '"';
        many += member + ',';
        inner += member + (i == 99 ? '}' : ',');
    }
    plain_event_reader reader(members_of(topic(activities::topic::raw_events)));
    for (int i = 0; i < 3; ++i) {
        const auto user = "u" + std::to_string(i);
        const auto plain = view(user, in_quotes(time_text), inner);
        for (const auto& payload : {plain, "{" + many + plain.substr(1)}) {
            event_values out;
            ASSERT_TRUE(reader.read(payload, out)) << payload;
            EXPECT_EQ(out.texts[static_cast<std::size_t>(field::user)], user);
        }
    }
}

TEST(event_parser_test, what_is_not_plain_is_left_to_the_general_reader) {
    for (const auto& payload :
         {std::string(), std::string("{}"), view("a\\u0041", in_quotes(time_text)),
          view("\xc3\xa4", in_quotes(time_text)), view("", in_quotes(time_text)),
          view(std::string(257, 'x'), in_quotes(time_text)), view("a\x1f", in_quotes(time_text)),
          view("a", in_quotes(day + "24:00:00.000000Z")), view("a", in_quotes(time_text)) + " ",
          view("a", in_quotes(time_text), "{\n}"), view("a", in_quotes(time_text), "01"),
          view("a", in_quotes(time_text), "[[[[[[[[[[[[]]]]]]]]]]]]"), view("a", "253402300800000"),
          view("a", in_quotes(time_text), R"({},"user_id":"b")")})
        EXPECT_FALSE(is_plain(payload)) << payload;
}

TEST(event_parser_test, every_form_of_a_time_is_the_same_to_both) {
    readers both(activities::topic::raw_events);
    for (const auto* clock :
         {"23:59:59.123456Z", "00:00:00.000000Z", "23:59:60.000000Z", "24:00:00.000000Z",
          "12:60:00.000000Z", "1a:00:00.000000Z", "12:00:00.00000aZ", "12-00:00.000000Z",
          "12:00:00,000000Z", "12:00:00.000000z", "12:00:00Z", "12:00:00.1Z", "12:00:00.123456789Z",
          "12:00:00.000000+05:30", "00:30:00+01:00", "12:00:00.123456Z", "12:00:00.12345/Z"})
        for (const auto* of : {"2026-01-31T", "2026-02-30T", "1969-12-31T", "2026-01-31 "})
            both.read(view("a", in_quotes(std::string(of) + clock)));
    EXPECT_TRUE(both.read(view("a", in_quotes(time_text))));
    EXPECT_FALSE(both.read(view("a", in_quotes(day + "23:59:60.000000Z"))));
}

// Bytes put in, taken out and exchanged, of each kind of payload: 200,000 of them are read twice.
TEST(event_parser_test, broken_payloads_are_the_same_to_both) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"ecom-raw-events",
         {view("u1", in_quotes(time_text), R"({"a":[1,-2.5e3,true,null,"x"],"b":{"c":"d"}})"),
          view("a-user-of-many-letters", "1700000000000")}},
        {"orders",
         {R"({"id":"e","order_id":"o","user_id":"u","total_amount":10.10,"currency":"EUR",)"
          R"("items_count":2,"event_type":"order.paid","occurred_at":")" +
          time_text + "\"}"}},
        {"payment.refunded",
         {R"({"orderId":"o","userId":"u","amount":-1.5,"currency":"EUR","succeeded":false})"}}};
    constexpr std::string_view bytes("\"\\{}[]:,. -+eE0159tfnulaZT\n\0\x1f\x7f\xc3\xa4", 32);
    std::mt19937_64 chance(11);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(chance() % n); };
    int taken = 0, refused = 0;
    for (const auto& [name, payloads] : cases) {
        readers both(name);
        for (int i = 0; i < 66'000 && !::testing::Test::HasFailure(); ++i) {
            auto text = payloads[below(payloads.size())];
            for (auto changes = below(4); changes > 0 && !text.empty(); --changes) {
                const auto at = below(text.size());
                switch (below(4)) {
                    case 0:
                        text.insert(at, 1, bytes[below(bytes.size())]);
                        break;
                    case 1:
                        text.erase(at, 1 + below(3));
                        break;
                    case 2:
                        text.insert(at, text.substr(below(text.size()), below(20)));
                        break;
                    default:
                        text[at] = bytes[below(bytes.size())];
                }
            }
            ++(both.read(text) ? taken : refused);
        }
    }
    EXPECT_GT(taken, 20'000);
    EXPECT_GT(refused, 20'000);
}

// States hold them: a fingerprint is the same in every version.
TEST(fingerprint_test, texts_of_every_length_have_the_fingerprints_they_had) {
    std::string text;
    fingerprint sum;
    for (int i = 0; i < 48; ++i) {
        const auto one = fingerprint_of(text);
        sum = {sum.high * 31 + one.high, sum.low * 31 + one.low};
        text += static_cast<char>('a' + i * 7 % 26);
    }
    EXPECT_EQ(sum.high, 0x0bac6a312cd6a12cU);
    EXPECT_EQ(sum.low, 0xd7af0b66590a07d5U);
}

// Ids of every length, with nothing behind them but what closes the payload, and with more.
TEST(fingerprint_test, of_a_payload_they_are_those_of_its_texts) {
    const auto& topic = *definitions::built_in().find_topic("ecom-raw-events");
    event_parser parser(topic);
    const std::string time = R"("timestamp":"2026-01-31T23:59:59.123456Z",)";
    for (std::size_t size = 1; size <= 40; ++size) {
        const std::string user(size, 'u'), product(41 - size, 'p');
        for (const auto& payload : {"{" + time + R"("event_type":"VIEW","user_id":")" + user +
                                        R"(","product_id":")" + product + R"("})",
                                    R"({"user_id":")" + user + R"(","product_id":")" + product +
                                        R"(",)" + time + R"("event_type":"VIEW","metadata":{}})",
                                    R"({"user_id":")" + user + R"(","product_id":")" + product +
                                        R"(",)" + time + R"("event_type":"\u0056IEW"})"}) {
            // Of its own size, so that a read past its end is seen.
            const std::vector<char> exact(payload.begin(), payload.end());
            parsed_event event;
            ASSERT_TRUE(parser.parse({exact.data(), exact.size()}, 0, event)) << payload;
            EXPECT_EQ(event.print(field::user), fingerprint_of(user)) << payload;
            EXPECT_EQ(event.print(field::product), fingerprint_of(product)) << payload;
            EXPECT_EQ(event.print(field::word), fingerprint_of("VIEW")) << payload;
        }
    }
}

}  // namespace
}  // namespace stoa::analytics
