#include "base/json.hpp"
#include "base/json_check.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stoa {
namespace {

enum class colour : std::uint8_t { red, dark_blue };
BOOST_DESCRIBE_ENUM(colour, red, dark_blue)
struct part {
    std::string name;
    std::int32_t quantity = 0;
    money price;
};
BOOST_DESCRIBE_STRUCT(part, (), (name, quantity, price))
struct whole {
    std::string id;
    bool on = false;
    std::int64_t big = 0;
    std::uint8_t small = 0;
    colour paint{};
    timestamp made_at;
    money total_price;
    std::optional<std::string> note;
    std::vector<part> parts;
    json_text extra;
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(whole, (),
                      (id, on, big, small, paint, made_at, total_price, note, parts, extra,
                       currency))

}  // namespace
}  // namespace stoa

template <>
inline constexpr auto stoa::rules_of<stoa::part> = std::to_array<stoa::rule>(
    {stoa::range("quantity", 1, 10), stoa::alias("title", "name"), stoa::refused("id")});

namespace stoa {
namespace {

whole sample() {
    whole out{.id = "a",
              .on = true,
              .big = INT64_MIN,
              .small = 255,
              .paint = colour::dark_blue,
              .made_at = {1'790'000'000'123'456}};
    out.currency = *read_currency("EUR");
    out.total_price = {1210, out.currency};
    out.parts = {{"é\n\"\\\t\x01😀", 3, {-5, out.currency}}};
    out.extra.text = R"({"x":[1,{"y":null}]})";
    return out;
}
std::vector<std::string> where_of(const problems& found) {
    std::vector<std::string> out;
    for (const auto& p : found) out.push_back(p.where + ':' + p.code);
    return out;
}
std::vector<std::string> wrong(std::string_view body) {
    whole value;
    return where_of(read_json(body, type_of<whole>, &value));
}
std::vector<std::string> wrong_part(std::string_view body) {
    part value;
    return where_of(read_json(body, type_of<part>, &value));
}
using list = std::vector<std::string>;
const list syntax{":syntax"};

TEST(json, what_is_written_reads_back_the_same_in_both_namings) {
    for (const auto names : {naming::snake, naming::camel}) {
        const auto text = to_json(sample(), names);
        const auto back = from_json<whole>(text, {}, names);
        ASSERT_TRUE(back) << back.error().detail << text;
        EXPECT_EQ(to_json(*back, names), text);
        EXPECT_EQ(text.find("totalPrice") != std::string::npos, names == naming::camel);
    }
}

TEST(json, an_absent_optional_is_left_out_and_null_is_absent) {
    EXPECT_EQ(to_json(sample()).find("note"), std::string::npos);
    auto text = to_json(sample());
    text.insert(1, R"("note":null,)");
    EXPECT_FALSE(from_json<whole>(text)->note);
}

TEST(json, the_same_seed_makes_the_same_values_and_all_read_back) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 chance(seed);
    static constexpr std::string_view codes[] = {"USD", "JPY", "KWD", "UYW"};
    for (int i = 0; i < 5'000; ++i) {
        auto made = sample();
        made.currency = *read_currency(codes[chance() % 4]);
        made.total_price = {static_cast<std::int64_t>(chance() >> (chance() % 60)), made.currency};
        made.big = static_cast<std::int64_t>(chance());
        made.small = static_cast<std::uint8_t>(chance());
        made.note.emplace();
        for (auto n = chance() % 20; n > 0; --n) *made.note += static_cast<char>(chance() % 0x80);
        made.parts.resize(chance() % 5,
                          {"p", 1, {static_cast<std::int64_t>(chance() % 1000), made.currency}});
        for (auto& p : made.parts) p.price.currency = made.currency;
        const auto text = to_json(made);
        const auto back = from_json<whole>(text);
        ASSERT_TRUE(back) << text;
        ASSERT_EQ(to_json(*back), text);
        ASSERT_EQ(back->total_price, made.total_price);
        ASSERT_EQ(back->note, made.note);
    }
}

TEST(json, a_valid_body_cut_at_any_byte_is_a_syntax_error) {
    const auto text = to_json(sample());
    for (std::size_t n = 0; n < text.size(); ++n)
        EXPECT_EQ(wrong(text.substr(0, n)), syntax) << text.substr(0, n);
}

TEST(json, a_body_with_one_byte_changed_never_crashes_and_names_what_is_wrong) {
    const auto text = to_json(sample());
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 chance(seed);
    for (int i = 0; i < 20'000; ++i) {
        auto changed = text;
        for (auto n = 1 + chance() % 3; n > 0; --n)
            changed[chance() % changed.size()] = static_cast<char>(chance());
        whole value;
        const auto found = read_json(changed, type_of<whole>, &value);
        if (find_json_fault(changed)) {
            EXPECT_EQ(where_of(found), syntax) << changed;
        } else if (found.empty()) {
            EXPECT_FALSE(find_json_fault(to_json(value)))
                << "what is read can be written as JSON: " << changed;
        }
    }
}

TEST(json, everything_missing_or_ill_typed_is_named_by_path_in_one_answer) {
    EXPECT_EQ(wrong_part("{}"), (list{"name:required", "quantity:required", "price:required"}));
    EXPECT_EQ(wrong_part(R"({"name":1,"quantity":"2","price":"3"})"),
              (list{"name:string", "quantity:integer", "price:amount"}));
    auto nested = to_json(sample());
    nested.replace(nested.find("\"quantity\":3"), 12, "\"quantity\":3.5");
    EXPECT_EQ(wrong(nested), list{"parts[0].quantity:integer"});
    for (const auto* other : {"[]", "1", "\"x\"", "null", "true"})
        EXPECT_EQ(wrong_part(other), list{":object"}) << other;
}

TEST(json, members_of_every_wrong_type_are_told_and_the_rest_is_still_read) {
    for (const auto* value :
         {"1", "\"x\"", "true", "null", "[]", "{}", "[[1]]", R"({"a":{"b":[1]}})"}) {
        for (const auto* name : {"name", "quantity", "price"}) {
            std::string body =
                R"({"unknown":)" + std::string(value) + R"(,")" + name + R"(":)" + value + '}';
            const auto found = wrong_part(body);
            EXPECT_GE(found.size(), 2U) << body;
            EXPECT_NE(found, syntax) << body;
        }
    }
}

TEST(json, a_member_that_stands_twice_is_told_and_also_under_its_alias) {
    EXPECT_EQ(wrong_part(R"({"name":"a","name":"b","quantity":1,"price":1})"),
              list{"name:repeated"});
    EXPECT_EQ(wrong_part(R"({"name":"a","title":"b","quantity":1,"price":1})"),
              list{"title:repeated"});
    EXPECT_EQ(wrong_part(R"({"title":"b","quantity":1,"price":1})"), list{});
}

TEST(json, a_server_owned_member_is_refused_and_an_unknown_one_ignored) {
    EXPECT_EQ(wrong_part(R"({"name":"a","quantity":1,"price":1,"id":"mine"})"),
              list{"id:not_settable"});
    EXPECT_EQ(wrong_part(R"({"name":"a","quantity":1,"price":1,"other":{"id":[1]}})"), list{});
}

TEST(json, numbers_at_their_limits) {
    const auto read = [](const std::string& name, const std::string& number) {
        auto text = to_json(sample());
        const auto at = text.find("\"" + name + "\":") + name.size() + 3;
        return wrong(text.replace(at, text.find(',', at) - at, number));
    };
    for (const auto* good : {"9223372036854775807", "-9223372036854775808", "0", "-0"})
        EXPECT_EQ(read("big", good), list{}) << good;
    for (const auto* large : {"9223372036854775808", "18446744073709551615"})
        EXPECT_EQ(read("big", large), list{"big:out_of_range"}) << large;
    for (const auto* odd : {"1.0", "1e3", "18446744073709551616", "-9223372036854775809"})
        EXPECT_EQ(read("big", odd), list{"big:integer"}) << odd;
    EXPECT_EQ(read("small", "255"), list{});
    EXPECT_EQ(read("small", "256"), list{"small:out_of_range"});
    EXPECT_EQ(read("small", "-1"), list{"small:out_of_range"});
    for (const auto* ill : {"01", "+1", ".5", "5.", "1e", "0x1", "NaN", "Infinity", "-", "1_000"})
        EXPECT_EQ(read("big", ill), syntax) << ill;
}

TEST(json, amounts_are_read_from_their_digits_in_the_nearest_currency) {
    auto text = to_json(sample());
    EXPECT_NE(text.find("\"total_price\":12.10"), std::string::npos);
    EXPECT_EQ(from_json<whole>(text)->parts[0].price, (money{-5, *read_currency("EUR")}))
        << "the currency stands after the parts";
    const auto with = [&](const std::string& amount) {
        auto changed = text;
        return changed.replace(changed.find("12.10"), 5, amount);
    };
    EXPECT_EQ(from_json<whole>(with("0.29"))->total_price.minor, 29);
    EXPECT_EQ(from_json<whole>(with("92233720368547758.07"))->total_price.minor, INT64_MAX);
    for (const auto* bad : {"12.101", "1e2", "92233720368547758.08", "\"12.10\"", "null"})
        EXPECT_EQ(wrong(with(bad)), list{"total_price:amount"}) << bad;
}

TEST(json, sixty_four_levels_pass_and_sixty_five_do_not) {
    const auto deep = [](int n) {
        return std::string(static_cast<std::size_t>(n), '[') +
               std::string(static_cast<std::size_t>(n), ']');
    };
    const auto text = to_json(sample());
    const auto inside = [&](const std::string& value) {
        return R"({"unknown":)" + value + ',' + text.substr(1);
    };
    EXPECT_EQ(wrong(inside(deep(63))), list{});
    EXPECT_EQ(wrong(inside(deep(64))), syntax);
    EXPECT_EQ(wrong(std::string(1 << 20, '[')), syntax);
    EXPECT_EQ(wrong(inside('"' + std::string(1000, '[') + '"')), list{})
        << "brackets in a string are text";
}

TEST(json, text_around_the_value_is_only_white_space) {
    const auto text = to_json(sample());
    EXPECT_EQ(wrong(" \t\r\n" + text + " \t\r\n"), list{});
    for (const auto* tail : {"x", "{}", ",", "]", "null", "//"})
        EXPECT_EQ(wrong(text + tail), syntax) << tail;
    EXPECT_EQ(wrong(text + std::string(1, '\0')), syntax);
    EXPECT_EQ(wrong(""), syntax);
    EXPECT_EQ(wrong("  "), syntax);
    EXPECT_EQ(wrong("\xef\xbb\xbf" + text), syntax) << "a byte-order mark is no white space";
}

TEST(json, what_is_ill_formed_in_a_member_that_nobody_reads_is_still_refused) {
    const auto text = to_json(sample());
    for (const auto* bad : {"tru", "[1,,2]", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "'x'",
                            "\"\\x\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u12\"", "[1}",
                            "\"a\nb\"", "01", "[1 2]", "{\"a\":1,}"}) {
        EXPECT_EQ(wrong(R"({"unknown":)" + std::string(bad) + ',' + text.substr(1)), syntax) << bad;
        auto open = text;
        open.replace(open.find(sample().extra.text), sample().extra.text.size(), bad);
        EXPECT_EQ(wrong(open), syntax) << "an open member is kept as text and sent on: " << bad;
    }
}

TEST(json, bytes_that_are_no_utf8_are_a_syntax_error) {
    for (const auto* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
        EXPECT_EQ(wrong_part(R"({"name":")" + std::string(bad) + R"(","quantity":1,"price":1})"),
                  syntax);
        EXPECT_EQ(
            wrong_part(R"({"name":"a","x":")" + std::string(bad) + R"(","quantity":1,"price":1})"),
            syntax);
    }
}

TEST(json, escapes_and_unicode_names_are_read) {
    const auto read =
        from_json<part>(R"({"na\u006de":"\u00e9\ud83d\ude00\/\b\f","quantity":1,"price":1})");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->name, "é😀/\b\f");
}

TEST(json, open_members_are_kept_byte_by_byte) {
    auto text = to_json(sample());
    for (const auto* value : {"1", "\"x\"", "null", "[1, 2 ]", "{ \"b\" :1}", "-1.50e+3"}) {
        auto changed = text;
        changed.replace(changed.find(sample().extra.text), sample().extra.text.size(), value);
        const auto read = from_json<whole>(changed);
        ASSERT_TRUE(read) << value;
        EXPECT_EQ(read->extra.text, value);
    }
}

}  // namespace
}  // namespace stoa
