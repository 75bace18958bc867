// What the outside reads: metrics and logs.
#include "base/json_check.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace stoa {
namespace {

TEST(metrics, are_shown_in_the_text_format) {
    metrics all;
    const auto count = all.counter("things_total", "Things.", {{"kind", "a"}});
    count.add();
    count.add(2);
    all.counter("things_total", "Things.", {{"kind", "b"}}).add();
    all.duration("took_seconds", "Time.", {{"route", "/x"}}).observe(0.003);
    double level = 1;
    all.gauge("level", "Level.", {{"of", "tank"}}, [&] { return level; });
    level = 2.5;
    const auto text = all.text();
    for (const auto* line :
         {"# HELP things_total Things.", "# TYPE things_total counter",
          "things_total{kind=\"a\"} 3", "things_total{kind=\"b\"} 1",
          "# TYPE took_seconds histogram", "took_seconds_bucket{route=\"/x\",le=\"0.0025\"} 0",
          "took_seconds_bucket{route=\"/x\",le=\"0.005\"} 1", "took_seconds_count{route=\"/x\"} 1",
          "level{of=\"tank\"} 2.5"})
        EXPECT_NE(text.find(std::string(line) + '\n'), std::string::npos) << line << '\n' << text;
}

TEST(metrics, the_same_name_and_labels_are_one_series_and_help_stands_once) {
    metrics all;
    all.counter("things_total", "Things.").add();
    all.counter("things_total", "Things.").add();
    const auto text = all.text();
    EXPECT_NE(text.find("things_total 2\n"), std::string::npos);
    EXPECT_EQ(text.find("# HELP things_total"), text.rfind("# HELP things_total"));
    metric_counter().add();  // a handle that was never given a series counts nothing
}

TEST(metrics, label_values_are_escaped) {
    metrics all;
    all.counter("odd_total", "Odd.", {{"value", "a\"b\nc\\d"}}).add();
    EXPECT_NE(all.text().find(R"(odd_total{value="a\"b\nc\\d"} 1)"), std::string::npos);
}

std::vector<std::string> logged(log_level least, const std::function<void()>& what) {
    ::testing::internal::CaptureStderr();
    start_log(least);
    what();
    flush_log();
    std::vector<std::string> lines;
    const auto text = ::testing::internal::GetCapturedStderr();
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

TEST(log, a_line_is_one_json_object_whatever_is_logged) {
    const auto lines = logged(log_level::info, [] {
        log_info("event",
                 {{"text", "a\nb\r\"\\\x01{}%v"}, {"n", INT64_MIN}, {"yes", true}, {"share", 0.5}});
        log_info("odd\nevent", {{"nan", std::nan("")},
                                {"inf", std::numeric_limits<double>::infinity()},
                                {"huge", 1e300}});
    });
    ASSERT_EQ(lines.size(), 2U);
    for (const auto& line : lines) {
        const auto fault = find_json_fault(line);
        EXPECT_FALSE(fault) << line;
    }
    EXPECT_NE(
        lines[0].find(
            R"("text":"a\nb\r\"\\\u0001{}%v","n":-9223372036854775808,"yes":true,"share":0.500)"),
        std::string::npos)
        << lines[0];
    EXPECT_NE(lines[1].find(R"("nan":null,"inf":null,"huge":null)"), std::string::npos) << lines[1];
}

TEST(log, levels_below_the_least_are_dropped_and_nothing_is_lost_at_the_end) {
    const auto lines = logged(log_level::warning, [] {
        log_debug("debug");
        log_info("info");
        for (int i = 0; i < 1'000; ++i) log_warning("warning", {{"i", i}});
        log_error("error");
    });
    ASSERT_EQ(lines.size(), 1'001U);
    EXPECT_NE(lines.front().find(R"("level":"warning","event":"warning","i":0)"),
              std::string::npos);
    EXPECT_NE(lines.back().find(R"("level":"error")"), std::string::npos);
    EXPECT_FALSE(log_enabled(log_level::error)) << "after flush_log nothing is written";
}

}  // namespace
}  // namespace stoa
