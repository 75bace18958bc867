#include "transport/openapi/openapi.hpp"

#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"
#include "transport/http/router.hpp"
#include "transport/openapi/api_page.hpp"

#include <gtest/gtest.h>

#include <simdjson.h>

#include <functional>

namespace stoa::openapi {
namespace {

namespace carts {
enum class state : std::uint8_t { open, closed };
BOOST_DESCRIBE_ENUM(state, open, closed)
struct line {
    std::string product_id;
    std::int32_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(line, (), (product_id, quantity))
struct cart {
    std::string id;
    std::vector<line> lines;
    money total;
    currency_code currency;
    state status{};
    timestamp created_at;
    std::optional<std::string> email;
    json_text extra;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(cart, (),
                      (id, lines, total, currency, status, created_at, email, extra, version))
struct put_cart {
    std::string id;
    std::vector<line> lines;
    std::optional<std::string> email;
};
BOOST_DESCRIBE_STRUCT(put_cart, (), (id, lines, email))
struct by_id {
    std::string id;
    std::optional<std::int32_t> limit;
};
BOOST_DESCRIBE_STRUCT(by_id, (), (id, limit))
}  // namespace carts
namespace orders {
struct line {  // the same name as the cart's, other members
    std::string name;
};
BOOST_DESCRIBE_STRUCT(line, (), (name))
struct order {
    std::string id;
    std::vector<line> lines;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, lines))
}  // namespace orders

struct nothing {};
BOOST_DESCRIBE_STRUCT(nothing, (), ())

class fake_api {
 public:
    task<result<carts::cart>> get(request_context, carts::by_id) { co_return carts::cart{}; }
    task<result<carts::cart>> put(request_context, carts::put_cart) { co_return carts::cart{}; }
    task<result<nothing>> remove(request_context, carts::by_id) { co_return nothing{}; }
    task<result<orders::order>> order(request_context, orders::order) { co_return orders::order{}; }
};

}  // namespace
}  // namespace stoa::openapi

template <>
inline constexpr auto stoa::rules_of<stoa::openapi::carts::line> =
    std::to_array<stoa::rule>({stoa::range("quantity", 1, 1'000), stoa::uuid("product_id"),
                               stoa::alias("product", "product_id"), stoa::refused("price")});
template <>
inline constexpr auto stoa::rules_of<stoa::openapi::carts::put_cart> = std::to_array<stoa::rule>(
    {stoa::range("lines", 0, 100), stoa::email("email"), stoa::range("email", 3, 254)});

namespace stoa::openapi {
namespace {

namespace dom = simdjson::dom;

constexpr operation cart_table[] = {
    serve<&fake_api::get>(verb::get, "/api/v1/carts/{id}", "GetCart")
        .also_at("/carts/{id}")
        .allows(who::anyone)
        .says("One cart."),
    serve<&fake_api::put>(verb::put, "/api/v1/carts/{id}", "PutCart").allows(who::registered),
    serve<&fake_api::remove>(verb::erase, "/api/v1/carts/{id}", "RemoveCart")
        .answers(204)
        .allows(who::services),
};
constexpr operation order_table[] = {
    serve<&fake_api::order>(verb::post, "/api/v1/orders", "MakeOrder")
        .answers(201)
        .allows(who::signed_in)
        .takes_idempotency_key(),
};

class openapi_test : public ::testing::Test {
 protected:
    std::string written() {
        const service all[] = {{"carts", cart_table, &api}, {"orders", order_table, &api}};
        return write_document(all, {}, {.version = "1.2.3"});
    }
    void SetUp() override {
        const auto error = parser.parse(simdjson::padded_string(written())).get(document);
        ASSERT_FALSE(error) << simdjson::error_message(error);
    }
    dom::element at(std::string_view pointer) {
        dom::element out;
        EXPECT_FALSE(document.at_pointer(pointer).get(out)) << pointer << " is not there";
        return out;
    }
    bool is_there(std::string_view pointer) {
        return document.at_pointer(pointer).error() == simdjson::SUCCESS;
    }

    fake_api api;
    dom::parser parser;
    dom::element document;
};

TEST_F(openapi_test, the_same_rows_give_the_same_bytes) { EXPECT_EQ(written(), written()); }

TEST_F(openapi_test, every_row_stands_at_its_path_and_verb) {
    for (const auto* pointer :
         {"/paths/~1api~1v1~1carts~1{id}/get", "/paths/~1api~1v1~1carts~1{id}/put",
          "/paths/~1api~1v1~1carts~1{id}/delete", "/paths/~1api~1v1~1orders/post"})
        EXPECT_TRUE(is_there(pointer)) << pointer;
    EXPECT_EQ(at("/paths/~1api~1v1~1carts~1{id}/get/x-alias").get_string().value(), "/carts/{id}");
    EXPECT_EQ(at("/paths/~1api~1v1~1carts~1{id}/get/operationId").get_string().value(), "GetCart");
    EXPECT_EQ(at("/openapi").get_string().value(), "3.1.0");
    EXPECT_EQ(at("/servers/1/url").get_string().value(), "http://api-gateway.ecommerce.local");
}

TEST_F(openapi_test, every_reference_resolves_and_every_schema_says_something) {
    int references = 0;
    const std::function<void(dom::element)> walk = [&](dom::element value) {
        if (value.is_array())
            for (auto each : value.get_array()) walk(each);
        if (!value.is_object()) return;
        for (auto [key, inner] : value.get_object()) {
            if (key == "$ref") {
                ++references;
                const std::string target(inner.get_string().value());
                ASSERT_TRUE(target.starts_with("#/"));
                EXPECT_TRUE(is_there(target.substr(1))) << target;
            }
            walk(inner);
        }
    };
    walk(document);
    EXPECT_GT(references, 20);
    for (auto [name, schema] : at("/components/schemas").get_object())
        EXPECT_EQ(schema["type"].error(), simdjson::SUCCESS) << name;
}

TEST_F(openapi_test, records_of_one_name_in_two_namespaces_have_two_schemas) {
    EXPECT_TRUE(is_there("/components/schemas/carts_line/properties/quantity"));
    EXPECT_TRUE(is_there("/components/schemas/orders_line/properties/name"));
    EXPECT_FALSE(is_there("/components/schemas/line"));
    EXPECT_EQ(at("/components/schemas/order/properties/lines/items/$ref").get_string().value(),
              "#/components/schemas/orders_line");
}

TEST_F(openapi_test, kinds_and_rules_become_schema_words) {
    const std::string cart = "/components/schemas/cart/properties/",
                      line = "/components/schemas/carts_line/";
    EXPECT_EQ(at(cart + "total/type").get_string().value(), "number");
    EXPECT_EQ(at(cart + "created_at/format").get_string().value(), "date-time");
    EXPECT_EQ(at(cart + "currency/pattern").get_string().value(), "^[A-Z]{3}$");
    EXPECT_EQ(at("/components/schemas/state/enum/1").get_string().value(), "closed");
    EXPECT_EQ(at(cart + "version/format").get_string().value(), "int64");
    EXPECT_EQ(at(line + "properties/quantity/minimum").get_int64().value(), 1);
    EXPECT_EQ(at(line + "properties/quantity/maximum").get_int64().value(), 1000);
    EXPECT_EQ(at(line + "properties/product_id/format").get_string().value(), "uuid");
    EXPECT_EQ(at(line + "properties/product_id/x-alias/0").get_string().value(), "product");
    EXPECT_EQ(at(line + "x-server-owned/0").get_string().value(), "price");
    EXPECT_EQ(at("/components/schemas/put_cart_body/properties/lines/maxItems").get_int64().value(),
              100);
    EXPECT_EQ(
        at("/components/schemas/put_cart_body/properties/email/maxLength").get_int64().value(),
        254);
}

TEST_F(openapi_test, optional_members_are_not_required_and_path_members_not_in_the_body) {
    std::vector<std::string_view> required;
    for (auto each : at("/components/schemas/cart/required").get_array())
        required.push_back(each.get_string().value());
    EXPECT_EQ(std::ranges::count(required, "email"), 0);
    EXPECT_EQ(std::ranges::count(required, "total"), 1);
    EXPECT_FALSE(is_there("/components/schemas/put_cart_body/properties/id"));
    EXPECT_EQ(at("/paths/~1api~1v1~1carts~1{id}/put/parameters/0/in").get_string().value(), "path");
    EXPECT_EQ(at("/paths/~1api~1v1~1carts~1{id}/get/parameters/1/in").get_string().value(),
              "query");
}

TEST_F(openapi_test, policies_say_who_and_which_refusals_there_are) {
    const std::string cart = "/paths/~1api~1v1~1carts~1{id}/";
    EXPECT_EQ(at(cart + "put/x-callers").get_string().value(), "registered");
    EXPECT_TRUE(is_there(cart + "put/responses/403"));
    EXPECT_FALSE(is_there(cart + "get/responses/403"));
    EXPECT_TRUE(is_there(cart + "put/responses/412")) << "the record is versioned";
    EXPECT_FALSE(is_there("/paths/~1api~1v1~1orders/post/responses/412"));
    EXPECT_TRUE(is_there(cart + "get/responses/304"));
    EXPECT_EQ(at(cart + "get/security").get_array().size(), 3U) << "nothing, a token or a key";
    EXPECT_EQ(at(cart + "delete/security").get_array().size(), 1U);
    EXPECT_EQ(at("/paths/~1api~1v1~1orders/post/parameters/0/name").get_string().value(),
              "Idempotency-Key");
    EXPECT_TRUE(is_there("/paths/~1api~1v1~1orders/post/responses/201/content"));
    EXPECT_FALSE(is_there(cart + "delete/responses/204/content"));
}

TEST_F(openapi_test, the_page_and_the_document_are_served_with_a_tag_and_a_strict_policy) {
    stoa::testing::test_loop io;
    stoa::testing::manual_clock time;
    stoa::testing::seeded_random random(1);
    metrics measured;
    rate_limiter limiter;
    http::router routes({time, random, measured, limiter,
                         [](std::string) -> task<result<principal>> { co_return principal{}; }},
                        {.log = http::access_log::off});
    ASSERT_TRUE(routes.add(service{"carts", cart_table, &api}));
    ASSERT_TRUE(mount_documents(routes, {.version = "1"}));
    const auto ask = [&](std::string path, std::vector<http::header> headers = {}) {
        http::request in;
        in.path = std::move(path);
        in.headers = std::move(headers);
        return io.run([&] { return routes.handle(in); });
    };
    const auto header_of = [](const http::response& of, std::string_view name) -> std::string {
        for (const auto& each : of.headers)
            if (each.name == name) return each.value;
        return {};
    };
    const auto document_ = ask("/openapi.json");
    ASSERT_EQ(document_.status, 200);
    EXPECT_NE(document_.body->find("\"/openapi.json\""), std::string::npos)
        << "it speaks of itself";
    EXPECT_NE(document_.body->find("\"/docs\""), std::string::npos);
    EXPECT_EQ(document_.body->find("/docs/app.js"), std::string::npos);
    const auto again = ask("/openapi.json", {{"if-none-match", header_of(document_, "ETag")}});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, nullptr);
    EXPECT_EQ(ask("/openapi.json").body, document_.body) << "made once";
    for (const auto* path : {"/docs", "/docs/app.js", "/docs/style.css"}) {
        const auto page = ask(path);
        ASSERT_EQ(page.status, 200) << path;
        EXPECT_FALSE(page.body->empty());
        const auto policy = header_of(page, "Content-Security-Policy");
        EXPECT_TRUE(policy.starts_with("default-src 'none'")) << path;
        EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    }
    const auto& html = *ask("/docs").body;
    EXPECT_EQ(html.find("<style"), std::string::npos);
    for (const auto& file : api_page_files())
        EXPECT_EQ(file.content.find("localStorage"), std::string_view::npos) << file.name;
}

}  // namespace
}  // namespace stoa::openapi
