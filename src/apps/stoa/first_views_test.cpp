#include "apps/stoa/first_views.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

constexpr std::string_view page =
    "<title>{{name}}</title><div>{{picture}}<i>{{category}}</i><p>{{description}}</p></div>"
    "<script type=\"application/json\">{{json}}</script>";

std::string with(std::string_view name, std::string_view more = "") {
    return R"({"id":"1","name":")" + std::string(name) +
           R"(","description":"d","category":"c","price":1.5)" + std::string(more) + "}";
}

TEST(first_views, a_product_is_text_and_data_in_its_page) {
    EXPECT_EQ(item_view(page, with("Bowl", R"(,"image_url":"/images/a.svg")")),
              "<title>Bowl</title><div><img src=\"/images/a.svg\" alt=\"\" width=\"300\" "
              "height=\"300\" decoding=\"async\" fetchpriority=\"high\" class=\"aspect-square "
              "object-cover w-full\">"
              "<i>c</i><p>d</p></div><script type=\"application/json\">" +
                  with("Bowl", R"(,"image_url":"/images/a.svg")") + "</script>");
}

TEST(first_views, what_a_product_is_called_stays_text) {
    const auto made = item_view(page, with(R"(</script><script>x</script>'&{{json}}\")"));
    EXPECT_EQ(made.find("<script>x"), std::string::npos) << made;
    EXPECT_NE(made.find("<title>&lt;/script&gt;&lt;script&gt;x&lt;/script&gt;&#39;&amp;{{json}}"
                        "&quot;</title>"),
              std::string::npos)
        << made;
    EXPECT_NE(made.find(R"("name":"\u003c/script>\u003cscript>x)"), std::string::npos) << made;
}

TEST(first_views, pictures_of_other_schemes_are_left_to_the_script) {
    for (const auto url : {"javascript:x", "//elsewhere/a.png", "http://a/b.png", "data:,x", ""})
        EXPECT_EQ(
            item_view(page, with("a", R"(,"image_url":")" + std::string(url) + '"')).find("<img"),
            std::string::npos)
            << url;
    const auto broken_out = item_view(page, with("a", R"(,"image_url":"/a\" onerror=\"x")"));
    EXPECT_NE(broken_out.find("/a&quot; onerror=&quot;x"), std::string::npos) << broken_out;
}

std::string variant(int size, int width, std::string_view format) {
    const auto word = std::string(format);
    return R"({"size":)" + std::to_string(size) + R"(,"width":)" + std::to_string(width) +
           R"(,"height":9,"content_type":"image/)" + word + R"(","url":"/p/)" +
           std::to_string(size / 100) + "." + word + "\"}";
}

TEST(first_views, an_uploaded_picture_comes_in_its_sizes) {
    const auto variants = variant(150, 150, "jpeg") + "," + variant(150, 150, "webp") + "," +
                          variant(400, 300, "jpeg") + "," + variant(800, 300, "jpeg") + "," +
                          variant(800, 300, "webp");
    const auto of = [&](const std::string& status) {
        return item_view(
            "{{picture}}",
            with("a", R"(,"image_url":"/old.png","images":[{"id":"1","status":")" + status +
                          R"(","width":300,"height":300,"variants":[)" + variants + "]}]"));
    };
    EXPECT_EQ(of("ready"),
              "<picture class=\"contents\"><source type=\"image/webp\" srcset=\"/p/1.webp 150w, "
              "/p/8.webp 300w\" sizes=\"(min-width: 768px) 50vw, 100vw\"><img src=\"/p/8.jpeg\" "
              "srcset=\"/p/1.jpeg 150w, /p/8.jpeg 300w\" sizes=\"(min-width: 768px) 50vw, 100vw\" "
              "alt=\"\" width=\"300\" height=\"300\" decoding=\"async\" fetchpriority=\"high\" "
              "class=\"aspect-square object-cover w-full\"></picture>");
    EXPECT_TRUE(of("processing").starts_with("<img src=\"/old.png\" alt"));
}

TEST(first_views, what_is_no_product_has_no_view) {
    EXPECT_EQ(item_view(page, "{}"), "");
    EXPECT_EQ(item_view(page, "nothing"), "");
}

TEST(first_views, the_first_known_language_of_the_client) {
    EXPECT_EQ(first_language("de-CH,en;q=0.8"), "de");
    EXPECT_EQ(first_language("fr, DE;q=0.9, en"), "de");
    EXPECT_EQ(first_language("en-GB,de"), "en");
    EXPECT_EQ(first_language(""), "en");
    EXPECT_EQ(first_language("fr"), "en");
}

}  // namespace
}  // namespace stoa
