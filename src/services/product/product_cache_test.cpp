// What pages are served while another loop changes a product: what was committed, never what was
// remembered before it, and nothing is remembered that a change under way may have made old.
#include "services/product/product_cache.hpp"

#include "services/product/product_service.hpp"
#include "support/manual_clock.hpp"
#include "support/product_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace stoa::products {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};
constexpr topic_spec topics[] = {{.name = topic::changed, .partitions = 1},
                                 {.name = topic::deleted, .partitions = 1}};

// Commits at once, and keeps from the one who waits that it has, until told.
class slow_to_tell final : public sql {
 public:
    slow_to_tell(sql& real, testing::test_loop& loop) : real_(real), loop_(loop) {}

    void submit(std::unique_ptr<sql_job> job) override {
        real_.submit(std::make_unique<kept>(*this, std::move(job)));
    }
    void submit_read(std::unique_ptr<sql_job> job) override { real_.submit_read(std::move(job)); }

    [[nodiscard]] bool wait_for_commit() {
        return loop_.run_until([&] { return committed_.load(); });
    }
    void tell() {
        committed_ = false;
        std::exchange(done_, {})->complete();
    }
    // Inside the transaction, at its end.
    std::function<void()> before_commit = [] {};

 private:
    class kept final : public sql_job {
     public:
        kept(slow_to_tell& of, std::unique_ptr<sql_job> job) : of_(of), job_(std::move(job)) {}
        bool run(transaction& t) override {
            const bool ok = job_->run(t);
            of_.before_commit();
            return ok;
        }
        void reject(error why) override { job_->reject(std::move(why)); }
        void complete() override {
            of_.done_ = std::move(job_);
            of_.committed_ = true;
            asio::post(of_.loop_.on(), [] {});
        }
        bool repeatable() const override { return job_->repeatable(); }

     private:
        slow_to_tell& of_;
        std::unique_ptr<sql_job> job_;
    };

    sql& real_;
    testing::test_loop& loop_;
    std::unique_ptr<sql_job> done_;
    std::atomic<bool> committed_ = false;
};

// Two loops' product services on one store and one board.
class remembered_products : public ::testing::Test {
 protected:
    remembered_products() {
        shop_ = testing::open_product_store(directory_.path() + "/shop", topics, time_);
        slow_.emplace(shop_->database(), loop_);
        changing_.emplace(product_service::needs{*slow_, index_, board_, time_, random_},
                          product_settings{.shop_currency = eur});
        showing_.emplace(product_service::needs{shop_->database(), index_, board_, time_, random_},
                         product_settings{.shop_currency = eur});
        create_product_request wanted;
        wanted.name = "A jug";
        wanted.price = money{100, eur};
        wanted.stock = 10;
        id_ = loop_.run([&] { return showing_->create_product({}, wanted); }).value().id;
    }
    ~remembered_products() override { shop_->close(); }

    std::int64_t shown() {
        return loop_.run([&] { return showing_->get_product({}, {.id = id_}); }).value().stock;
    }
    task<result<void>> take(int quantity) {
        request_context by;
        STOA_CO_TRY_VOID(
            co_await changing_->reserve(by, {.id = id_, .order_id = "one", .quantity = quantity}));
        co_return result<void>{};
    }
    task<result<void>> give_back() {
        STOA_CO_TRY_VOID(co_await changing_->release_reserved({}, {.order_id = "one:" + id_}));
        co_return result<void>{};
    }
    task<result<void>> receive(int delta) {
        request_context by;
        by.idempotency_key = "delivery";
        STOA_CO_TRY_VOID(co_await changing_->change_stock(by, {.id = id_, .delta = delta}));
        co_return result<void>{};
    }
    task<result<void>> count_anew(int stock) {
        update_product_request wanted{.id = id_};
        wanted.stock = stock;
        STOA_CO_TRY_VOID(co_await changing_->update_product({}, wanted));
        co_return result<void>{};
    }

    // Runs a change; what `showing_` says of the stock once it is committed and nobody knows yet,
    // and when all know.
    std::pair<std::int64_t, std::int64_t> stock_during(std::function<task<result<void>>()> change) {
        std::optional<result<void>> done;
        loop_.spawn([&]() -> task<> { done = co_await change(); });
        EXPECT_TRUE(slow_->wait_for_commit());
        const auto meanwhile = shown();
        slow_->tell();
        EXPECT_TRUE(loop_.run_until([&] { return done.has_value(); }));
        EXPECT_TRUE(done && *done) << (*done ? "" : (*done).error().detail);
        return {meanwhile, shown()};
    }

