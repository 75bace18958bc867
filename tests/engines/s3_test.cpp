// S3 beyond the port's suite: parts, versions, presigned addresses, and answers that are lost.
#include "adapters/aws/digests.hpp"
#include "adapters/s3/s3_blob.hpp"
#include "engines/aws_under_test.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

constexpr std::size_t mib = 1 << 20;

class faulty_http final : public http_client {
 public:
    explicit faulty_http(http_client& real) : real_(real) {}
    std::string lose_of;  // the answer of the next request whose method and address hold this
    int lose = 0;
    std::vector<std::string> asked;
    http_request last;
    task<result<http_response>> send(http_request what, milliseconds deadline) override {
        const auto line = what.method + ' ' + what.url;
        asked.push_back(line);
        last = what;
        auto answer = co_await real_.send(std::move(what), deadline);
        if (lose > 0 && line.find(lose_of) != std::string::npos) {
            --lose;
            co_return fail(errc::unavailable, "connection_lost", "the connection broke");
        }
        co_return answer;
    }
    long count(std::string_view part) const {
        return std::ranges::count_if(
            asked, [&](const std::string& each) { return each.find(part) != std::string::npos; });
    }

 private:
    http_client& real_;
};

std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t x = 7;
    for (auto& c : out) c = static_cast<char>((x = x * 1'664'525 + 1'013'904'223) >> 24);
    return out;
}

class s3_test : public ::testing::Test {
 protected:
    void SetUp() override {
        options_ = {.region = aws_test_region,
                    .endpoint_url = engine_address("STOA_TEST_S3"),
                    .bucket_prefix = new_place("s"),
                    .part_bytes = 5 * mib};
        open();
        ASSERT_TRUE(loop_.run([&] { return store_->ensure_buckets({"b"}); }));
    }
    void open() {
        store_.emplace(
            options_, *by_, [this]() -> http_client& { return faults_; }, aws_.time, aws_.random);
    }
    result<blob_info> put(std::string key, std::string content) {
        return loop_.run([&] { return store_->put("b", key, content); });
    }
    result<std::string> get(std::string key) {
        return loop_.run([&] { return store_->get("b", key); });
    }
    std::unique_ptr<blob_writer> create(std::string key) {
        return loop_.run([&] { return store_->create("b", key); }).value();
    }
    // What is uploaded in parts and not finished.
    std::string uploads() {
        aws::client direct({.service = "s3",
                            .region = options_.region,
                            .endpoint = options_.endpoint_url,
                            .paths = aws::path_rule::as_sent},
                           aws_.by, aws_.here, aws_.time, aws_.random);
        const auto answer = loop_.run([&] {
            return direct.call("GET", '/' + store_->name_of("b") + "?uploads=", {}, {},
                               aws::repeats::always);
        });
        EXPECT_EQ(answer->status, 200);
        return aws::xml_text(answer->body, "UploadId");
    }

    test_loop loop_;
    aws_under_test aws_;
    faulty_http faults_{aws_.http};
    aws::credentials_source* by_ = &aws_.by;
    s3_options options_;
    std::optional<s3_blob> store_;
};

TEST_F(s3_test, a_large_object_goes_and_comes_in_parts) {
    const auto content = pattern(12 * mib + 5);
    const auto info = put("large", content);
    ASSERT_TRUE(info) << info.error().detail;
    EXPECT_EQ(info->size_bytes, std::ssize(content));
    EXPECT_EQ(faults_.count("partNumber="), 3);
    EXPECT_TRUE(get("large").value() == content);
    EXPECT_EQ(faults_.count("GET "), 3);
    const auto listed = loop_.run([&] { return store_->list("b", ""); });
    ASSERT_EQ(listed->size(), 1u);
    EXPECT_EQ(listed->front().etag, info->etag);
    EXPECT_EQ(listed->front().size_bytes, info->size_bytes);
}

TEST_F(s3_test, sizes_at_the_edge_of_a_part_are_whole) {
    for (const auto size : {std::size_t{0}, 5 * mib - 1, 5 * mib, 5 * mib + 1, 10 * mib}) {
        const auto content = pattern(size);
        ASSERT_TRUE(put("edge", content)) << size;
        const auto back = get("edge");
        ASSERT_TRUE(back) << back.error().detail;
        EXPECT_TRUE(*back == content) << size;
    }
}

TEST_F(s3_test, an_upload_in_parts_that_is_dropped_leaves_no_parts) {
    {
        auto writer = create("dropped");
        ASSERT_TRUE(loop_.run([&] { return writer->append(pattern(6 * mib)); }));
        EXPECT_FALSE(uploads().empty());
    }
    loop_.run([&] { return store_->close(); });
    EXPECT_EQ(uploads(), "");
    EXPECT_EQ(get("dropped").error().kind, errc::not_found);
}

TEST_F(s3_test, lost_answers_of_an_upload_change_nothing) {
    const auto content = pattern(6 * mib);
    for (const char* which : {"?uploads=", "partNumber=2"}) {
        faults_.lose_of = which;
        faults_.lose = 1;
        ASSERT_TRUE(put("k", content)) << which;
        EXPECT_EQ(faults_.lose, 0);
        EXPECT_TRUE(get("k").value() == content);
    }
    faults_.lose_of = "POST " + options_.endpoint_url + '/' + store_->name_of("b") + "/k?uploadId=";
    faults_.lose = 1;
    const auto other = pattern(7 * mib);
    const auto finished = put("k", other);
    ASSERT_TRUE(finished) << finished.error().detail;
    EXPECT_EQ(faults_.lose, 0);
    EXPECT_TRUE(get("k").value() == other);
    EXPECT_EQ(loop_.run([&] { return store_->list("b", ""); })->front().etag, finished->etag);
}

TEST_F(s3_test, a_reader_of_parts_never_mixes_two_versions) {
    ASSERT_TRUE(put("k", pattern(6 * mib)));
    auto reader = loop_.run([&] { return store_->open("b", "k"); }).value();
    ASSERT_TRUE(loop_.run([&] { return reader->read(5 * mib); }));
    ASSERT_TRUE(put("k", std::string(6 * mib, 'x')));
    const auto rest = loop_.run([&] { return reader->read(5 * mib); });
    ASSERT_FALSE(rest);
    EXPECT_EQ(rest.error().code, "blob_changed");
}

TEST_F(s3_test, a_new_object_is_made_once) {
    const auto once = [&](std::string content) {
        return loop_.run([&] { return store_->put_new("b", "once", content); });
    };
    EXPECT_TRUE(once("first"));
    const auto again = once("second");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, errc::conflict);
    EXPECT_EQ(again.error().code, "blob_exists");
    EXPECT_EQ(get("once").value(), "first");
}

