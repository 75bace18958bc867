#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

TEST(utf8, what_is_valid_stays_and_the_rest_is_readable) {
    for (const auto* each : {"", "plain.png", "caf\xC3\xA9", "\xF0\x9F\x8D\xB5"})
        EXPECT_EQ(valid_utf8(each), each);
    EXPECT_EQ(valid_utf8("caf\xE9.png"), "caf\xEF\xBF\xBD.png");
    EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
}

}  // namespace
}  // namespace stoa
