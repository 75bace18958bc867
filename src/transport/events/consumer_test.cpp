// The consumer loop on a log of a few lines: what a handler is told, and the spans of it.
#include "transport/events/consumer.hpp"

#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include <deque>
#include <stdexcept>

namespace stoa {
namespace {

struct told {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(told, (), (text))

// Hands out what the test puts in, one batch after another; remembers what was parked.
class listed_log final : public event_log {
 public:
    task<result<void>> append(std::vector<event>) override { co_return result<void>{}; }
    result<std::unique_ptr<subscription>> subscribe(std::string, std::vector<std::string>,
                                                    lane) override {
        return std::make_unique<reader>(*this);
    }
    task<result<std::vector<delivery>>> read(std::string, int, std::int64_t, int) override {
        co_return std::vector<delivery>{};
    }
    task<result<std::vector<topic_position>>> positions(std::string) override {
        co_return std::vector<topic_position>{};
    }
    task<result<std::vector<group_lag>>> lags() override { co_return std::vector<group_lag>{}; }
    task<result<void>> park(delivery what, error, int) override {
        parked.push_back(std::move(what));
        co_return result<void>{};
    }
    task<result<bool>> is_parked(std::string, std::string, std::string key) override {
        if (key == breaks_at) throw std::runtime_error("no memory left");
        co_return false;
    }

    std::deque<delivery_batch> batches;
    std::vector<delivery> parked;
    std::int64_t done_up_to = -1;
    std::string breaks_at = "nowhere";  // the key of whose event dealing with it breaks off

 private:
    struct reader final : subscription {
        explicit reader(listed_log& l) : log(l) {}
        task<result<delivery_batch>> next(int) override {
            if (log.batches.empty()) {
                using steady = std::chrono::steady_clock;
                asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type>
                    ever(co_await asio::this_coro::executor, steady::time_point::max());
                co_await ever.async_wait(use_task);
            }
            auto out = std::move(log.batches.front());
            log.batches.pop_front();
            co_return out;
        }
        task<result<void>> done(std::string, int, std::int64_t next_offset) override {
            log.done_up_to = next_offset;
            co_return result<void>{};
        }
        listed_log& log;
    };
};

class listener {
 public:
    task<result<void>> on_told(delivery what, told payload) {
        seen.push_back(std::move(what));
        if (payload.text == "busy" && seen.size() == 1) co_return fail(errc::unavailable, "busy");
        if (payload.text == "cut" && ++cuts == 1)
            throw boost::system::system_error(asio::error::operation_aborted);
        if (payload.text == "bad") co_return fail(errc::invalid, "no_such_thing");
        co_return result<void>{};
    }
    std::vector<delivery> seen;
    int cuts = 0;
};

constexpr event_handler rows[] = {on_event<&listener::on_told>("news", "news.told")};

class consumer_test : public ::testing::Test {
 protected:
    ~consumer_test() override {
        io.run([this] { return tasks.stop(); }, std::chrono::seconds(5));
    }
    static delivery told_to(std::string key, std::int64_t offset, std::string payload) {
        return {.group = "listener",
                .offset = offset,
                .message = {.topic = "news",
                            .key = std::move(key),
                            .id = "e" + std::to_string(offset + 1),
                            .type = "news.told",
                            .payload = std::move(payload)}};
    }
    void consume(std::string payload, tracer* with, std::string traceparent = "") {
        auto one = told_to("k", 0, std::move(payload));
        one.message.traceparent = std::move(traceparent);
        consume({std::move(one)}, with);
    }
    void consume(std::vector<delivery> all, tracer* with = nullptr) {
        const auto end = std::ssize(all);
        log.batches.push_back({.topic = "news", .events = std::move(all)});
        ASSERT_TRUE(start_consumer({"listener", rows, &to}, log, time, random, measured, tasks, {},
                                   {}, with));
        for (int i = 0; i < 100 && log.done_up_to != end; ++i) {
            io.drain();
            time.advance(milliseconds(100));
            io.drain();
        }
        ASSERT_EQ(log.done_up_to, end);
    }