TEST_F(s3_test, a_presigned_address_opens_its_object_and_no_other) {
    ASSERT_TRUE(put("dir/secret.txt", "words"));
    const auto url =
        loop_.run([&] { return store_->presigned_get("b", "dir/secret.txt", seconds(60)); });
    ASSERT_TRUE(url) << url.error().detail;
    const auto fetch = [&](const std::string& from) {
        return loop_.run([&] { return aws_.http.send({.url = from}, milliseconds(5'000)); })
            .value();
    };
    EXPECT_EQ(fetch(*url).body, "words");
    auto other = *url;
    other.replace(other.find("secret"), 6, "Secret");
    EXPECT_EQ(fetch(other).status, 403);
    EXPECT_EQ(fetch(url->substr(0, url->find('?'))).status, 403);
    EXPECT_EQ(
        loop_.run([&] { return store_->presigned_get("b", "k", hours(24 * 8)); }).error().code,
        "presigned_too_long");
}

TEST_F(s3_test, a_list_goes_on_over_pages) {
    constexpr int many = 1'010;
    int done = 0;
    for (int lane = 0; lane < 8; ++lane)
        loop_.spawn([&, lane]() -> task<> {
            for (int i = lane; i < many; i += 8) {
                const auto made = co_await store_->put("b", "p/" + std::to_string(i), "x");
                if (!made) throw std::runtime_error(made.error().detail);
                ++done;
            }
        });
    ASSERT_TRUE(loop_.run_until([&] { return done == many; }));
    const auto listed = loop_.run([&] { return store_->list("b", "p/"); });
    ASSERT_TRUE(listed) << listed.error().detail;
    EXPECT_EQ(std::ssize(*listed), many);
    EXPECT_EQ(faults_.count("list-type=2"), 2);
    EXPECT_TRUE(std::ranges::is_sorted(*listed, {}, &blob_info::key));
}

// What other houses' S3 takes, Google's among them (an endpoint of its own, HMAC keys): a bucket in
// the path, a signature over the whole content, and none of the encodings in chunks with trailers
// that SDKs of Amazon's have begun to send.
TEST_F(s3_test, what_is_put_is_one_plain_signed_request) {
    const std::string content = "{\"a\":1}\n";
    ASSERT_TRUE(put("analytics/overall/w.json", content));
    const auto& sent = faults_.last;
    const auto header = [&](std::string_view name) {
        const auto found = std::ranges::find_if(sent.headers, [&](const http_header& each) {
            return std::ranges::equal(each.name, name, [](char a, char b) {
                return std::tolower(static_cast<unsigned char>(a)) == b;
            });
        });
        return found == sent.headers.end() ? std::string() : found->value;
    };
    EXPECT_EQ(sent.method, "PUT");
    EXPECT_EQ(sent.url,
              options_.endpoint_url + '/' + store_->name_of("b") + "/analytics/overall/w.json");
    EXPECT_EQ(sent.body, content);
    EXPECT_EQ(header("x-amz-content-sha256"), aws::hex(aws::sha256(content)));
    EXPECT_TRUE(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=stoalocal/"));
    for (const auto* name : {"content-encoding", "x-amz-trailer", "x-amz-sdk-checksum-algorithm",
                             "x-amz-decoded-content-length", "expect"})
        EXPECT_EQ(header(name), "") << name;
}

TEST_F(s3_test, missing_buckets_are_named) {
    EXPECT_TRUE(loop_.run([&] { return store_->check_buckets({"b"}); }));
    const auto found = loop_.run([&] { return store_->check_buckets({"b", "none", "nor-this"}); });
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, "buckets_not_ready");
    EXPECT_NE(found.error().detail.find("none, " + store_->name_of("nor-this")), std::string::npos)
        << found.error().detail;
    const auto put = loop_.run([&] { return store_->put("none", "k", "x"); });
    EXPECT_EQ(put.error().code, "bucket_missing");
    EXPECT_NE(put.error().detail.find(store_->name_of("none")), std::string::npos);
}

TEST_F(s3_test, wrong_credentials_and_regions_name_their_settings) {
    aws::fixed_credentials key({"nobody", "stoalocalsecret", {}, {}, "the environment"}),
        secret({"stoalocal", "wrong", {}, {}, "the environment"});
    for (aws::credentials_source* each : {&key, &secret}) {
        by_ = each;
        open();
        const auto refused = put("k", "x");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, "aws_refused") << refused.error().detail;
        EXPECT_NE(refused.error().detail.find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
    }
    by_ = &aws_.by;
    options_.region = "eu-central-9";
    open();
    const auto refused = put("k", "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "aws_refused") << refused.error().detail;
    EXPECT_NE(refused.error().detail.find("AWS_REGION"), std::string::npos);
}

}  // namespace
}  // namespace stoa::testing
