#include "apps/stoa/web_pages.hpp"

#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa {
namespace {

TEST(web_pages, the_smallest_coding_that_the_client_takes) {
    EXPECT_EQ(best_coding("gzip, deflate, br, zstd", true, true), "br");
    EXPECT_EQ(best_coding("gzip, deflate, br", false, true), "gzip");
    EXPECT_EQ(best_coding("gzip;q=0.8", true, true), "gzip");
    EXPECT_EQ(best_coding("br;q=0, gzip; q=1.0", true, true), "gzip");
    EXPECT_EQ(best_coding("br;q=0.0,gzip;q=0", true, true), "");
    EXPECT_EQ(best_coding("", true, true), "");
    EXPECT_EQ(best_coding("broccoli, gzipped", true, true), "");
}

TEST(web_pages, compressed_siblings_and_pages_are_no_addresses_of_their_own) {
    const embedded_file files[] = {{"assets/a-1.js", "let a"}, {"assets/a-1.js.br", "b"},
                                   {"assets/a-1.js.gz", "g"},  {"console.html", "<p>"},
                                   {"favicon.svg", "<svg/>"},  {"index.html", "<p>"}};
    std::vector<std::string> paths;
    for (const auto& each : web_pages(files)) paths.push_back(each.path);
    const auto has = [&](std::string_view path) {
        return std::ranges::find(paths, path) != paths.end();
    };
    EXPECT_TRUE(has("/") && has("/console") && has("/assets/a-1.js") && has("/favicon.svg"));
    EXPECT_FALSE(has("/assets/a-1.js.br") || has("/assets/a-1.js.gz") || has("/index.html"));
}

// What a browser gets at / (by `accept-language`), with the styles that its policy allows.
TEST(web_pages, the_policy_allows_the_one_style_of_a_first_view_and_no_other_inline_one) {
    const embedded_file files[] = {
        {"index.html", "<head><link rel=\"stylesheet\">"},
        {"first/home.en.html", "<head><style>h1{color:red}</style></head><h1>Good</h1>"}};
    testing::test_loop loop;
    const auto policy = [&](std::string_view path, std::string language) {
        for (const auto& each : web_pages(files)) {
            if (each.path != path) continue;
            http::request in{.method = verb::get, .path = std::string(path)};
            in.headers.push_back({"accept-language", std::move(language)});
            const auto page = loop.run([&] { return each.answer({}, in, {}); });
            for (const auto& [name, value] : page.headers)
                if (name == "Content-Security-Policy")
                    return value.substr(value.find("style-src"),
                                        value.find("; img-src") - value.find("style-src"));
        }
        return std::string("none");
    };
    // As `openssl dgst -sha256 -binary | base64` says it of the rule.
    EXPECT_EQ(policy("/", "en"),
              "style-src 'self' 'sha256-/D8wWMrWSOjeD/K4IHepvRvJjPxqJbouCB3qbqmBaqY='");
    EXPECT_EQ(policy("/", "de"), "style-src 'self'") << "there is no German first view here";
    EXPECT_EQ(policy("/browse", "en"), "style-src 'self'");
}

TEST(web_pages, a_person_at_no_address_gets_a_page_and_a_program_a_problem) {
    const embedded_file files[] = {{"first/item.html", "<p>{{name}}"},
                                   {"index.html", "<p>the shop"}};
    const auto not_found = not_found_page(files);
    const auto asks = [&](std::string path, std::string accept) {
        http::request in{.method = verb::get, .path = std::move(path)};
        in.headers = {{"accept", std::move(accept)}, {"if-none-match", "*"}};
        return not_found(in);
    };
    const auto page = asks("/nope", "text/html,application/xhtml+xml");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->status, 404);
    EXPECT_EQ(*page->body, "<p>the shop");
    EXPECT_FALSE(asks("/nope", "*/*"));
    EXPECT_FALSE(asks("/nope", ""));
    EXPECT_FALSE(asks("/api/v1/nope", "text/html"));

    testing::test_loop loop;
    const auto unknown = [](http::request) -> task<http::response> {
        co_return http::response{.status = 404};
    };
    for (const auto& each : web_pages(files, unknown)) {
        if (each.path != "/item/{id}") continue;
        for (const std::string id : {"nothing", "018f0000-0000-7000-8000-000000000002"}) {
            const auto item = loop.run([&] { return each.answer({}, {}, {{"id", id}}); });
            EXPECT_EQ(item.status, 404) << id;
            EXPECT_EQ(*item.body, "<p>the shop");
        }
    }
}

}  // namespace
}  // namespace stoa
