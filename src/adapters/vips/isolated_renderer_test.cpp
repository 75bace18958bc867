#include "adapters/vips/isolated_renderer.hpp"

#include "adapters/vips/picture_frames.hpp"
#include "adapters/vips/picture_worker.hpp"
#include "base/media_type.hpp"
#include "support/pictures.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cstring>

namespace stoa::testing {
namespace {

const std::vector<int> sizes{150, 400, 800};

class isolated_renderer_test : public ::testing::Test {
 protected:
    result<rendered_picture> render(std::string original) {
        return loop_.run([&] { return renderer_.render(std::move(original), sizes); });
    }
    // A JPEG of that size, made by the renderer itself.
    std::string jpeg(std::uint32_t width, std::uint32_t height) {
        auto made = render(grainy_png(width, height));
        return made ? made->renditions[4].bytes : std::string();
    }

    test_loop loop_;
    isolated_renderer renderer_;
};

TEST_F(isolated_renderer_test, a_picture_comes_in_three_sizes_and_two_formats) {
    const auto made = render(grainy_png(1'600, 1'200));
    ASSERT_TRUE(made) << made.error().code << ' ' << made.error().detail;
    EXPECT_EQ(made->content_type, "image/png");
    EXPECT_EQ(made->width, 1'600);
    EXPECT_EQ(made->height, 1'200);
    ASSERT_EQ(made->renditions.size(), 6u);
    for (std::size_t i = 0; i < 6; ++i) {
        const auto& one = made->renditions[i];
        EXPECT_EQ(one.within_px, sizes[i / 2]);
        EXPECT_EQ(one.width, sizes[i / 2]);
        EXPECT_NEAR(static_cast<double>(one.height), sizes[i / 2] * 0.75, 1);
        EXPECT_EQ(one.format, i % 2 ? picture_format::webp : picture_format::jpeg);
        EXPECT_EQ(media_of(one.bytes), i % 2 ? media::webp : media::jpeg);
    }
}

TEST_F(isolated_renderer_test, a_small_picture_is_not_enlarged) {
    const auto made = render(grainy_png(200, 100));
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->renditions[0].width, 150);
    EXPECT_EQ(made->renditions[2].width, 200);
    EXPECT_EQ(made->renditions[5].width, 200);
}

TEST_F(isolated_renderer_test, orientation_is_applied_and_what_the_camera_noted_is_left_out) {
    const auto turned = with_exif(jpeg(1'200, 600), 6);
    ASSERT_NE(turned.find("SECRETPLACE"), std::string::npos);
    const auto made = render(turned);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->width, 400);
    EXPECT_EQ(made->height, 800);
    for (const auto& each : made->renditions) {
        EXPECT_LT(each.width, each.height);
        EXPECT_EQ(each.bytes.find("Exif"), std::string::npos);
        EXPECT_EQ(each.bytes.find("EXIF"), std::string::npos);
        EXPECT_EQ(each.bytes.find("SECRETPLACE"), std::string::npos);
    }
}

TEST_F(isolated_renderer_test, a_transparent_picture_stands_on_white_in_jpeg) {
    std::string plain;
    for (int y = 0; y < 100; ++y) plain += std::string(1, '\0') + std::string(100 * 4, '\0');
    const auto made = render(png_of({100, 100, 8, 6}, "", deflated(plain)));
    ASSERT_TRUE(made) << made.error().detail;
    const auto again = render(made->renditions[0].bytes);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_NE(made->renditions[1].bytes.find("ALPH"), std::string::npos);
    EXPECT_TRUE(render(made->renditions[1].bytes));
    // White in, white out: a black square's JPEG of this size has other bytes.
    const auto white = render(png_picture(100, 100, [](auto, auto) { return 0xffffffU; }));
    ASSERT_TRUE(white);
    EXPECT_EQ(made->renditions[0].bytes, white->renditions[0].bytes);
}

TEST_F(isolated_renderer_test, a_picture_cut_at_a_hundred_places_is_called_broken) {
    const auto whole = jpeg(800, 600);
    ASSERT_GT(whole.size(), 10'000u);
    for (std::size_t i = 0; i < 100; ++i) {
        const auto made = render(whole.substr(0, whole.size() * i / 100));
        ASSERT_FALSE(made) << i;
        EXPECT_TRUE(made.error().code == "picture_broken" || made.error().code == "not_a_picture")
            << i << made.error().code;
    }
    EXPECT_TRUE(render(whole));
}

TEST_F(isolated_renderer_test, a_png_whose_pixels_end_early_is_called_broken_too) {
    const auto whole = grainy_png(300, 200);
    for (std::size_t i = 5; i < 100; i += 5)
        EXPECT_FALSE(render(whole.substr(0, whole.size() * i / 100))) << i;
    // Whole as a file, with rows that are missing.
    const auto short_of_rows = render(png_of({400, 400, 8, 2}, "", deflated(std::string(10, 0))));
    ASSERT_FALSE(short_of_rows);
    EXPECT_EQ(short_of_rows.error().code, "picture_broken");
    EXPECT_TRUE(short_of_rows.error().detail.contains("ot enough")) << short_of_rows.error().detail;
}

TEST_F(isolated_renderer_test, what_is_no_picture_by_content_is_refused_whatever_its_name) {
    for (const auto* each : {"", "<svg xmlns='http://www.w3.org/2000/svg'/>", "II*\0", "%PDF-1.7",
                             "push graphic-context", "not a picture at all"}) {
        const auto made = render(each);
        ASSERT_FALSE(made) << each;
        EXPECT_EQ(made.error().code, "not_a_picture") << each;
        EXPECT_EQ(made.error().kind, errc::invalid);
    }
}

TEST_F(isolated_renderer_test, more_bytes_than_are_taken_are_refused_unread) {
    const auto made = render(std::string(picture_limits{}.bytes + 1, '\xff'));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "picture_too_large");
    EXPECT_EQ(made.error().kind, errc::too_large);
}

double cpu_seconds(const rusage& of) {
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(of.ru_utime) + seconds(of.ru_stime);
}

TEST(picture_bombs, thirty_of_them_end_in_an_error_within_memory_and_time) {
    const auto bombs = picture_bombs();
    ASSERT_EQ(bombs.size(), 30u);
    test_loop loop;
    for (const auto& each : bombs) {
        rusage before{}, after{};
        getrusage(RUSAGE_CHILDREN, &before);
        result<rendered_picture> made, next;
        {
            isolated_renderer renderer;
            made = loop.run([&] { return renderer.render(each.bytes, sizes); });
            next = loop.run([&] { return renderer.render(grainy_png(100, 100), sizes); });
        }
        getrusage(RUSAGE_CHILDREN, &after);
        EXPECT_LE(cpu_seconds(after) - cpu_seconds(before), 2.0) << each.name;  // with its loading
        EXPECT_LE(after.ru_maxrss, 256 * 1'024) << each.name;
        EXPECT_TRUE(next) << each.name << ": the next picture suffers";
        std::printf("%-55s %4.0f ms %4ld MB  %s\n", each.name.c_str(),
                    1'000 * (cpu_seconds(after) - cpu_seconds(before)), after.ru_maxrss / 1'024,
                    made ? "rendered" : (made.error().code + ": " + made.error().detail).c_str());
        if (made) continue;
        const auto& code = made.error().code;
        EXPECT_TRUE(code == "picture_too_large" || code == "picture_broken" ||
                    code == "picture_needs_too_much" || code == "not_a_picture")
            << each.name << ' ' << code;
        EXPECT_FALSE(made.error().detail.empty()) << each.name;
    }
}

TEST(isolated_renderer, a_worker_that_cannot_be_started_is_said_to_be_away) {
    test_loop loop;
    isolated_renderer renderer({.worker = {"/nonexistent/worker"}});
    const auto made = loop.run([&] { return renderer.render(grainy_png(10, 10), sizes); });
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, errc::unavailable);
    EXPECT_EQ(made.error().code, "picture_worker_failed");
}

TEST(isolated_renderer, whether_pictures_can_be_made_is_told_beforehand) {
    test_loop loop;
    isolated_renderer here;
    EXPECT_TRUE(loop.run([&] { return here.check(); }));
    EXPECT_TRUE(loop.run([&] { return here.check(); }));  // by a new process
    isolated_renderer nowhere({.worker = {"/nonexistent/stoa", "picture-worker"}});
    const auto told = loop.run([&] { return nowhere.check(); });
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, "picture_worker_failed");
}

TEST(isolated_renderer, answers_of_a_worker_that_was_taken_over_are_not_believed) {
    const rendered_picture good{.content_type = "image/png",
                                .width = 20,
                                .height = 10,
                                .renditions = {{picture_format::jpeg, 150, 20, 10, "JJ"},
                                               {picture_format::webp, 150, 20, 10, "WWW"}}};
    const auto packed = vips::pack(good);
    const auto back = vips::unpack(packed);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->renditions[1].bytes, "WWW");
    const auto with = [&](std::string from, std::string to) {
        auto out = packed;
        out.replace(out.find(from), from.size(), to);
        return out;
    };
    for (const auto& each :
         {std::string(), std::string("{}"), packed + "x", packed.substr(0, packed.size() - 1),
          with("image/png", "text/html"), with("\"size_bytes\":3", "\"size_bytes\":-3"),
          with("\"size_bytes\":3", "\"size_bytes\":9999999999"),
          with("\"width\":20", "\"width\":99999"), with("\"width\":20", "\"width\":0")}) {
        const auto read = vips::unpack(each);
        ASSERT_FALSE(read) << each;
        EXPECT_EQ(read.error().code, "picture_broken");
    }
}

}  // namespace
}  // namespace stoa::testing

// The worker is this very program, as it is the shop's.
int main(int count, char** arguments) {
    if (count > 1 && std::strcmp(arguments[1], "picture-worker") == 0)
        return stoa::vips::run_picture_worker();
    ::testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
