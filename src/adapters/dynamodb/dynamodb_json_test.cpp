#include "adapters/dynamodb/dynamodb_json.hpp"

#include "adapters/dynamodb/dynamodb_expression.hpp"

#include <gtest/gtest.h>

namespace stoa::dynamodb {
namespace {

item make(std::initializer_list<std::pair<std::string_view, attribute>> entries) {
    item out;
    for (const auto& [name, value] : entries) out.set(name, value);
    return out;
}
std::string written(const attribute& value) {
    std::string out;
    append_attribute(out, value);
    return out;
}
result<item> read(std::string_view text) {
    simdjson::dom::parser parser;
    simdjson::dom::object root;
    if (parser.parse(text.data(), text.size()).get(root)) return fail(errc::malformed, "no_json");
    return read_item(root);
}

TEST(dynamodb_json, every_kind_of_attribute_is_written_as_dynamodb_wants_it) {
    EXPECT_EQ(written({}), R"({"NULL":true})");
    EXPECT_EQ(written(true), R"({"BOOL":true})");
    EXPECT_EQ(written(false), R"({"BOOL":false})");
    EXPECT_EQ(written(INT64_MIN), R"({"N":"-9223372036854775808"})");
    EXPECT_EQ(written(INT64_MAX), R"({"N":"9223372036854775807"})");
    EXPECT_EQ(written(""), R"({"S":""})");
    EXPECT_EQ(written(attribute_list{1, "a", attribute_list{}}),
              R"({"L":[{"N":"1"},{"S":"a"},{"L":[]}]})");
    EXPECT_EQ(written(make({{"k", item()}})), R"({"M":{"k":{"M":{}}}})");
    EXPECT_EQ(written(std::string("q\"\\\n\0", 5)), R"({"S":"q\"\\\n\u0000"})");
}

TEST(dynamodb_json, what_is_written_is_read_back) {
    const auto whole =
        make({{"nothing", attribute()},
              {"yes", true},
              {"least", INT64_MIN},
              {"most", INT64_MAX},
              {"empty", ""},
              {"text", std::string("a\0\x1f\x7f\xc3\xa9\xf0\x9f\x9b\x92 \"\\/", 13)},
              {"quoted \"name\"", 1},
              {"list", attribute_list{make({{"n", 3}}), "plain", attribute_list{}, attribute()}},
              {"map", make({{"inner", make({{"deep", attribute_list{false}}})}})}});
    std::string text;
    append_item(text, whole);
    const auto back = read(text);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(*back, whole);
}

TEST(dynamodb_json, what_this_shop_does_not_write_is_named_and_not_guessed) {
    for (const char* text :
         {R"({"a":{"B":"AAEC"}})", R"({"a":{"SS":["x"]}})", R"({"a":{"N":"1.5"}})",
          R"({"a":{"N":"9223372036854775808"}})", R"({"a":{"N":"1e3"}})", R"({"a":{"N":""}})",
          R"({"a":{"N":7}})", R"({"a":{"S":1}})", R"({"a":{}})", R"({"a":{"S":"x","N":"1"}})",
          R"({"a":"plain"})", R"({"a":{"L":[7]}})", R"({"a":{"M":{"b":1}}})"}) {
        const auto back = read(text);
        ASSERT_FALSE(back) << text;
        EXPECT_EQ(back.error().code, "stored_item_ill_formed") << text;
    }
}

TEST(dynamodb_json, text_that_is_no_utf8_and_items_that_are_too_deep_are_refused) {
    EXPECT_EQ(check_writable(make({{"a", "\xff"}})).error().code, "text_not_utf8");
    EXPECT_EQ(check_writable(make({{"\xc3", 1}})).error().code, "text_not_utf8");
    EXPECT_EQ(check_writable(attribute(attribute_list{"\xf0\x9f"})).error().code, "text_not_utf8");
    attribute deep = 1;
    for (int i = 0; i < deepest; ++i) deep = attribute_list{std::move(deep)};
    EXPECT_TRUE(check_writable(make({{"a", deep}})));
    deep = make({{"m", std::move(deep)}});
    EXPECT_EQ(check_writable(make({{"a", deep}})).error().code, "item_too_deep");
}

TEST(dynamodb_json, sizes_are_at_least_the_text) {
    EXPECT_EQ(size_bytes(make({{"id", "big"}, {"text", std::string(400'000, 'x')}})), 400'009u);
    EXPECT_EQ(size_bytes(make({{"n", 1234}, {"b", true}, {"l", attribute_list{"ab"}}})),
              1u + 4 + 1 + 1 + 1 + 3 + 1 + 2);
}

TEST(dynamodb_expression, names_and_values_are_placeholders) {
    expression in;
    EXPECT_EQ(condition_text(in, {absent("size"), equals("status", "it's"), equals("size", 3)}),
              "attribute_not_exists(#n0) AND #n1 = :v0 AND #n0 = :v1");
    std::string out;
    in.append_to(out);
    EXPECT_EQ(out, R"(,"ExpressionAttributeNames":{"#n0":"size","#n1":"status"})"
                   R"(,"ExpressionAttributeValues":{":v0":{"S":"it's"},":v1":{"N":"3"}})");
}

TEST(dynamodb_expression, what_dynamodb_cannot_order_is_never_true) {
    expression in;
    EXPECT_EQ(condition_text(in, {{"b", condition::op::less, true}}),
              "(attribute_exists(#n0) AND attribute_not_exists(#n0))");
    EXPECT_EQ(condition_text(in, {{"n", condition::op::not_equal, 4}}),
              "(attribute_type(#n1,:v0) AND #n1 <> :v1)");
}

TEST(dynamodb_expression, updates_have_each_clause_once) {
    expression in;
    EXPECT_EQ(update_text(in, {set_to("a", 1), add_to("n", -2), removed("x"), set_to("b", "t"),
                               removed("y")}),
              "SET #n0 = :v0, #n3 = :v2 ADD #n1 :v1 REMOVE #n2, #n4");
}

TEST(dynamodb_expression, additions_stay_within_64_bits) {
    expression in;
    EXPECT_EQ(addition_guard(in, {add_to("n", 3), set_to("t", "x")}),
              "(attribute_not_exists(#n0) OR #n0 BETWEEN :v0 AND :v1)");
    std::string out;
    in.append_to(out);
    EXPECT_NE(out.find(R"(":v1":{"N":"9223372036854775804"})"), std::string::npos) << out;
    expression extreme;
    (void)addition_guard(extreme, {add_to("n", INT64_MIN)});
    out.clear();
    extreme.append_to(out);
    EXPECT_NE(out.find(R"(":v0":{"N":"0"})"), std::string::npos) << out;
}

TEST(dynamodb_expression, ranges_that_dynamodb_refuses_are_answered_without_it) {
    const auto text = [](kv_query::op is, attribute from, attribute to = {}) {
        expression in;
        return key_condition_text(
            in, {.hash = "h", .range = is, .from = std::move(from), .to = std::move(to)}, "a", "b");
    };
    using op = kv_query::op;
    EXPECT_EQ(text(op::between, 2, -9), std::nullopt);
    EXPECT_EQ(text(op::between, "b", "a"), std::nullopt);
    EXPECT_EQ(text(op::less, ""), std::nullopt);
    EXPECT_EQ(text(op::equal, ""), std::nullopt);
    EXPECT_EQ(text(op::greater, ""), "#n0 = :v0");
    EXPECT_EQ(text(op::begins_with, ""), "#n0 = :v0");
    EXPECT_EQ(text(op::between, "", "m"), "#n0 = :v0 AND #n1 <= :v1");
    EXPECT_EQ(text(op::between, 1, 1), "#n0 = :v0 AND #n1 BETWEEN :v1 AND :v2");
}

}  // namespace
}  // namespace stoa::dynamodb
