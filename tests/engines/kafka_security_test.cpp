// Who is let in, whose certificate is believed, and what is said where that fails. One broker with
// a listener for each way in, and one that lies about where it is.
#include "adapters/aws/msk_token.hpp"
#include "engines/kafka_support.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace stoa::testing {
namespace {

// PORT plain, +1 the controller, +2 SASL_PLAINTEXT, +3 SSL, +4 SASL_SSL, +5 plain, but says that it
// is reached at +7, where nobody is; +6 SSL with a certificate that has expired; +8 SASL_SSL with
// the tokens of Amazon MSK.
constexpr auto properties = R"(
listeners=PLAINTEXT://127.0.0.1:PORT,CONTROLLER://127.0.0.1:PORT+1,\
    SASL://127.0.0.1:PORT+2,TLS://127.0.0.1:PORT+3,\
    BOTH://127.0.0.1:PORT+4,LIES://127.0.0.1:PORT+5,OLD://127.0.0.1:PORT+6,\
    IAM://127.0.0.1:PORT+8
advertised.listeners=PLAINTEXT://127.0.0.1:PORT,\
    SASL://127.0.0.1:PORT+2,TLS://127.0.0.1:PORT+3,\
    BOTH://127.0.0.1:PORT+4,LIES://127.0.0.1:PORT+7,OLD://127.0.0.1:PORT+6,\
    IAM://127.0.0.1:PORT+8
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
    SASL:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL,LIES:PLAINTEXT,OLD:SSL,IAM:SASL_SSL
listener.name.iam.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.iam.oauthbearer.sasl.server.callback.handler.class=MskTokens
listener.name.iam.oauthbearer.sasl.jaas.config=\
    org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=\
    org.apache.kafka.common.security.plain.PlainLoginModule required user_shop="open";
listener.name.both.plain.sasl.jaas.config=\
    org.apache.kafka.common.security.plain.PlainLoginModule required user_shop="open";
listener.name.sasl.scram-sha-256.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.both.scram-sha-256.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.both.scram-sha-512.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=FOLDER/broker.pem
listener.name.old.ssl.keystore.type=PEM
listener.name.old.ssl.keystore.location=FOLDER/old.pem
)";
constexpr auto users =
    "--add-scram SCRAM-SHA-256=[name=shop,password=open] "
    "--add-scram SCRAM-SHA-512=[name=shop,password=open]";

void make_certificates(const std::string& folder) {
    const std::string script =
        "cd '" + folder +
        "' && exec 2>/dev/null && "
        "ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj \"/CN=$1\" -keyout $1.key "
        "-out $1.crt -addext basicConstraints=critical,CA:TRUE; } && "
        "signed() { openssl req -newkey rsa:2048 -nodes -subj /CN=broker -keyout $1.key -out "
        "$1.csr && printf 'subjectAltName=IP:127.0.0.1' >san && shift; } && "
        "ca ca && ca stranger && signed broker && "
        "openssl x509 -req -in broker.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile san -out broker.crt && "
        "openssl pkcs8 -topk8 -nocrypt -in broker.key -out broker.pk8 && "
        "cat broker.pk8 broker.crt ca.crt >broker.pem && "
        "mkdir -p db && : >db/index && echo 01 >db/serial && "
        "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db/index\\nserial=db/serial\\n"
        "new_certs_dir=db\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' >ca.cnf "
        "&& "
        "openssl ca -batch -config ca.cnf -cert ca.crt -keyfile ca.key -in broker.csr -extfile san "
        "-startdate 20200101000000Z -enddate 20200102000000Z -notext -out old.crt && "
        "cat broker.pk8 old.crt ca.crt >old.pem";
    if (std::system(
            ("bash -c " + std::string("\"$(cat <<'END'\n") + script + "\nEND\n)\"").c_str()))
        throw std::runtime_error("certificates were not made");
}

