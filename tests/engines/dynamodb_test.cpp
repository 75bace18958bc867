// DynamoDB beyond the port's suite: tables, and what happens when answers are lost, damaged or no
// answers at all. The faults stand between the adapter and a real DynamoDB.
#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "engines/aws_under_test.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <array>

namespace stoa::testing {
namespace {

constexpr std::array<kv_index, 1> thing_indexes{kv_index{"by_owner", "owner", "at"}};
constexpr std::array<std::string_view, 1> thing_numbers{"at"};
constexpr kv_table things{.name = "things", .hash = "id", .ttl = "expires_at"};
constexpr kv_table indexed{.name = "things",
                           .hash = "id",
                           .indexes = thing_indexes,
                           .ttl = "expires_at",
                           .numbers = thing_numbers};
constexpr kv_table other_key{.name = "things", .hash = "id", .range = "part"};

// What it is told happens to the next requests of an operation; then all is well again.
class faulty_http final : public http_client {
 public:
    explicit faulty_http(http_client& real) : real_(real) {}

    enum class fault : std::uint8_t { lose_answer, damage_answer, refuse };
    struct plan {
        fault is;
        int times;
        int status = 400;
        std::string body{};
    };
    plan next{fault::refuse, 0, 400, {}};
    std::vector<std::string> asked;  // operations
    std::vector<std::string> tables_asked_for;

    task<result<http_response>> send(http_request what, milliseconds deadline) override {
        for (const auto& each : what.headers)
            if (each.name == "X-Amz-Target") asked.push_back(each.value.substr(18));
        if (asked.back() == "CreateTable") tables_asked_for.push_back(what.body);
        const bool now = next.times > 0 && next.times-- > 0;
        if (now && next.is == fault::refuse) co_return http_response{next.status, {}, next.body};
        auto answer = co_await real_.send(std::move(what), deadline);
        if (!now || !answer) co_return answer;
        if (next.is == fault::lose_answer)
            co_return fail(errc::unavailable, "connection_lost", "the connection broke");
        answer->body += ' ';
        co_return answer;
    }
    long count(std::string_view operation) const { return std::ranges::count(asked, operation); }

 private:
    http_client& real_;
};
using fault = faulty_http::fault;

std::string refusal(std::string_view code, std::string_view message = "") {
    return R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + std::string(code) +
           R"(","message":")" + std::string(message) + R"("})";
}

