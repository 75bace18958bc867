#include "adapters/aws/credentials.hpp"

#include "support/manual_clock.hpp"
#include "support/scripted_http.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace stoa::aws {
namespace {

using testing::header_of;

constexpr std::string_view sts_answer = R"(<AssumeRoleWithWebIdentityResponse>
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>
<SecretAccessKey>s&amp;cret</SecretAccessKey><SessionToken>tok</SessionToken>
<Expiration>EXPIRES</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>)";

class credentials_test : public ::testing::Test {
 protected:
    credentials_test() { set("AWS_EC2_METADATA_DISABLED", "true"); }
    void set(std::string name, std::string value) {
        environment_[std::move(name)] = std::move(value);
    }
    std::string file(const std::string& name, std::string_view content) {
        std::ofstream(directory_ / name) << content;
        return directory_ / name;
    }
    void open() {
        chain_.emplace(
            "eu-west-1", [this]() -> http_client& { return http_; }, time_, random_,
            [this](std::string_view name) -> std::optional<std::string> {
                const auto found = environment_.find(name);
                if (found == environment_.end()) return {};
                return found->second;
            });
    }
    result<credentials> get() {
        if (!chain_) open();
        return loop_.run([&] { return chain_->get(); });
    }
    std::string sts(std::chrono::seconds lasts) {
        std::string out(sts_answer);
        out.replace(out.find("EXPIRES"), 7, rfc3339(time_.now() + lasts));
        return out;
    }
    void give_role() {
        set("AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "a.b/c\n"));
        set("AWS_ROLE_ARN", "arn:aws:iam::1:role/shop");
    }

    testing::temporary_directory directory_;
    testing::test_loop loop_;
    testing::manual_clock time_;
    testing::seeded_random random_{1};
    testing::scripted_http http_;
    std::map<std::string, std::string, std::less<>> environment_;
    std::optional<credentials_chain> chain_;
};

TEST_F(credentials_test, the_environment_comes_first) {
    set("AWS_ACCESS_KEY_ID", "key");
    set("AWS_SECRET_ACCESS_KEY", "secret");
    set("AWS_SESSION_TOKEN", "token");
    give_role();
    const auto found = get();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->access_key_id, "key");
    EXPECT_EQ(found->secret_access_key, "secret");
    EXPECT_EQ(found->session_token, "token");
    EXPECT_TRUE(http_.asked.empty());
}

TEST_F(credentials_test, half_of_a_pair_is_refused_and_not_passed_over) {
    set("AWS_ACCESS_KEY_ID", "key");
    const auto found = get();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, "aws_credentials_ill_formed");
    EXPECT_NE(found.error().detail.find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
}

TEST_F(credentials_test, a_profile_of_the_shared_file_is_read) {
    set("AWS_SHARED_CREDENTIALS_FILE",
        file("credentials",
             "# mine\n[default]\naws_access_key_id=d\naws_secret_access_key=e\n\n"
             "[ shop ]\r\naws_access_key_id = k = 1\r\n  aws_secret_access_key=s\r\n"
             "aws_session_token = t\n[other]\naws_access_key_id=o\n"));
    EXPECT_EQ(get()->access_key_id, "d");
    set("AWS_PROFILE", "shop");
    open();
    const auto shop = get();
    ASSERT_TRUE(shop) << shop.error().detail;
    EXPECT_EQ(shop->access_key_id, "k = 1");
    EXPECT_EQ(shop->secret_access_key, "s");
    EXPECT_EQ(shop->session_token, "t");
    set("AWS_PROFILE", "other");
    open();
    EXPECT_NE(get().error().detail.find("lacks"), std::string::npos);
    set("AWS_PROFILE", "nobody");
    open();
    EXPECT_NE(get().error().detail.find("has no profile nobody (AWS_PROFILE)"), std::string::npos);
    set("AWS_SHARED_CREDENTIALS_FILE", directory_ / "none");
    open();
    EXPECT_NE(get().error().detail.find("AWS_SHARED_CREDENTIALS_FILE names"), std::string::npos);
}

TEST_F(credentials_test, a_web_identity_is_exchanged_at_sts) {
    give_role();
    http_.then(200, sts(hours(1)));
    const auto found = get();
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->access_key_id, "ASIA1");
    EXPECT_EQ(found->secret_access_key, "s&cret");
    EXPECT_EQ(found->session_token, "tok");
    EXPECT_EQ(found->expires_at, time_.now() + hours(1));
    ASSERT_EQ(http_.asked.size(), 1u);
    EXPECT_EQ(http_.asked[0].url, "https://sts.eu-west-1.amazonaws.com/");
    EXPECT_EQ(header_of(http_.asked[0], "Authorization"), "");
    EXPECT_EQ(http_.asked[0].body,
              "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1"
              "%3Arole%2Fshop&RoleSessionName=stoa&WebIdentityToken=a.b%2Fc");
}