    testing::temporary_directory directory_;
    testing::manual_clock time_;
    testing::seeded_random random_{7};
    testing::test_loop loop_;
    catalogue_index index_;
    change_board board_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<slow_to_tell> slow_;
    std::optional<product_service> changing_, showing_;
    std::string id_;
};

using both = std::pair<std::int64_t, std::int64_t>;

TEST_F(remembered_products, no_page_is_older_than_a_commit_that_its_loop_has_not_heard_of) {
    EXPECT_EQ(shown(), 10);
    EXPECT_EQ(stock_during([&] { return take(3); }), both(7, 7));
    EXPECT_EQ(stock_during([&] { return give_back(); }), both(10, 10));
    EXPECT_EQ(stock_during([&] { return receive(5); }), both(15, 15));
    EXPECT_EQ(stock_during([&] { return count_anew(4); }), both(4, 4));
}

TEST_F(remembered_products, what_is_read_just_before_a_commit_is_not_remembered) {
    const auto mark = board_.at(id_);
    std::atomic<int> at_its_end = 0;
    std::atomic<bool> go_on = false;
    slow_->before_commit = [&] {
        at_its_end = 1;
        at_its_end.notify_one();
        go_on.wait(false);
    };
    std::optional<result<void>> done;
    loop_.spawn([&]() -> task<> { done = co_await receive(5); });
    loop_.drain();
    at_its_end.wait(0);
    EXPECT_EQ(shown(), 10);  // nothing is committed
    EXPECT_FALSE(change_board::settled(board_.at(id_)));
    go_on = true;
    go_on.notify_one();
    ASSERT_TRUE(slow_->wait_for_commit());
    EXPECT_EQ(shown(), 15);
    slow_->tell();
    ASSERT_TRUE(loop_.run_until([&] { return done.has_value(); }));
    EXPECT_EQ(shown(), 15);
    slow_->before_commit = [] {};
    EXPECT_GT(board_.at(id_), mark);
}

TEST_F(remembered_products, a_change_that_fails_leaves_its_products_to_be_remembered_again) {
    EXPECT_EQ(shown(), 10);
    std::optional<result<void>> done;
    loop_.spawn([&]() -> task<> { done = co_await receive(-11); });
    ASSERT_TRUE(slow_->wait_for_commit());
    slow_->tell();
    ASSERT_TRUE(loop_.run_until([&] { return done.has_value(); }));
    EXPECT_EQ(done->error().code, "below_reserved");
    EXPECT_EQ(shown(), 10);
    // The job, which holds the change too, dies on the engine's thread: the next has been there.
    EXPECT_EQ(stock_during([&] { return receive(1); }), both(11, 11));
}

TEST_F(remembered_products, lists_by_price_follow_the_latest_change_not_the_one_told_last) {
    const auto stocked = [&] {
        list_products_request wanted{.in_stock = true, .sort = "price"};
        return loop_.run([&] { return showing_->list_products({}, wanted); }).value();
    };
    ASSERT_EQ(stocked().products.size(), 1U);
    // One loop sells all there is and has not heard of it; another brings more.
    std::optional<result<void>> sold;
    loop_.spawn([&]() -> task<> { sold = co_await take(10); });
    ASSERT_TRUE(slow_->wait_for_commit());
    request_context by;
    by.idempotency_key = "more";
    ASSERT_TRUE(loop_.run([&] { return showing_->change_stock(by, {.id = id_, .delta = 5}); }));
    slow_->tell();
    ASSERT_TRUE(loop_.run_until([&] { return sold.has_value(); }));
    ASSERT_TRUE(*sold);
    EXPECT_EQ(stocked().products.size(), 1U);
    EXPECT_EQ(stocked().total, 1);
}

TEST(change_board, a_place_is_settled_when_the_last_change_of_it_has_ended) {
    change_board board;
    const auto before = board.at("a");
    EXPECT_TRUE(change_board::settled(before));
    std::optional<change_board::change> one(board), other(board);
    one->touches("a");
    other->touches("a");
    other->touches("a");  // the transaction was repeated
    EXPECT_FALSE(change_board::settled(board.at("a")));
    one.reset();
    EXPECT_FALSE(change_board::settled(board.at("a")));
    other.reset();
    EXPECT_TRUE(change_board::settled(board.at("a")));
    EXPECT_NE(board.at("a"), before);
    const auto settled = board.at("a");
    board.changed("a");
    EXPECT_TRUE(change_board::settled(board.at("a")));
    EXPECT_NE(board.at("a"), settled);
}

}  // namespace
}  // namespace stoa::products