class dynamodb_test : public ::testing::Test {
 protected:
    void SetUp() override {
        options_ = {.region = aws_test_region,
                    .endpoint_url = engine_address("STOA_TEST_DYNAMODB"),
                    .table_prefix = new_place("faults-"),
                    .answer_within = milliseconds(4'000)};
        open();
    }
    void TearDown() override {
        options_.table_prefix = first_prefix_;
        faults_.next.times = 0;
        open();
        EXPECT_TRUE(loop_.run([&] { return store_->drop_tables({&things}); }));
    }
    void open() {
        if (first_prefix_.empty()) first_prefix_ = options_.table_prefix;
        store_.emplace(
            options_, *by_, [this]() -> http_client& { return faults_; }, aws_.time, aws_.random);
    }
    void ensure(const kv_table& table) {
        const auto done = loop_.run([&] { return store_->ensure_tables({&table}); });
        ASSERT_TRUE(done) << done.error().code << ": " << done.error().detail;
    }
    error ensured_error(const kv_table& table) {
        const auto done = loop_.run([&] { return store_->ensure_tables({&table}); });
        return done ? error{} : done.error();
    }
    result<void> check(const kv_table& table) {
        return loop_.run([&] { return store_->check_tables({&table}); });
    }
    result<write_outcome> write(write_set what) {
        return loop_.run([&] { return store_->write(std::move(what)); });
    }
    result<std::optional<item>> get(std::string id) {
        return loop_.run([&] { return store_->get(things, key_of("id", id)); });
    }
    std::int64_t number(std::string id) { return get(std::move(id)).value()->integer("n"); }
    static write_set two(std::string id) {
        write_set w;
        w.update(things, key_of("id", id), {add_to("n", 1)});
        w.put(things, key_of("id", id + "-beside"), {absent("id")});
        return w;
    }
    static write_set one(std::string id, std::vector<condition> conditions = {}) {
        write_set w;
        w.update(things, key_of("id", std::move(id)), {add_to("n", 1)}, std::move(conditions));
        return w;
    }

    test_loop loop_;
    aws_under_test aws_;
    faulty_http faults_{aws_.http};
    aws::credentials_source* by_ = &aws_.by;
    dynamodb_options options_;
    std::string first_prefix_;
    std::optional<dynamodb_key_value> store_;
};

TEST_F(dynamodb_test, tables_are_made_once_with_their_time_to_live) {
    ensure(indexed);
    EXPECT_EQ(faults_.count("CreateTable"), 1);
    EXPECT_EQ(faults_.count("UpdateTimeToLive"), 1);
    EXPECT_NE(faults_.tables_asked_for[0].find(R"("BillingMode":"PAY_PER_REQUEST")"),
              std::string::npos)
        << "on demand: R105";
    EXPECT_TRUE(check(indexed));
    ensure(indexed);
    EXPECT_EQ(faults_.count("CreateTable"), 1);
    EXPECT_EQ(faults_.count("UpdateTimeToLive"), 1);
}

TEST_F(dynamodb_test, several_processes_may_make_the_tables_at_once) {
    int done = 0;
    for (int i = 0; i < 4; ++i)
        loop_.spawn([&]() -> task<> {
            const auto made = co_await store_->ensure_tables({&indexed});
            if (!made) throw std::runtime_error(made.error().detail);
            ++done;
        });
    EXPECT_TRUE(loop_.run_until([&] { return done == 4; }));
    EXPECT_TRUE(check(indexed));
}

TEST_F(dynamodb_test, an_index_that_is_missing_is_named_and_then_made) {
    ensure(things);
    const auto missing = check(indexed);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, "tables_not_ready");
    EXPECT_NE(missing.error().detail.find("index by_owner of table " + first_prefix_ +
                                          "things is missing"),
              std::string::npos)
        << missing.error().detail;
    ensure(indexed);
    EXPECT_TRUE(check(indexed));
}

TEST_F(dynamodb_test, a_table_with_another_key_is_refused_and_kept) {
    ensure(things);
    EXPECT_EQ(ensured_error(other_key).code, "table_changed");
    EXPECT_NE(check(other_key).error().detail.find("has the key id:S, not id:S/part:S"),
              std::string::npos);
    EXPECT_TRUE(check(things));
}

TEST_F(dynamodb_test, a_missing_table_is_named_with_what_to_do) {
    const auto found = check(things);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().detail.find("table " + first_prefix_ + "things is missing"),
              std::string::npos);
    for (const auto& why : {get("x").error(), write(one("x")).error(), write(two("x")).error()}) {
        EXPECT_EQ(why.kind, errc::internal);
        EXPECT_EQ(why.code, "table_missing") << why.detail;
        EXPECT_NE(why.detail.find(first_prefix_ + "things"), std::string::npos) << why.detail;
        EXPECT_NE(why.detail.find("stoa migrate"), std::string::npos) << why.detail;
    }
}

TEST_F(dynamodb_test, a_lost_answer_of_a_transaction_is_asked_for_again_and_it_applies_once) {
    ensure(things);
    for (const auto is : {fault::lose_answer, fault::damage_answer}) {
        const std::string id = is == fault::lose_answer ? "lost" : "damaged";
        faults_.asked.clear();
        faults_.next = {is, 2};
        const auto done = write(two(id));
        ASSERT_TRUE(done) << done.error().detail;
        EXPECT_TRUE(done->committed());
        EXPECT_EQ(faults_.count("TransactWriteItems"), 3);
        EXPECT_EQ(number(id), 1);
    }
}

