// Lists and totals of orders on the real embedded engine, against a plain count.
#include "services/order/order_store.hpp"

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/ids.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <random>
#include <thread>

namespace stoa::orders {
namespace {

constexpr std::size_t statuses = type_of<order_status>.words.size();

// Counts what is looked at, as an engine that is paid by the item would.
class counting_items final : public key_value {
 public:
    explicit counting_items(key_value& real) : real_(real) {}
    std::int64_t looked_at = 0;
    std::function<void()> after_query;  // once: what another request does meanwhile

    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        ++looked_at;
        return real_.get(table, std::move(key));
    }
    task<result<kv_page>> query(kv_query what) override {
        auto page = co_await real_.query(std::move(what));
        if (page) looked_at += std::ssize(page->items);
        if (auto meanwhile = std::exchange(after_query, nullptr)) meanwhile();
        co_return page;
    }
    task<result<write_outcome>> write(write_set what) override {
        return real_.write(std::move(what));
    }
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        return real_.scan(table, std::move(after), limit);
    }

 private:
    key_value& real_;
};

class order_store_test : public ::testing::Test {
 protected:
    order_store_test() {
        auto opened = sqlite_shop::open(
            {.directory = directory_.path(), .tables = {&orders_table, &counters_table}}, time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        items_.emplace(shop_->items());
        store_.emplace(*items_);
    }
    ~order_store_test() override { shop_->close(); }

    order_record add(const std::string& user, order_status status) {
        time_.advance(milliseconds(1));
        order_record fresh;
        fresh.id = fresh.order_id = new_id(time_, random_);
        fresh.user_id = user;
        fresh.status = status;
        fresh.created_at = fresh.updated_at = time_.now();
        write_set in;
        store_->insert(in, fresh);
        EXPECT_TRUE(loop_.run([&] { return store_->commit(in); })->committed());
        return fresh;
    }
    // Changes `now` as a use case does; false where it was not at that version any more.
    bool save(order_record& now, order_record after) {
        write_set in;
        store_->save(in, now, after);
        const auto outcome = loop_.run([&] { return store_->commit(in); });
        EXPECT_TRUE(outcome);
        if (!outcome->committed()) return false;
        now = std::move(after);
        return true;
    }
    // As it stood before there were an index and counters of a user's statuses.
    order_record add_of_old(const std::string& user, order_status status) {
        auto fresh = add(user, status);
        fresh.user_status.reset();
        write_set in;
        in.put(orders_table, to_item(fresh));
        in.update(counters_table, key_of("name", "orders:user:" + user),
                  {add_to(word_of(status), -1)});
        EXPECT_TRUE(loop_.run([&] { return items_->write(in); })->committed());
        return fresh;
    }

    std::int64_t count(const order_store::filter& what) {
        return loop_.run([&] { return store_->count(what); }).value();
    }
    std::vector<std::string> page(const order_store::filter& what, std::optional<position> after,
                                  int skip, int limit) {
        std::vector<std::string> out;
        for (const auto& each :
             loop_.run([&] { return store_->list(what, after, skip, limit); }).value())
            out.push_back(each.id);
        return out;
    }

    static bool matches(const order_record& of, const order_store::filter& what) {
        return (!what.user_id || of.user_id == *what.user_id) &&
               (what.statuses.empty() ||
                std::ranges::find(what.statuses, of.status) != what.statuses.end());
    }
    // Totals, one page by skip and a whole walk by cursor equal what a look at every order finds.
    void compare(const std::vector<order_record>& all, const order_store::filter& what) {
        std::vector<const order_record*> wanted;
        for (const auto& each : all)
            if (matches(each, what)) wanted.push_back(&each);
        std::ranges::reverse(wanted);  // made in order of time
        std::vector<std::string> ids, walked;
        for (const auto* each : wanted) ids.push_back(each->id);
        EXPECT_EQ(count(what), std::ssize(ids));
        const auto from = std::min<std::size_t>(2, ids.size());
        const auto to = std::min<std::size_t>(from + 5, ids.size());
        EXPECT_EQ(page(what, {}, 2, 5), std::vector(ids.begin() + static_cast<std::ptrdiff_t>(from),
                                                    ids.begin() + static_cast<std::ptrdiff_t>(to)));
        std::optional<position> after;
        for (;;) {
            const auto some = page(what, after, 0, 7);
            if (some.empty()) break;
            walked.insert(walked.end(), some.begin(), some.end());
            const auto last = std::ranges::find(all, some.back(), &order_record::id);
            after = position{rfc3339(last->created_at), last->id};
        }
        EXPECT_EQ(walked, ids);
    }
    void compare_all(const std::vector<order_record>& all) {
        for (const auto& user : users) {
            compare(all, {.user_id = user});
            compare(all, {.user_id = user,
                          .statuses = {order_status::pending, order_status::awaiting_payment}});
            for (std::size_t i = 0; i < statuses; ++i)
                compare(all, {.user_id = user, .statuses = {static_cast<order_status>(i)}});
        }
        compare(all, {});
        compare(all, {.statuses = {order_status::paid}});
    }

    const std::vector<std::string> users{"ada", "bob", "guest"};
    stoa::testing::temporary_directory directory_;
    stoa::testing::manual_clock time_;
    stoa::testing::seeded_random random_{7};
    stoa::testing::test_loop loop_;
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<counting_items> items_;
    std::optional<order_store> store_;
};

TEST_F(order_store_test, lists_and_totals_equal_a_plain_count_over_any_history) {
    const auto seed = stoa::testing::test_seed();
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 dice(seed);
    const auto some_status = [&] { return static_cast<order_status>(dice() % statuses); };
    const auto some_user = [&] { return users[dice() % users.size()]; };
    std::vector<order_record> all;
    for (int step = 0; step < 250; ++step) {
        if (all.empty() || dice() % 3 == 0) {
            // Some were last written by a program that knew of no such index.
            const bool old = step < 60 && dice() % 2 == 0;
            all.push_back(old ? add_of_old(some_user(), some_status())
                              : add(some_user(), some_status()));
        } else {
            auto& now = all[dice() % all.size()];
            auto after = now;
            if (dice() % 2 == 0) after.status = some_status();
            if (dice() % 4 == 0) after.user_id = some_user();
            const auto stale = now;
            ASSERT_TRUE(save(now, after));
            // Who comes second changes nothing, the counters neither.
            auto late = stale;
            if (dice() % 4 == 0) EXPECT_FALSE(save(late, after));
        }
        if (step % 50 == 49) compare_all(all);
    }
    // Written once more, every order is known to the counters of its user.
    for (auto& each : all) ASSERT_TRUE(save(each, each));
    compare_all(all);
    for (const auto& user : users) {
        const auto counter = loop_.run(
            [&] { return items_->get(counters_table, key_of("name", "orders:user:" + user)); });
        std::int64_t known = 0;
        for (const auto word : type_of<order_status>.words) known += (*counter)->integer(word);
        EXPECT_EQ(known, (*counter)->integer("all"));
    }
}

TEST_F(order_store_test, an_order_that_moves_to_an_account_takes_its_place_in_both_totals_along) {
    auto one = add("guest", order_status::paid);
    auto after = one;
    after.user_id = "ada";
    after.status = order_status::shipped;
    ASSERT_TRUE(save(one, after));
    EXPECT_EQ(count({.user_id = "guest"}), 0);
    EXPECT_EQ(count({.user_id = "guest", .statuses = {order_status::paid}}), 0);
    EXPECT_EQ(count({.user_id = "ada", .statuses = {order_status::paid}}), 0);
    EXPECT_EQ(count({.user_id = "ada", .statuses = {order_status::shipped}}), 1);
    EXPECT_EQ(page({.user_id = "ada", .statuses = {order_status::shipped}}, {}, 0, 10),
              std::vector{one.id});
}

TEST_F(order_store_test, a_user_s_list_by_status_looks_at_a_page_however_many_orders_there_are) {
    const order_store::filter rare{.user_id = "ada", .statuses = {order_status::delivered}};
    const order_store::filter open{
        .user_id = "ada", .statuses = {order_status::pending, order_status::awaiting_payment}};
    const auto cost = [&](const order_store::filter& what) {
        items_->looked_at = 0;
        EXPECT_EQ(page(what, {}, 0, 10).size(), 10U);
        EXPECT_GE(count(what), 10);
        return items_->looked_at;
    };
    const auto add_many = [&](int n) {
        for (int i = 0; i < n; ++i)
            add("ada", i % 10 == 0  ? order_status::delivered
                       : i % 10 < 3 ? order_status::pending
                       : i % 10 < 5 ? order_status::awaiting_payment
                                    : order_status::cancelled);
    };
    add_many(200);
    const auto rare_before = cost(rare), open_before = cost(open);
    add_many(800);
    EXPECT_EQ(cost(rare), rare_before);
    EXPECT_EQ(cost(open), open_before);
    EXPECT_LE(rare_before, 10 + 2);      // the page and two looks at the counters
    EXPECT_LE(open_before, 2 * 10 + 2);  // of two walks
}

// Metrics ask for all statuses every few seconds, of an engine that is paid by the read.
TEST_F(order_store_test, all_statuses_are_counted_by_one_look_at_each_counter) {
    constexpr int shards = 16;
    store_.emplace(*items_, shards);
    std::vector<std::int64_t> expected(statuses);
    for (int i = 0; i < 60; ++i) {
        const auto status = static_cast<std::size_t>(i * i) % statuses;
        add("ada", static_cast<order_status>(status));
        ++expected[status];
    }
    items_->looked_at = 0;
    EXPECT_EQ(loop_.run([&] { return store_->count_by_status(); }).value(), expected);
    EXPECT_EQ(items_->looked_at, shards);
}

// The walks over the statuses are read one after the other.
TEST_F(order_store_test, an_order_that_moves_while_a_list_is_read_stands_in_it_once) {
    auto moving = add("ann", order_status::pending);
    add("ann", order_status::pending);
    const auto walked_first = order_status::pending;
    ASSERT_EQ(static_cast<int>(walked_first), 0) << "its walk comes before that of the next status";
    items_->after_query = [&] {
        auto after = moving;
        after.status = order_status::awaiting_payment;
        write_set in;
        store_->save(in, moving, after);
        // The list waits on the same loop: the engine is asked beside it.
        std::promise<bool> done;
        std::jthread other([&] {
            testing::test_loop loop;
            done.set_value(loop.run([&] { return shop_->items().write(in); })->committed());
        });
        ASSERT_TRUE(done.get_future().get());
    };
    const auto all = loop_.run([&] { return store_->list({}, {}, 0, 10); }).value();
    std::vector<std::string> ids;
    for (const auto& each : all) ids.push_back(each.id);
    EXPECT_EQ(std::ranges::count(ids, moving.id), 1);
    EXPECT_EQ(ids.size(), 2U);
}

}  // namespace
}  // namespace stoa::orders