    stoa::testing::test_loop io;
    stoa::testing::manual_clock time;
    stoa::testing::seeded_random random{stoa::testing::test_seed()};
    metrics measured;
    tracer traces{{.now = [this] { return time.now(); },
                   .ticks = [this] { return time.ticks(); },
                   .random = [this] { return random.next(); },
                   .measured = measured},
                  0.0};
    listed_log log;
    listener to;
    supervisor tasks{io.on()};
    const std::string origin = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
};

TEST_F(consumer_test, an_event_is_handled_under_a_span_of_its_trace) {
    consume(R"({"text":"fine"})", &traces, origin);
    ASSERT_EQ(to.seen.size(), 1U);
    const auto made = traces.take(10);
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(made[0].name, "process news.told");
    EXPECT_EQ(made[0].kind, span_kind::consumer);
    EXPECT_EQ(trace_id_text(made[0].self), origin.substr(3, 32));
    EXPECT_EQ(span_id_text(made[0].parent_id), origin.substr(36, 16));
    EXPECT_FALSE(made[0].failure);
    EXPECT_EQ(to.seen[0].message.traceparent, write_traceparent(made[0].self))
        << "what the handler publishes stands under this span";
}

TEST_F(consumer_test, each_attempt_is_a_span_and_the_failed_ones_say_why) {
    consume(R"({"text":"busy"})", &traces, origin);
    EXPECT_EQ(to.seen.size(), 2U);
    const auto made = traces.take(10);
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].failure, "busy");
    EXPECT_FALSE(made[1].failure);
    EXPECT_EQ(made[1].parent_id, made[0].parent_id) << "siblings, not one under the other";
}

// A connection that its pool closed, say: nobody asked the consumer to end.
TEST_F(consumer_test, a_handler_that_broke_off_is_asked_again) {
    consume(R"({"text":"cut"})", nullptr);
    EXPECT_EQ(to.seen.size(), 2U);
    EXPECT_TRUE(log.parked.empty());
}

TEST_F(consumer_test, a_handler_that_broke_off_among_others_is_asked_again) {
    consume({told_to("a", 0, R"({"text":"fine"})"), told_to("b", 1, R"({"text":"cut"})"),
             told_to("b", 2, R"({"text":"fine"})")});
    EXPECT_EQ(to.seen.size(), 4U) << "and the next event of its key came after it";
    EXPECT_TRUE(log.parked.empty());
}

// The process ends and begins again at the last offset that was stored.
TEST_F(consumer_test, a_batch_of_which_an_event_was_left_undone_is_never_acknowledged) {
    log.breaks_at = "b";
    EXPECT_DEATH(consume({told_to("a", 0, R"({"text":"fine"})"), told_to("b", 1, "{}")}), "");
}

TEST_F(consumer_test, a_dead_letter_keeps_the_trace_it_came_with) {
    consume(R"({"text":"bad"})", &traces, origin);
    ASSERT_EQ(log.parked.size(), 1U);
    EXPECT_EQ(log.parked[0].message.traceparent, origin);
    EXPECT_EQ(traces.take(10).at(0).failure, "no_such_thing");
}

TEST_F(consumer_test, an_event_of_an_unkept_trace_is_handled_without_a_span) {
    consume(R"({"text":"fine"})", &traces, origin.substr(0, 53) + "00");
    ASSERT_EQ(to.seen.size(), 1U);
    EXPECT_EQ(traces.waiting(), 0U);
    EXPECT_EQ(to.seen[0].message.traceparent.substr(0, 36), origin.substr(0, 36));
}

TEST_F(consumer_test, with_traces_off_the_events_own_trace_goes_on) {
    consume(R"({"text":"fine"})", nullptr, origin);
    ASSERT_EQ(to.seen.size(), 1U);
    EXPECT_EQ(to.seen[0].message.traceparent, origin);
}

}  // namespace
}  // namespace stoa
