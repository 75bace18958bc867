#include "transport/lambda/embedded_metrics.hpp"

#include <gtest/gtest.h>

namespace stoa::lambda {
namespace {

using texts = std::vector<std::string>;
constexpr timestamp at{1'700'000'000'123'000};

TEST(embedded_metrics, what_grew_is_told_once) {
    metrics of;
    auto rows = of.counter("rows_total", "Rows.");
    auto read = of.counter("read_bytes_total", "Bytes.");
    embedded_metrics told(of, "product-import");
    EXPECT_EQ(told.lines(at), texts{});
    rows.add(3);
    read.add(4096);
    EXPECT_EQ(
        told.lines(at),
        texts{
            R"({"_aws":{"Timestamp":1700000000123,"CloudWatchMetrics":[{"Namespace":"Stoa",)"
            R"("Dimensions":[["function"]],"Metrics":[{"Name":"read_bytes_total","Unit":"Bytes"},)"
            R"({"Name":"rows_total","Unit":"Count"}]}]},"function":"product-import",)"
            R"("read_bytes_total":4096,"rows_total":3})"});
    EXPECT_EQ(told.lines(at), texts{});
    rows.add(2);
    ASSERT_EQ(told.lines(at).size(), 1u);
}

TEST(embedded_metrics, labels_are_dimensions_and_each_set_of_them_is_a_line) {
    metrics of;
    of.counter("sent_total", "Sent.", {{"outcome", "a \"quoted\" one"}}).add();
    of.counter("sent_total", "Sent.", {{"outcome", "other"}}).add(2);
    (void)of.counter("sent_total", "Sent.", {{"outcome", "none"}});
    embedded_metrics told(of, "f");
    const auto lines = told.lines(at);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find(R"("Dimensions":[["function","outcome"]])"), std::string::npos);
    EXPECT_NE(lines[0].find(R"("function":"f","outcome":"a \"quoted\" one","sent_total":1})"),
              std::string::npos);
    EXPECT_NE(lines[1].find(R"("outcome":"other","sent_total":2})"), std::string::npos);
}

}  // namespace
}  // namespace stoa::lambda
