#include "adapters/kafka/kafka_options.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

kafka_options fine() { return {.brokers = "a:9092,[::1]:9093", .replication = 1, .min_insync = 1}; }

std::string wrong(const kafka_options& what) {
    const auto checked = check(what);
    return checked ? "" : checked.error().detail.substr(0, checked.error().detail.find(':'));
}

TEST(kafka_options, what_can_be_right_is_accepted) {
    EXPECT_TRUE(check(fine()));
    auto with = fine();
    with.protocol = "SASL_SSL";
    with.mechanism = "PLAIN";
    with.username = "u";
    with.password = "p";
    EXPECT_TRUE(check(with));
}

TEST(kafka_options, what_is_wrong_names_its_setting) {
    for (const char* brokers :
         {"", "a", "a:", ":1", "a:0", "a:65536", "a:9092,", "a:9092, b:1", "a:9o"}) {
        auto with = fine();
        with.brokers = brokers;
        EXPECT_EQ(wrong(with), "KAFKA_BOOTSTRAP_SERVERS") << brokers;
    }
    auto with = fine();
    with.protocol = "TLS";
    EXPECT_EQ(wrong(with), "KAFKA_SECURITY_PROTOCOL");
    with = fine();
    with.password = "secret";
    EXPECT_EQ(wrong(with), "KAFKA_SECURITY_PROTOCOL") << "credentials that nobody would send";
    with = fine();
    with.protocol = "SASL_SSL";
    with.mechanism = "GSSAPI";
    EXPECT_EQ(wrong(with), "KAFKA_SASL_MECHANISM");
    with.mechanism = "PLAIN";
    EXPECT_EQ(wrong(with), "KAFKA_SASL_USERNAME");
    with.username = "u";
    EXPECT_EQ(wrong(with), "KAFKA_SASL_PASSWORD");
    with.password = "p";
    with.mechanism = "AWS_MSK_IAM";
    EXPECT_EQ(wrong(with), "KAFKA_SASL_USERNAME") << "nobody would send them";
    with.username.clear();
    with.password.clear();
    EXPECT_TRUE(check(with));
    with.protocol = "SASL_PLAINTEXT";
    EXPECT_EQ(wrong(with), "KAFKA_SECURITY_PROTOCOL") << "whoever hears the token has it";
    with.protocol = "SASL_SSL";
    with.mechanism = "PLAIN";
    with.username = "u";
    with.password = "p";
    with.ca_file = "/nowhere/ca.crt";
    EXPECT_EQ(wrong(with), "KAFKA_SSL_CA_FILE");
    with.ca_file.clear();
    with.key_file = "/dev/null";
    EXPECT_EQ(wrong(with), "KAFKA_SSL_CERTIFICATE_FILE");
    with = fine();
    with.replication = 0;
    EXPECT_EQ(wrong(with), "KAFKA_REPLICATION_FACTOR");
    with = fine();
    with.min_insync = 2;
    EXPECT_EQ(wrong(with), "KAFKA_MIN_INSYNC_REPLICAS");
    with = fine();
    with.prefix = "my shop/";
    EXPECT_EQ(wrong(with), "KAFKA_TOPIC_PREFIX");
}

TEST(kafka_options, addresses_of_version_six_lose_their_brackets) {
    const auto read = read_addresses("a:9092,[::1]:9093");
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 2U);
    EXPECT_EQ((*read)[1].host, "::1");
    EXPECT_EQ((*read)[1].port, 9093);
}

TEST(kafka_options, a_description_keeps_the_password) {
    auto with = fine();
    with.protocol = "SASL_SSL";
    with.mechanism = "PLAIN";
    with.username = "shop";
    with.password = "secret";
    EXPECT_EQ(described(with).find("secret"), std::string::npos);
    EXPECT_NE(described(with).find("shop"), std::string::npos);
}

}  // namespace
}  // namespace stoa
