#include "apps/stoa/web_pages.hpp"

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

}  // namespace
}  // namespace stoa