class kafka_security : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        broker_ = std::make_unique<kafka_broker>(
            properties, users, std::filesystem::absolute("tests/engines/MskTokens.java").string());
        make_certificates(broker_->folder());
        broker_->start();
        broker_->wait_until_ready();
        prefix_ = new_kafka_prefix();
        auto plain = options(0, "PLAINTEXT");
        make_topics(plain);
    }
    static void TearDownTestSuite() { broker_.reset(); }

    static kafka_options options(int behind, std::string protocol) {
        auto out = kafka_test_options(broker_->address(behind));
        out.prefix = prefix_;
        out.protocol = std::move(protocol);
        if (out.protocol.starts_with("SASL")) {
            out.mechanism = "SCRAM-SHA-512";
            out.username = "shop";
            out.password = "open";
        }
        if (out.protocol.ends_with("SSL")) out.ca_file = broker_->folder() + "/ca.crt";
        return out;
    }
    // Shows tokens as a shop on MSK does, signed with `secret`. The broker knows the right one.
    kafka_options iam(std::string secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                      std::string region = "eu-west-1",
                      milliseconds lasts = milliseconds(900'000)) {
        auto out = options(8, "SASL_SSL");
        out.mechanism = msk_iam;
        out.username.clear();
        out.password.clear();
        out.token = [this, secret = std::move(secret), region = std::move(region),
                     lasts]() -> result<kafka_token> {
            ++tokens_;
            const auto now = store_.time.now();
            auto made = aws::make_msk_token(region, {"AKIDEXAMPLE", secret, {}, {}, {}}, now);
            return kafka_token{std::move(made.text), now + lasts, "AKIDEXAMPLE"};
        };
        return out;
    }
    // As opening and the doctor say it.
    error refused(const kafka_options& with) {
        const auto probed = probe_kafka(with);
        const auto opened = kafka_event_log::open(with, store_.items(), store_.time);
        EXPECT_FALSE(opened);
        EXPECT_FALSE(probed);
        if (opened || probed) return {};
        EXPECT_EQ(opened.error().code, probed.error().code);
        EXPECT_EQ(opened.error().detail.find("open"), std::string::npos) << "the password";
        return opened.error();
    }
    void expect_open(const kafka_options& with) {
        auto opened = kafka_event_log::open(with, store_.items(), store_.time);
        ASSERT_TRUE(opened) << opened.error().detail;
        ASSERT_TRUE((*opened)->ready());
        std::vector<event> one{told_event("k", 1)};
        EXPECT_TRUE(loop_.run([&] { return (*opened)->append(one); }));
        kafka_listener hears(loop_, **opened, "g" + std::to_string(++groups_));
        EXPECT_TRUE(loop_.run_until([&] { return !hears.ids.empty(); }));
    }
    static bool names(const error& what, const std::string& word) {
        return what.detail.find(word) != std::string::npos;
    }

    static inline std::unique_ptr<kafka_broker> broker_;
    static inline std::string prefix_;
    static inline int groups_ = 0;
    temporary_directory directory_;
    test_loop loop_;
    kafka_test_store store_{directory_ / "data"};
    std::atomic<int> tokens_ = 0;  // that were asked for
};

TEST_F(kafka_security, every_way_in_works) {
    expect_open(options(3, "SSL"));
    std::vector<std::string> mechanisms{"PLAIN"};
    if (does_scram_with_kafka_4())
        mechanisms.insert(mechanisms.end(), {"SCRAM-SHA-256", "SCRAM-SHA-512"});
    for (const auto& mechanism : mechanisms) {
        auto sasl = options(2, "SASL_PLAINTEXT"), both = options(4, "SASL_SSL");
        sasl.mechanism = both.mechanism = mechanism;
        expect_open(sasl);
        expect_open(both);
    }
}

// Right credentials that the broker calls wrong: nobody finds that out alone.
TEST_F(kafka_security, a_client_that_is_too_old_for_the_brokers_scram_says_so) {
    for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
        auto with = options(2, "SASL_PLAINTEXT");
        with.mechanism = mechanism;
        const auto probed = probe_kafka(with);
        EXPECT_EQ(probed.has_value(), does_scram_with_kafka_4());
        if (probed) continue;
        EXPECT_EQ(probed.error().code, "kafka_authentication");
        EXPECT_TRUE(names(probed.error(), "2.6.1")) << probed.error().detail;
    }
}

TEST_F(kafka_security, wrong_credentials_are_named) {
    for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256"}) {
        auto with = options(2, "SASL_PLAINTEXT");
        with.mechanism = mechanism;
        with.password = "guessed";
        const auto why = refused(with);
        EXPECT_EQ(why.code, "kafka_authentication") << why.detail;
        EXPECT_TRUE(names(why, "KAFKA_SASL_PASSWORD"));
        EXPECT_FALSE(names(why, "guessed"));
    }
}