TEST_F(dynamodb_test, a_lost_answer_of_one_write_is_told_and_not_risked_again) {
    ensure(things);
    faults_.next = {fault::lose_answer, 1};
    const auto done = write(one("n"));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, errc::unavailable);
    EXPECT_EQ(done.error().code, "aws_outcome_unknown");
    EXPECT_EQ(faults_.count("UpdateItem"), 1);
    EXPECT_EQ(number("n"), 1);
    // What ends the same may be sent again.
    write_set plain;
    plain.put(things, key_of("id", "plain"));
    faults_.next = {fault::lose_answer, 1};
    EXPECT_TRUE(write(std::move(plain)));
    EXPECT_EQ(faults_.count("PutItem"), 2);
}

TEST_F(dynamodb_test, throttled_calls_are_sent_again_and_change_things_once) {
    ensure(things);
    for (const char* code : {"ThrottlingException", "ProvisionedThroughputExceededException",
                             "TransactionInProgressException", "TransactionConflictException"}) {
        const auto before = get("n").value() ? number("n") : 0;
        faults_.next = {fault::refuse, 3, 400, refusal(code)};
        EXPECT_TRUE(write(one("n"))) << code;
        EXPECT_EQ(number("n"), before + 1) << code;
    }
    faults_.next = {fault::refuse, 2, 503, "<html>"};
    EXPECT_TRUE(write(two("t")));
    EXPECT_EQ(number("t"), 1);
}

TEST_F(dynamodb_test, what_stays_throttled_or_contended_ends_within_its_deadline) {
    ensure(things);
    options_.answer_within = milliseconds(300);
    open();
    faults_.next = {fault::refuse, 1'000'000, 400, refusal("ThrottlingException", "slow")};
    const auto began = aws_.time.ticks();
    const auto throttled = write(two("x"));
    EXPECT_LT(aws_.time.ticks() - began, std::chrono::seconds(2));
    ASSERT_FALSE(throttled);
    EXPECT_EQ(throttled.error().kind, errc::unavailable);
    EXPECT_EQ(throttled.error().code, "aws_throttled");
    EXPECT_EQ(throttled.error().retry_after_s, 1);
    faults_.next.body =
        R"({"__type":"TransactionCanceledException","Message":"x",)"
        R"("CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]})";
    EXPECT_EQ(write(two("x")).error().code, "dynamodb_contended");
    faults_.next.times = 0;
    EXPECT_EQ(get("x").value(), std::nullopt);
}

TEST_F(dynamodb_test, a_failed_condition_is_an_answer_and_a_conflict_before_it_is_none) {
    ensure(things);
    const std::string reasons =
        R"({"__type":"TransactionCanceledException","CancellationReasons":[)";
    faults_.next = {
        fault::refuse, 1, 400,
        reasons + R"({"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]})"};
    const auto failed = write(two("a"));
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->failed, 0);
    EXPECT_EQ(faults_.count("TransactWriteItems"), 1);
    // The first write may be the receipt: it must be looked at before the second one's condition.
    faults_.next = {
        fault::refuse, 1, 400,
        reasons + R"({"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed"}]})"};
    EXPECT_TRUE(write(two("b"))->committed());
    EXPECT_EQ(faults_.count("TransactWriteItems"), 3);
}

