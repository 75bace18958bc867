#include "base/media_type.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stoa {
namespace {

using namespace std::string_literals;

TEST(media_type, content_decides_and_not_what_a_client_says) {
    EXPECT_EQ(media_of("\xff\xd8\xff\xe0\0\x10JFIF"s), media::jpeg);
    EXPECT_EQ(media_of("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s), media::png);
    EXPECT_EQ(media_of("RIFF\x10\0\0\0WEBPVP8 "s), media::webp);
    EXPECT_EQ(media_of("GIF89a\1\0\1\0"s), media::gif);
    EXPECT_EQ(media_of("%PDF-1.7\n"s), media::pdf);
    EXPECT_EQ(content_type(media::webp), "image/webp");
    EXPECT_TRUE(is_picture(media::gif));
    EXPECT_FALSE(is_picture(media::pdf));
}

TEST(media_type, what_only_begins_like_one_is_none) {
    for (const auto& each : {""s, "\xff\xd8"s, "RIFF"s, "RIFF\x10\0\0\0WAVE"s, "GIF88a"s,
                             "<svg xmlns"s, "<html>"s, "\x89PNG"s, "BM"s})
        EXPECT_EQ(media_of(each), media::unknown) << each;
    EXPECT_EQ(content_type(media::unknown), "application/octet-stream");
}

}  // namespace
}  // namespace stoa
