#include "ports/sql_together.hpp"

#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

class no_rows final : public transaction {
 public:
    void publish(event) override {}
    bool receive(const delivery&) override { return true; }

 protected:
    std::int64_t run(const char*, std::span<const cell>, row_visitor*) override { return 0; }
};

// An engine that carries out what it was given when the test says so.
class patient_sql final : public sql {
 public:
    void submit(std::unique_ptr<sql_job> job) override { jobs.push_back(std::move(job)); }
    void submit_read(std::unique_ptr<sql_job> job) override {
        ++reads;
        submit(std::move(job));
    }

    // The next job; with `why` it is rejected after it ran, as a commit that failed.
    void carry_out(std::optional<error> why = {}) {
        ASSERT_FALSE(jobs.empty());
        auto job = std::move(jobs.front());
        jobs.pop_front();
        no_rows t;
        (void)job->run(t);
        if (why) job->reject(*std::move(why));
        job->complete();
    }
    std::deque<std::unique_ptr<sql_job>> jobs;
    int reads = 0;
};

class sql_together_test : public ::testing::Test {
 protected:
    using doubling = sql_together<int, int>;
    doubling make(std::size_t most = 64) {
        return {db_,
                [this](transaction&, std::span<const int> parts) {
                    batches_.emplace_back(parts.begin(), parts.end());
                    std::vector<int> out;
                    for (const auto each : parts) out.push_back(2 * each);
                    return out;
                },
                most};
    }
    void begin_to_ask(doubling& of, int part) {
        loop_.spawn([this, &of, part]() -> task<> {
            const auto answer = co_await of.ask(part);
            answers_[part] = answer ? std::to_string(*answer) : answer.error().code;
        });
    }
    void ask(doubling& of, int part) {
        begin_to_ask(of, part);
        loop_.drain();
    }
    void carry_out(std::optional<error> why = {}) {
        db_.carry_out(std::move(why));
        loop_.drain();
    }

    testing::test_loop loop_;
    patient_sql db_;
    std::vector<std::vector<int>> batches_;
    std::map<int, std::string> answers_;
};

TEST_F(sql_together_test, what_comes_while_one_is_under_way_goes_together_in_order) {
    auto of = make();
    for (const int each : {1, 2, 3, 4}) ask(of, each);
    EXPECT_EQ(db_.jobs.size(), 1U);
    carry_out();
    EXPECT_EQ(answers_, (std::map<int, std::string>{{1, "2"}}));
    ask(of, 5);
    carry_out();
    EXPECT_EQ(batches_, (std::vector<std::vector<int>>{{1}, {2, 3, 4}}));
    EXPECT_EQ(answers_.at(4), "8");
    EXPECT_FALSE(answers_.contains(5));
    carry_out();
    EXPECT_EQ(answers_.at(5), "10");
    EXPECT_TRUE(db_.jobs.empty());
}

TEST_F(sql_together_test, what_comes_in_one_turn_of_the_loop_goes_together_from_the_first_on) {
    auto of = make();
    for (const int each : {1, 2, 3}) begin_to_ask(of, each);
    loop_.drain();
    carry_out();
    EXPECT_EQ(batches_, (std::vector<std::vector<int>>{{1, 2, 3}}));
    EXPECT_EQ(answers_.size(), 3U);
    EXPECT_TRUE(db_.jobs.empty());
}

TEST_F(sql_together_test, what_is_asked_to_read_is_no_commit) {
    doubling of{db_,
                [](transaction&, std::span<const int> parts) {
                    return std::vector<int>(parts.begin(), parts.end());
                },
                64, &sql::submit_read};
    ask(of, 1);
    EXPECT_EQ(db_.reads, 1);
    carry_out();
    EXPECT_EQ(answers_.at(1), "1");
}

TEST_F(sql_together_test, no_more_go_at_once_than_may) {
    auto of = make(2);
    for (const int each : {1, 2, 3, 4}) ask(of, each);
    for (int i = 0; i < 3; ++i) carry_out();
    EXPECT_EQ(batches_, (std::vector<std::vector<int>>{{1}, {2, 3}, {4}}));
    EXPECT_EQ(answers_.size(), 4U);
}

TEST_F(sql_together_test, a_batch_that_cannot_be_kept_is_tried_part_by_part) {
    auto of = make();
    for (const int each : {1, 2, 3}) ask(of, each);
    carry_out();
    carry_out(error{.kind = errc::conflict, .code = "broken"});
    EXPECT_EQ(answers_.size(), 1U) << "nobody is told before";
    ask(of, 4);
    carry_out();
    carry_out(error{.kind = errc::conflict, .code = "broken"});
    carry_out();
    EXPECT_EQ(batches_, (std::vector<std::vector<int>>{{1}, {2, 3}, {2}, {3}, {4}}));
    EXPECT_EQ(answers_, (std::map<int, std::string>{{1, "2"}, {2, "4"}, {3, "broken"}, {4, "8"}}));
}

TEST_F(sql_together_test, an_engine_at_fault_is_told_to_all_at_once) {
    for (const auto kind : {errc::unavailable, errc::timeout, errc::storage_full}) {
        auto of = make();
        answers_.clear();
        for (const int each : {1, 2, 3}) ask(of, each);
        carry_out(error{.kind = kind, .code = "engine"});
        carry_out(error{.kind = kind, .code = "engine"});
        EXPECT_TRUE(db_.jobs.empty()) << "nobody is tried once more";
        EXPECT_EQ(answers_,
                  (std::map<int, std::string>{{1, "engine"}, {2, "engine"}, {3, "engine"}}));
    }
}

TEST_F(sql_together_test, what_still_waits_when_all_ends_is_let_go) {
    {
        auto of = make();
        for (const int each : {1, 2}) ask(of, each);
    }
    // The transaction under way still knows what to do; what had gathered goes after it.
    carry_out();
    carry_out();
    EXPECT_EQ(answers_.size(), 2U);
}

}  // namespace
}  // namespace stoa