TEST_F(credentials_test, those_that_expire_are_renewed_five_minutes_before) {
    give_role();
    http_.then(200, sts(hours(1)));
    http_.then(200, sts(hours(2)));
    ASSERT_TRUE(get());
    time_.advance(minutes(54));
    ASSERT_TRUE(get());
    EXPECT_EQ(http_.asked.size(), 1u);
    time_.advance(minutes(2));
    const auto renewed = get();
    EXPECT_EQ(http_.asked.size(), 2u);
    ASSERT_TRUE(renewed);
}

TEST_F(credentials_test, those_that_still_hold_are_used_while_renewing_fails) {
    give_role();
    http_.then(200, sts(hours(1)));
    http_.then(400, "<Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error>");
    ASSERT_TRUE(get());
    time_.advance(minutes(56));
    EXPECT_TRUE(get());
    EXPECT_TRUE(get());
    EXPECT_EQ(http_.asked.size(), 2u);  // a rest after the failure
    time_.advance(minutes(5));
    const auto gone = get();
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().detail.find("InvalidIdentityToken"), std::string::npos);
    EXPECT_NE(gone.error().detail.find("AWS_ROLE_ARN"), std::string::npos);
}

TEST_F(credentials_test, many_callers_ask_once) {
    struct slow final : http_client {
        explicit slow(testing::manual_clock& t) : time(t) {}
        testing::manual_clock& time;
        int asked = 0;
        std::string body;
        task<result<http_response>> send(http_request, milliseconds) override {
            ++asked;
            co_await time.sleep(seconds(1));
            co_return http_response{200, {}, body};
        }
    } http(time_);
    http.body = sts(hours(1));
    give_role();
    credentials_chain chain(
        "r", [&]() -> http_client& { return http; }, time_, random_,
        [&](std::string_view name) -> std::optional<std::string> {
            const auto found = environment_.find(name);
            if (found == environment_.end()) return {};
            return found->second;
        });
    int done = 0;
    for (int i = 0; i < 20; ++i)
        loop_.spawn([&]() -> task<> { done += (co_await chain.get()).has_value(); });
    ASSERT_TRUE(loop_.run_until([&] { return time_.sleeping() == 1; }));
    loop_.drain();
    EXPECT_EQ(done, 0);
    time_.advance(seconds(1));
    ASSERT_TRUE(loop_.run_until([&] { return done == 20; }));
    EXPECT_EQ(http.asked, 1);
}

TEST_F(credentials_test, rejected_ones_are_asked_for_anew) {
    give_role();
    http_.then(200, sts(hours(1)));
    const auto first = get();
    chain_->reject(*first);
    ASSERT_TRUE(get());
    EXPECT_EQ(http_.asked.size(), 2u);
    auto older = *first;
    older.access_key_id = "long ago";
    chain_->reject(older);
    ASSERT_TRUE(get());
    EXPECT_EQ(http_.asked.size(), 2u);
}

TEST_F(credentials_test, a_container_is_asked_with_its_token) {
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("pod", "pod-token\n"));
    http_.then(200, R"({"AccessKeyId":"c","SecretAccessKey":"s","Token":"t","Expiration":")" +
                        rfc3339(time_.now() + hours(1)) + "\"}");
    const auto found = get();
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->access_key_id, "c");
    EXPECT_EQ(found->session_token, "t");
    EXPECT_EQ(http_.asked[0].url, "http://169.254.170.23/v1/credentials");
    EXPECT_EQ(header_of(http_.asked[0], "Authorization"), "pod-token");
}

TEST_F(credentials_test, a_token_is_sent_to_no_other_machine_in_the_clear) {
    for (const char* url : {"http://evil.example/", "http://169.254.170.23.evil.example/",
                            "http://127.0.0.1.evil/", "ftp://localhost/"}) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        open();
        EXPECT_EQ(get().error().code, "aws_credentials_ill_formed") << url;
    }
    EXPECT_TRUE(http_.asked.empty());
}

TEST_F(credentials_test, a_machine_is_asked_with_a_session_token) {
    environment_.erase("AWS_EC2_METADATA_DISABLED");
    http_.then(200, "imds-token");
    http_.then(200, "shop-role\n");
    http_.then(200, R"({"Code":"Success","AccessKeyId":"m","SecretAccessKey":"s","Token":"t"})");
    const auto found = get();
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->access_key_id, "m");
    ASSERT_EQ(http_.asked.size(), 3u);
    EXPECT_EQ(http_.asked[0].method, "PUT");
    EXPECT_EQ(http_.asked[2].url,
              "http://169.254.169.254/latest/meta-data/iam/security-credentials/shop-role");
    EXPECT_EQ(header_of(http_.asked[2], "X-aws-ec2-metadata-token"), "imds-token");
}

TEST_F(credentials_test, where_there_are_none_everything_that_was_tried_is_named) {
    environment_.erase("AWS_EC2_METADATA_DISABLED");
    set("HOME", directory_.path());
    http_.then_lost();
    const auto found = get();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, "aws_credentials_missing");
    for (const char* part :
         {"AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
          "/.aws/credentials", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set",
          "http://169.254.169.254 does not answer"})
        EXPECT_NE(found.error().detail.find(part), std::string::npos)
            << part << ": " << found.error().detail;
}

}  // namespace
}  // namespace stoa::aws