// The broker looks at a token as Amazon's does, by code of its own (MskTokens.java).
TEST_F(kafka_security, a_token_signed_for_msk_lets_in) {
    expect_open(iam());
    EXPECT_GE(tokens_, 2) << "each handle asks for its own";
}

TEST_F(kafka_security, tokens_are_asked_for_again_before_they_end) {
    auto opened = kafka_event_log::open(
        iam("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-west-1", milliseconds(2'000)),
        store_.items(), store_.time);
    ASSERT_TRUE(opened) << opened.error().detail;
    const int first = tokens_;
    ASSERT_TRUE(eventually(loop_, [&] { return tokens_ >= first + 4; }));
    std::vector<event> one{told_event("k", 1)};
    EXPECT_TRUE(loop_.run([&] { return (*opened)->append(one); }));
}

TEST_F(kafka_security, tokens_that_do_not_hold_are_named_with_what_to_look_at) {
    for (const auto& with :
         {iam("another secret"), iam("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1")}) {
        const auto why = refused(with);
        EXPECT_EQ(why.code, "kafka_authentication") << why.detail;
        EXPECT_TRUE(names(why, "AWS_REGION")) << why.detail;
        EXPECT_TRUE(names(why, "kafka-cluster:Connect")) << why.detail;
    }
}

TEST_F(kafka_security, credentials_that_are_nowhere_are_named) {
    auto with = iam();
    with.token = []() -> result<kafka_token> {
        return fail(errc::invalid, "aws_credentials_missing",
                    "no credentials: looked here and there");
    };
    const auto why = refused(with);
    EXPECT_EQ(why.code, "kafka_authentication") << why.detail;
    EXPECT_TRUE(names(why, "looked here and there")) << why.detail;
}

TEST_F(kafka_security, certificates_that_are_not_to_be_believed_are_named) {
    auto stranger = options(3, "SSL");
    stranger.ca_file = broker_->folder() + "/stranger.crt";
    auto why = refused(stranger);
    EXPECT_EQ(why.code, "kafka_certificate") << why.detail;
    EXPECT_TRUE(names(why, "KAFKA_SSL_CA_FILE")) << why.detail;
    why = refused(options(6, "SSL"));
    EXPECT_EQ(why.code, "kafka_certificate") << why.detail;
    EXPECT_TRUE(names(why, "expired")) << why.detail;
}

TEST_F(kafka_security, a_broker_that_lies_about_its_address_is_named_as_such) {
    const auto why = refused(options(5, "PLAINTEXT"));
    EXPECT_EQ(why.code, "kafka_advertised_listener") << why.detail;
    EXPECT_TRUE(names(why, broker_->address(5))) << why.detail;
    EXPECT_TRUE(names(why, broker_->address(7))) << why.detail;
    EXPECT_TRUE(names(why, "advertised.listeners")) << why.detail;
}

TEST_F(kafka_security, a_listener_that_speaks_another_protocol_is_named) {
    for (const int behind : {2, 3}) {
        const auto why = probe_kafka(options(behind, "PLAINTEXT"));
        ASSERT_FALSE(why);
        EXPECT_EQ(why.error().code, "kafka_unreachable") << why.error().detail;
        EXPECT_TRUE(names(why.error(), "takes connections")) << why.error().detail;
        EXPECT_TRUE(names(why.error(), "KAFKA_SECURITY_PROTOCOL")) << why.error().detail;
    }
}

TEST_F(kafka_security, topics_that_are_missing_or_too_small_are_named) {
    auto other = options(0, "PLAINTEXT");
    other.prefix = new_kafka_prefix();
    auto why = refused(other);
    EXPECT_EQ(why.code, "topic_missing");
    EXPECT_TRUE(names(why, other.prefix + "news.dlq")) << why.detail;
    EXPECT_TRUE(names(why, "stoa migrate")) << why.detail;
    auto more = options(0, "PLAINTEXT");
    more.topics.front().partitions = 8;
    why = refused(more);
    EXPECT_EQ(why.code, "topic_partitions");
    EXPECT_EQ(make_kafka_topics(more).error().code, "topic_partitions");
    other.replication = 3;
    const auto not_made = make_kafka_topics(other);
    ASSERT_FALSE(not_made);
    EXPECT_TRUE(names(not_made.error(), "KAFKA_REPLICATION_FACTOR")) << not_made.error().detail;
}

}  // namespace
}  // namespace stoa::testing
