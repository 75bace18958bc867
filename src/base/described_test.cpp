// Rules, text parameters, items and problem documents: the codecs beside JSON.
#include "base/described.hpp"

#include "base/item.hpp"
#include "base/json_check.hpp"
#include "base/problem.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stoa {
namespace {

enum class size : std::uint8_t { small, large };
BOOST_DESCRIBE_ENUM(size, small, large)
struct inner {
    std::int32_t n = 1;
    std::string word = "ok";
};
BOOST_DESCRIBE_STRUCT(inner, (), (n, word))
struct outer {
    std::string id, mail;
    size how{};
    bool on = false;
    money price{100, {}};
    currency_code currency;
    timestamp at;
    std::optional<inner> one;
    std::vector<inner> many;
    std::vector<std::string> words;
    json_text open;
};
BOOST_DESCRIBE_STRUCT(outer, (), (id, mail, how, on, price, currency, at, one, many, words, open))

}  // namespace
}  // namespace stoa

template <>
inline constexpr auto stoa::rules_of<stoa::inner> =
    std::to_array<stoa::rule>({stoa::range("n", 1, 5), stoa::range("word", 1, 4)});
template <>
inline constexpr auto stoa::rules_of<stoa::outer> =
    std::to_array<stoa::rule>({stoa::uuid("id"), stoa::email("mail"),
                               stoa::range("price", 1, 1'000), stoa::range("many", 0, 2)});

namespace stoa {
namespace {

outer good() {
    outer out;
    out.id = "0190a0b0-1234-7abc-8def-0123456789ab";
    out.mail = "a@b.example";
    out.many = {{1, "a"}, {5, "abcd"}};
    out.one = inner{2, "x"};
    out.words = {"", "é"};
    out.open.text = R"({"a":1})";
    out.at = {1'790'000'000'000'001};
    return out;
}
std::vector<std::string> broken(const outer& value) {
    std::vector<std::string> out;
    for (const auto& p : rule_problems(value)) out.push_back(p.where + ':' + p.code);
    return out;
}
using list = std::vector<std::string>;

TEST(rules, hold_at_their_limits_and_name_the_nested_member_past_them) {
    EXPECT_EQ(broken(good()), list{});
    auto bad = good();
    bad.many[1].n = 6;
    bad.one->word = "abcde";
    bad.price.minor = 1'001;
    EXPECT_EQ(broken(bad),
              (list{"price:out_of_range", "one.word:too_long", "many[1].n:out_of_range"}));
    bad = good();
    bad.many.resize(3);
    bad.price.minor = 0;
    bad.one->word.clear();
    EXPECT_EQ(broken(bad), (list{"price:out_of_range", "one.word:too_short", "many:too_long"}));
}

TEST(rules, know_addresses_and_ids) {
    for (const auto* mail :
         {"", "a", "@b.example", "a@", "a@b", "a@.b", "a@b.", "a@b..c", "a b@c.example",
          "a@b@c.example", "a@b.example\n", "<a@b.example>", "a,b@c.example"}) {
        auto bad = good();
        bad.mail = mail;
        EXPECT_EQ(broken(bad), list{"mail:email"}) << mail;
    }
    auto bad = good();
    bad.id = "1";
    EXPECT_EQ(broken(bad), list{"id:uuid"});
}

TEST(text_parameters, are_read_whole_or_not_at_all) {
    std::int32_t n = 0;
    for (const auto* bad : {"", "1x", " 1", "+1", "1.0", "2147483648", "-2147483649", "0x1"})
        EXPECT_FALSE(read_text(bad, type_of<std::int32_t>, &n)) << bad;
    EXPECT_TRUE(read_text("-2147483648", type_of<std::int32_t>, &n));
    EXPECT_EQ(n, INT32_MIN);
    bool b = false;
    for (const auto* bad : {"", "yes", "TRUE", "2"})
        EXPECT_FALSE(read_text(bad, type_of<bool>, &b)) << bad;
    size s{};
    EXPECT_TRUE(read_text("large", type_of<size>, &s));
    EXPECT_FALSE(read_text("Large", type_of<size>, &s));
    std::optional<std::int32_t> maybe;
    EXPECT_TRUE(read_text("5", type_of<std::optional<std::int32_t>>, &maybe));
    EXPECT_EQ(maybe, 5);
    std::vector<std::string> many;
    EXPECT_FALSE(read_text("a", type_of<std::vector<std::string>>, &many))
        << "lists have no text form";
}

TEST(items, a_record_reads_back_the_same) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 chance(seed);
    for (int i = 0; i < 2'000; ++i) {
        auto made = good();
        made.price.minor = static_cast<std::int64_t>(chance());
        made.at.micros = static_cast<std::int64_t>(chance() % 253'402'300'800'000'000ULL);
        made.many.resize(chance() % 4);
        if (chance() % 2) made.one.reset();
        const auto stored = to_item(made);
        const auto back = from_item<outer>(stored);
        ASSERT_TRUE(back) << back.error().detail;
        ASSERT_EQ(to_item(*back), stored);
        ASSERT_EQ(stored.find("one") != nullptr, made.one.has_value());
    }
}

TEST(items, what_is_missing_or_of_another_type_is_an_error_that_names_it) {
    for (const auto& [name, value] : to_item(good())) {
        auto without = to_item(good());
        without.erase(name);
        EXPECT_EQ(from_item<outer>(without).has_value(), name == "one") << name;
        auto other = to_item(good());
        other.set(name, name == "on" ? attribute("x") : attribute(true));
        const auto read = from_item<outer>(other);
        ASSERT_FALSE(read) << name;
        EXPECT_EQ(read.error().kind, errc::internal);
        EXPECT_TRUE(read.error().detail.starts_with(name)) << read.error().detail;
    }
    auto newer = to_item(good());
    newer.set("of_a_newer_version", attribute(1));
    EXPECT_TRUE(from_item<outer>(newer));
}

TEST(items, are_equal_in_any_order_and_copy_by_value) {
    item a, b;
    a.set("x", 1);
    a.set("y", "two");
    b.set("y", "two");
    b.set("x", 1);
    EXPECT_EQ(a, b);
    item copy = a;
    copy.set("x", 3);
    EXPECT_EQ(a.integer("x"), 1);
    EXPECT_EQ(a.size(), 2U);
    EXPECT_TRUE(copy.erase("x"));
    EXPECT_FALSE(copy.erase("x"));
    EXPECT_NE(a, copy);
}

TEST(problem_documents, every_kind_has_its_status_and_a_title) {
    const std::pair<errc, int> table[] = {{errc::malformed, 400},
                                          {errc::unauthenticated, 401},
                                          {errc::declined, 402},
                                          {errc::forbidden, 403},
                                          {errc::not_found, 404},
                                          {errc::conflict, 409},
                                          {errc::precondition_failed, 412},
                                          {errc::too_large, 413},
                                          {errc::invalid, 422},
                                          {errc::rate_limited, 429},
                                          {errc::internal, 500},
                                          {errc::unavailable, 503},
                                          {errc::timeout, 504},
                                          {errc::storage_full, 507}};
    for (const auto& [kind, status] : table) {
        EXPECT_EQ(http_status(kind), status);
        EXPECT_NE(status_title(status), "Unknown") << status;
        const auto text =
            problem_json({.kind = kind, .code = "some_code", .detail = "what happened"}, "r-1");
        EXPECT_FALSE(find_json_fault(text)) << text;
        EXPECT_NE(text.find("\"status\":" + std::to_string(status)), std::string::npos);
        EXPECT_NE(text.find("\"type\":\"/problems/some_code\""), std::string::npos);
        EXPECT_EQ(text.find("what happened") == std::string::npos, kind == errc::internal)
            << "what broke is for the log";
    }
}

TEST(problem_documents, point_into_the_request_and_escape_what_they_repeat) {
    error why = invalid_request({{"items[1].quantity", "required", "", {}},
                                 {"a/b~c", "odd", "\"\n\x01", 5},
                                 {"", "object", "", {}}});
    why.allowed = {"paid", "a\"b"};
    const auto text = problem_json(why, "r\"1");
    EXPECT_FALSE(find_json_fault(text)) << text;
    for (const auto* part :
         {R"("pointer":"/items/1/quantity")", R"("pointer":"/a~1b~0c")",
          R"("pointer":"","code":"object")", R"("available":5)", R"("allowed":["paid","a\"b"])"})
        EXPECT_NE(text.find(part), std::string::npos) << part << text;
    EXPECT_NE(why.detail.find("and 2 more"), std::string::npos);
}

}  // namespace
}  // namespace stoa