TEST_F(dynamodb_test, wrong_credentials_region_and_rights_name_their_settings) {
    aws::fixed_credentials wrong({"no-such-key!", "secret", {}, {}, "the environment"});
    by_ = &wrong;
    open();
    const auto refused = check(things);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "aws_refused");
    EXPECT_NE(refused.error().detail.find("AWS_ACCESS_KEY_ID"), std::string::npos);
    EXPECT_NE(refused.error().detail.find("the environment"), std::string::npos);
    by_ = &aws_.by;
    open();
    const auto says = [&](std::string_view code, std::string_view message) {
        faults_.next = {fault::refuse, 1, 400, refusal(code, message)};
        return check(things).error().detail;
    };
    EXPECT_NE(says("InvalidSignatureException",
                   "Credential should be scoped to a valid region, not 'us-east-1'.")
                  .find("AWS_REGION is us-east-1"),
              std::string::npos);
    EXPECT_NE(says("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2027")
                  .find("clock"),
              std::string::npos);
    EXPECT_NE(says("AccessDeniedException", "not authorized").find("IAM policy"),
              std::string::npos);
    options_.region.clear();
    open();
    EXPECT_EQ(check(things).error().code, "aws_region_missing");
    options_.region = aws_test_region;
    options_.endpoint_url = "localhost:8000";
    open();
    EXPECT_EQ(check(things).error().code, "aws_endpoint_ill_formed");
    options_.endpoint_url = engine_address("STOA_TEST_DYNAMODB");
}

TEST_F(dynamodb_test, an_endpoint_that_is_no_dynamodb_is_named_as_such) {
    for (const int status : {200, 404}) {
        faults_.next = {fault::refuse, 1, status, "<html>welcome</html>"};
        const auto found = check(things);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, "dynamodb_answer_ill_formed");
        EXPECT_NE(found.error().detail.find("AWS_ENDPOINT_URL"), std::string::npos);
    }
    options_.endpoint_url = "http://127.0.0.1:1";
    options_.answer_within = milliseconds(200);
    open();
    const auto nobody = check(things);
    EXPECT_EQ(nobody.error().kind, errc::unavailable);
    EXPECT_NE(nobody.error().detail.find("127.0.0.1:1"), std::string::npos);
    options_.endpoint_url = engine_address("STOA_TEST_DYNAMODB");
}

TEST_F(dynamodb_test, credentials_that_expired_are_renewed_once) {
    struct counting final : aws::credentials_source {
        int given = 0, rejected = 0;
        task<result<aws::credentials>> get() override {
            ++given;
            co_return aws::credentials{"stoalocal", "stoalocalsecret", {}, {}, "the test"};
        }
        void reject(const aws::credentials&) override { ++rejected; }
    } by;
    by_ = &by;
    open();
    ensure(things);
    faults_.next = {fault::refuse, 1, 400, refusal("ExpiredTokenException")};
    EXPECT_TRUE(write(one("n")));
    EXPECT_EQ(by.rejected, 1);
    faults_.next = {fault::refuse, 100, 400, refusal("ExpiredTokenException")};
    EXPECT_EQ(write(one("n")).error().code, "aws_refused");
    EXPECT_EQ(by.rejected, 3);
    by_ = &aws_.by;
}

TEST_F(dynamodb_test, an_update_makes_the_item_even_where_nothing_is_set) {
    ensure(things);
    write_set lone, pair;
    lone.update(things, key_of("id", "lone"), {removed("x")});
    pair.update(things, key_of("id", "a"), {removed("x")}).update(things, key_of("id", "b"), {});
    EXPECT_TRUE(write(std::move(lone)));
    const auto both = write(std::move(pair));
    EXPECT_TRUE(both) << both.error().detail;
    for (const char* id : {"lone", "a", "b"}) EXPECT_TRUE(get(id).value()) << id;
}

TEST_F(dynamodb_test, limits_are_refused_before_the_wire) {
    const auto code = [&](write_set what) { return write(std::move(what)).error().code; };
    write_set bytes, large, events;
    bytes.put(things, key_of("id", "\xff"));
    EXPECT_EQ(code(std::move(bytes)), "text_not_utf8");
    for (int i = 0; i < 11; ++i) {
        auto each = key_of("id", std::to_string(i));
        each.set("text", std::string(400'000, 'x'));
        large.put(things, std::move(each));
    }
    EXPECT_EQ(code(std::move(large)), "transaction_too_large");
    events.publish({.topic = "t", .key = "k", .id = "e", .type = "x"});
    EXPECT_EQ(code(std::move(events)), "outbox_missing");
    EXPECT_TRUE(faults_.asked.empty());
}

}  // namespace
}  // namespace stoa::testing
