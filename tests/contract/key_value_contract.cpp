// What every engine of the key_value port keeps. Index reads may be late on some engines: the suite
// waits for them where it looks at one.
#include "contract/engine.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace stoa::testing {
namespace {

constexpr std::array order_indexes{
    kv_index{.name = "by_user", .hash = "user_id", .range = "created_at"},
    kv_index{.name = "due", .hash = "due_shard", .range = "due_at"},
};
constexpr std::array<std::string_view, 1> order_numbers{"due_shard"};
constexpr kv_table orders{
    .name = "contract-orders", .hash = "id", .indexes = order_indexes, .numbers = order_numbers};
constexpr std::array cart_indexes{kv_index{.name = "by_product", .hash = "product_id"}};
constexpr kv_table carts{.name = "contract-carts",
                         .hash = "user_id",
                         .range = "product_id",
                         .indexes = cart_indexes,
                         .ttl = "expires_at"};
constexpr std::array<std::string_view, 1> window_numbers{"start"};
constexpr kv_table windows{
    .name = "contract-windows", .hash = "product_id", .range = "start", .numbers = window_numbers};
constexpr kv_table stock{.name = "contract-stock", .hash = "id"};

item make(std::initializer_list<std::pair<std::string_view, attribute>> entries) {
    item out;
    for (const auto& [name, value] : entries) out.set(name, value);
    return out;
}

class key_value_contract : public on_engine {
 protected:
    void SetUp() override {
        start({{&orders, &carts, &windows, &stock}, {{.name = "contract"}}, {}});
    }

    result<write_outcome> write(write_set what) {
        return run([&]() -> task<result<write_outcome>> {
            co_return co_await store_->items().write(std::move(what));
        });
    }
    void commit(write_set what) {
        const auto done = write(std::move(what));
        ASSERT_TRUE(done) << done.error().code << ": " << done.error().detail;
        ASSERT_TRUE(done->committed());
    }
    void put(const kv_table& table, item value) {
        write_set w;
        w.put(table, std::move(value));
        commit(std::move(w));
    }
    std::string refused(write_set what) {
        const auto done = write(std::move(what));
        return done                                 ? "accepted"
               : done.error().kind == errc::invalid ? done.error().code
                                                    : "not invalid";
    }
    std::optional<item> get(const kv_table& table, item key) {
        auto found = run([&]() -> task<result<std::optional<item>>> {
            co_return co_await store_->items().get(table, key);
        });
        EXPECT_TRUE(found) << found.error().detail;
        return found ? *found : std::nullopt;
    }
    result<kv_page> query(kv_query q) {
        return run([&]() -> task<result<kv_page>> { co_return co_await store_->items().query(q); });
    }
    // All pages of a query, `limit` at a time.
    std::vector<item> walk(kv_query q) {
        std::vector<item> out;
        for (;;) {
            auto page = query(q);
            EXPECT_TRUE(page) << page.error().detail;
            if (!page) return out;
            EXPECT_LE(std::ssize(page->items), q.limit);
            for (auto& each : page->items) out.push_back(std::move(each));
            if (!page->next) return out;
            q.after = page->next;
        }
    }
    std::vector<std::int64_t> starts(kv_query q) {
        std::vector<std::int64_t> out;
        for (const auto& each : walk(std::move(q))) out.push_back(each.integer("start"));
        return out;
    }
};

TEST_P(key_value_contract, an_item_comes_back_as_it_was_put) {
    const auto whole = make(
        {{"id", "o1"},
         {"yes", true},
         {"no", false},
         {"least", INT64_MIN},
         {"most", INT64_MAX},
         {"minus", -1},
         {"empty", ""},
         {"text", std::string("a\0b\xc3\xa9", 5)},
         {"nothing", attribute{}},
         {"lines", attribute_list{make({{"sku", "x"}, {"n", 3}}), "plain", 7, attribute_list{}}},
         {"map", make({{"inner", make({{"deep", 1}})}})}});
    put(orders, whole);
    EXPECT_EQ(get(orders, key_of("id", "o1")), whole);
    store_->restart();
    EXPECT_EQ(get(orders, key_of("id", "o1")), whole);
}

TEST_P(key_value_contract, an_absent_item_is_no_error) {
    EXPECT_EQ(get(orders, key_of("id", "nobody")), std::nullopt);
    EXPECT_EQ(get(carts, key_of("user_id", "u", "product_id", "p")), std::nullopt);
}

TEST_P(key_value_contract, put_replaces_the_whole_item) {
    put(orders, make({{"id", "o"}, {"a", 1}, {"b", 2}}));
    put(orders, make({{"id", "o"}, {"b", 3}}));
    EXPECT_EQ(get(orders, key_of("id", "o")), make({{"id", "o"}, {"b", 3}}));
}

TEST_P(key_value_contract, a_key_attribute_is_of_the_type_that_its_table_declares) {
    const auto put_code = [&](const kv_table& table, item value) {
        write_set w;
        w.put(table, std::move(value));
        return refused(std::move(w));
    };
    EXPECT_EQ(put_code(windows, make({{"product_id", 7}, {"start", 1}})), "key_type");
    EXPECT_EQ(put_code(windows, make({{"product_id", "7"}, {"start", "1"}})), "key_type");
    EXPECT_EQ(put_code(orders, make({{"id", "o"}, {"due_shard", "3"}, {"due_at", "t"}})),
              "key_type");
    write_set sets;
    sets.update(orders, key_of("id", "o"), {set_to("due_shard", "3")});
    EXPECT_EQ(refused(std::move(sets)), "key_type");
    const auto read = run([&]() -> task<result<std::optional<item>>> {
        co_return co_await store_->items().get(stock, key_of("id", 7));
    });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "key_type");
    const auto page = query({.table = &windows, .hash = 7});
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, "key_type");
}

TEST_P(key_value_contract, a_failed_condition_names_the_first_write_and_changes_nothing) {
    put(stock, make({{"id", "a"}, {"n", 1}}));
    put(stock, make({{"id", "b"}, {"n", 1}}));
    write_set w;
    w.update(stock, key_of("id", "a"), {add_to("n", 1)});
    w.update(stock, key_of("id", "b"), {add_to("n", 1)}, {equals("n", 2)});
    w.put(stock, make({{"id", "c"}}), {exists("id")});
    const auto done = write(std::move(w));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->what, write_outcome::is::condition_failed);
    EXPECT_EQ(done->failed, 1);
    EXPECT_EQ(get(stock, key_of("id", "a"))->integer("n"), 1);
    EXPECT_EQ(get(stock, key_of("id", "c")), std::nullopt);
}

TEST_P(key_value_contract, conditions_compare_values_of_one_type_only) {
    using op = condition::op;
    put(stock, make({{"id", "s"}, {"n", 5}, {"t", "m"}, {"b", true}}));
    const auto holds = [&](condition c) {
        write_set w;
        w.check(stock, key_of("id", "s"), {std::move(c)});
        const auto done = write(std::move(w));
        EXPECT_TRUE(done);
        return done && done->committed();
    };
    EXPECT_TRUE(holds(exists("n")));
    EXPECT_FALSE(holds(exists("x")));
    EXPECT_TRUE(holds(absent("x")));
    EXPECT_FALSE(holds(absent("n")));
    EXPECT_TRUE(holds(equals("n", 5)));
    EXPECT_FALSE(holds(equals("n", "5")));
    EXPECT_TRUE(holds(equals("b", true)));
    EXPECT_TRUE(holds({"n", op::not_equal, 4}));
    EXPECT_FALSE(holds({"n", op::not_equal, 5}));
    EXPECT_FALSE(holds({"x", op::not_equal, 4}));
    EXPECT_TRUE(holds({"n", op::less, 6}));
    EXPECT_FALSE(holds({"n", op::less, 5}));
    EXPECT_TRUE(holds({"n", op::at_most, 5}));
    EXPECT_TRUE(holds({"n", op::greater, 4}));
    EXPECT_FALSE(holds({"n", op::greater, 5}));
    EXPECT_TRUE(holds({"n", op::at_least, 5}));
    EXPECT_TRUE(holds({"t", op::less, "n"}));
    EXPECT_FALSE(holds({"t", op::greater, 1}));
    EXPECT_FALSE(holds({"x", op::less, 1}));
    EXPECT_FALSE(holds({"b", op::less, true}));
}

TEST_P(key_value_contract, update_sets_adds_and_removes_and_makes_the_item_where_there_is_none) {
    write_set w;
    w.update(stock, key_of("id", "new"), {add_to("n", 3), set_to("name", "x"), removed("gone")});
    commit(std::move(w));
    EXPECT_EQ(get(stock, key_of("id", "new")), make({{"id", "new"}, {"n", 3}, {"name", "x"}}));
    write_set again;
    again.update(stock, key_of("id", "new"), {add_to("n", -5), removed("name")});
    commit(std::move(again));
    EXPECT_EQ(get(stock, key_of("id", "new")), make({{"id", "new"}, {"n", -2}}));
}

TEST_P(key_value_contract, adding_to_text_or_past_64_bits_changes_nothing) {
    put(stock, make({{"id", "s"}, {"t", "text"}, {"n", INT64_MAX}}));
    write_set text, over;
    text.put(stock, make({{"id", "other"}})).update(stock, key_of("id", "s"), {add_to("t", 1)});
    EXPECT_EQ(refused(std::move(text)), "not_a_number");
    over.update(stock, key_of("id", "s"), {add_to("n", 1)});
    EXPECT_EQ(refused(std::move(over)), "number_out_of_range");
    EXPECT_EQ(get(stock, key_of("id", "other")), std::nullopt);
}

TEST_P(key_value_contract, an_item_stands_once_in_a_transaction) {
    write_set w;
    w.put(stock, make({{"id", "s"}})).check(stock, key_of("id", "s"), {absent("x")});
    EXPECT_EQ(refused(std::move(w)), "item_twice");
}

TEST_P(key_value_contract, a_transaction_has_at_most_100_writes_and_events) {
    write_set most, more;
    for (int i = 0; i < 60; ++i) most.put(stock, make({{"id", std::to_string(i)}}));
    for (int i = 0; i < 40; ++i)
        most.publish({.topic = "contract",
                      .key = "k",
                      .id = std::to_string(i),
                      .type = "t",
                      .payload = "{}"});
    more = most;
    more.put(stock, make({{"id", "one too many"}}));
    EXPECT_EQ(refused(std::move(more)), "too_many_writes");
    EXPECT_EQ(get(stock, key_of("id", "0")), std::nullopt);
    commit(std::move(most));
}

TEST_P(key_value_contract, an_item_has_at_most_400_kilobytes) {
    write_set big;
    big.put(stock, make({{"id", "big"}, {"text", std::string(410'000, 'x')}}));
    EXPECT_EQ(refused(std::move(big)), "item_too_large");
    put(stock, make({{"id", "big"}, {"text", std::string(400'000, 'x')}}));
    write_set grows;
    grows.update(stock, key_of("id", "big"), {set_to("more", std::string(20'000, 'y'))});
    EXPECT_EQ(refused(std::move(grows)), "item_too_large");
    EXPECT_EQ(get(stock, key_of("id", "big"))->find("more"), nullptr);
}

TEST_P(key_value_contract, keys_are_present_and_are_text_or_numbers_and_never_empty) {
    const auto put_code = [&](const kv_table& table, item value) {
        write_set w;
        w.put(table, std::move(value));
        return refused(std::move(w));
    };
    EXPECT_EQ(put_code(stock, make({{"n", 1}})), "key_missing");
    EXPECT_EQ(put_code(stock, make({{"id", true}})), "key_type");
    EXPECT_EQ(put_code(stock, make({{"id", ""}})), "key_empty");
    EXPECT_EQ(put_code(windows, make({{"product_id", "p"}})), "key_missing");
    EXPECT_EQ(put_code(orders, make({{"id", "o"}, {"user_id", ""}, {"created_at", "t"}})),
              "key_empty");
    EXPECT_EQ(put_code(orders, make({{"id", "o"}, {"user_id", false}, {"created_at", "t"}})),
              "key_type");
    write_set key_change;
    key_change.update(windows, key_of("product_id", "p", "start", 1), {set_to("start", 2)});
    EXPECT_EQ(refused(std::move(key_change)), "key_changed");
}

TEST_P(key_value_contract, erasing_an_absent_item_is_fine) {
    write_set w;
    w.erase(orders, key_of("id", "nobody")).erase(stock, key_of("id", "nobody"));
    commit(std::move(w));
}

TEST_P(key_value_contract, an_index_follows_its_items_and_leaves_out_those_without_its_attributes) {
    const kv_query due{.table = &orders, .index = "due", .hash = 3};
    put(orders, make({{"id", "with"}, {"due_shard", 3}, {"due_at", "2026"}, {"total", 1}}));
    put(orders, make({{"id", "half"}, {"due_shard", 3}}));
    put(orders, make({{"id", "without"}}));
    EXPECT_EQ(walk(due).size(), 1u);
    write_set moves;
    moves.update(orders, key_of("id", "with"), {set_to("due_at", "2027"), add_to("total", 1)});
    moves.update(orders, key_of("id", "half"), {set_to("due_at", "2026")});
    commit(std::move(moves));
    auto found = walk(due);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].text("id"), "half");
    EXPECT_EQ(found[1].integer("total"), 2);
    write_set leaves;
    leaves.update(orders, key_of("id", "with"), {removed("due_at")})
        .erase(orders, key_of("id", "half"));
    commit(std::move(leaves));
    EXPECT_TRUE(walk(due).empty());
}

TEST_P(key_value_contract, an_index_without_a_range_lists_every_item_of_its_hash) {
    for (int u = 0; u < 7; ++u)
        put(carts, make({{"user_id", "u" + std::to_string(u)}, {"product_id", "p"}, {"n", u}}));
    put(carts, make({{"user_id", "u0"}, {"product_id", "q"}}));
    std::set<std::string> users;
    for (const auto& each : walk({.table = &carts, .index = "by_product", .hash = "p", .limit = 2}))
        users.emplace(each.text("user_id"));
    EXPECT_EQ(users.size(), 7u);
}

TEST_P(key_value_contract, range_conditions_select_numbers_in_numeric_order) {
    using op = kv_query::op;
    for (const std::int64_t n : {INT64_MIN, std::int64_t{-10}, std::int64_t{-9}, std::int64_t{0},
                                 std::int64_t{2}, std::int64_t{10}, INT64_MAX})
        put(windows, make({{"product_id", "p"}, {"start", n}}));
    const auto where = [&](op is, attribute from = {}, attribute to = {}) {
        return starts({.table = &windows, .hash = "p", .range = is, .from = from, .to = to});
    };
    using list = std::vector<std::int64_t>;
    EXPECT_EQ(where(op::any), (list{INT64_MIN, -10, -9, 0, 2, 10, INT64_MAX}));
    EXPECT_EQ(where(op::equal, 2), (list{2}));
    EXPECT_EQ(where(op::less, 0), (list{INT64_MIN, -10, -9}));
    EXPECT_EQ(where(op::at_most, 0), (list{INT64_MIN, -10, -9, 0}));
    EXPECT_EQ(where(op::at_most, INT64_MAX), (list{INT64_MIN, -10, -9, 0, 2, 10, INT64_MAX}));
    EXPECT_EQ(where(op::greater, 2), (list{10, INT64_MAX}));
    EXPECT_EQ(where(op::greater, INT64_MAX), (list{}));
    EXPECT_EQ(where(op::less, INT64_MIN), (list{}));
    EXPECT_EQ(where(op::at_least, INT64_MAX), (list{INT64_MAX}));
    EXPECT_EQ(where(op::between, -9, 2), (list{-9, 0, 2}));
    EXPECT_EQ(where(op::between, 2, -9), (list{}));
}

TEST_P(key_value_contract, text_is_ordered_by_its_utf8_bytes) {
    using op = kv_query::op;
    const std::vector<std::string> sorted{
        "A", "Z", "a", "a#1", "a#2", "ab", "b", "\xc3\xa9", "\xf0\x9f\x9b\x92"};
    for (const auto& each : sorted) put(carts, make({{"user_id", "u"}, {"product_id", each}}));
    const auto where = [&](op is, attribute from = {}, attribute to = {}) {
        std::vector<std::string> out;
        for (const auto& each :
             walk({.table = &carts, .hash = "u", .range = is, .from = from, .to = to, .limit = 3}))
            out.emplace_back(each.text("product_id"));
        return out;
    };
    using list = std::vector<std::string>;
    EXPECT_EQ(where(op::any), sorted);
    EXPECT_EQ(where(op::begins_with, "a"), (list{"a", "a#1", "a#2", "ab"}));
    EXPECT_EQ(where(op::begins_with, "a#"), (list{"a#1", "a#2"}));
    EXPECT_EQ(where(op::begins_with, "\xf0\x9f\x9b\x92"), (list{"\xf0\x9f\x9b\x92"}));
    EXPECT_EQ(where(op::greater, "a"),
              (list{"a#1", "a#2", "ab", "b", "\xc3\xa9", "\xf0\x9f\x9b\x92"}));
    EXPECT_EQ(where(op::at_most, "a"), (list{"A", "Z", "a"}));
    EXPECT_EQ(where(op::less, "a"), (list{"A", "Z"}));
    EXPECT_EQ(where(op::between, "a#", "b"), (list{"a#1", "a#2", "ab", "b"}));
}

TEST_P(key_value_contract, a_query_that_cannot_be_answered_is_refused) {
    const auto code = [&](kv_query q) {
        const auto page = query(std::move(q));
        return page ? std::string("answered") : page.error().code;
    };
    EXPECT_EQ(code({.table = &windows, .index = "nothing", .hash = "p"}), "unknown_index");
    EXPECT_EQ(code({.table = &windows, .hash = "p", .limit = 0}), "page_limit");
    EXPECT_EQ(code({.table = &windows, .hash = ""}), "key_empty");
    EXPECT_EQ(code({.table = &windows, .hash = "p", .range = kv_query::op::begins_with, .from = 1}),
              "range_type");
    EXPECT_EQ(
        code(
            {.table = &windows, .hash = "p", .range = kv_query::op::between, .from = 1, .to = "2"}),
        "range_type");
}

TEST_P(key_value_contract, a_page_has_at_most_a_megabyte_and_the_next_goes_on_behind_it) {
    for (int i = 0; i < 6; ++i)
        put(windows,
            make({{"product_id", "big"}, {"start", i}, {"text", std::string(300'000, 'x')}}));
    const auto first = query({.table = &windows, .hash = "big"});
    ASSERT_TRUE(first);
    EXPECT_LT(first->items.size(), 6u);
    EXPECT_GE(first->items.size(), 1u);
    EXPECT_EQ(starts({.table = &windows, .hash = "big"}),
              (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
}

// Random items on a random model, walked page by page both ways.
TEST_P(key_value_contract, walking_pages_in_either_direction_equals_a_model) {
    const auto seed = test_seed();
    SCOPED_TRACE("STOA_TEST_SEED=" + std::to_string(seed));
    seeded_random random(seed);
    std::map<std::string, item> model;
    for (int round = 0; round < 300; ++round) {
        const auto id = "o" + std::to_string(random.between(0, 80));
        write_set w;
        if (random.below(5) == 0) {
            w.erase(orders, key_of("id", id));
            model.erase(id);
        } else {
            auto made = make({{"id", id}});
            if (random.below(6) != 0)
                made.set("user_id", "u" + std::to_string(random.between(0, 2)));
            if (random.below(6) != 0)
                made.set("created_at", "t" + std::to_string(random.between(0, 6)));
            w.put(orders, made);
            model[id] = made;
        }
        commit(std::move(w));
    }
    for (int u = 0; u < 3; ++u) {
        const auto user = "u" + std::to_string(u);
        std::set<std::pair<std::string, std::string>> expected;
        for (const auto& [id, each] : model)
            if (each.text("user_id") == user && each.find("created_at"))
                expected.emplace(each.text("created_at"), id);
        for (const bool forwards : {true, false}) {
            const auto found = walk({.table = &orders,
                                     .index = "by_user",
                                     .hash = user,
                                     .forwards = forwards,
                                     .limit = static_cast<int>(random.between(1, 7))});
            std::set<std::pair<std::string, std::string>> seen;
            std::vector<std::string> times;
            for (const auto& each : found) {
                EXPECT_TRUE(seen.emplace(each.text("created_at"), each.text("id")).second)
                    << "twice";
                times.emplace_back(each.text("created_at"));
            }
            EXPECT_EQ(seen, expected);
            if (!forwards) std::ranges::reverse(times);
            EXPECT_TRUE(std::ranges::is_sorted(times));
        }
    }
    std::set<std::string> scanned;
    std::optional<item> after;
    do {
        const auto page = run([&]() -> task<result<kv_page>> {
            co_return co_await store_->items().scan(orders, after, 7);
        });
        ASSERT_TRUE(page);
        for (const auto& each : page->items) EXPECT_TRUE(scanned.emplace(each.text("id")).second);
        after = page->next;
    } while (after);
    EXPECT_EQ(scanned.size(), model.size());
}

TEST_P(key_value_contract, of_100_buyers_at_once_exactly_as_many_succeed_as_there_is_stock) {
    put(stock, make({{"id", "last"}, {"on_hand", 37}}));
    int sold = 0, refusals = 0;
    for (int i = 0; i < 100; ++i)
        loop_.spawn([&, i]() -> task<> {
            write_set w;
            w.update(stock, key_of("id", "last"), {add_to("on_hand", -1)},
                     {{"on_hand", condition::op::at_least, 1}});
            w.put(stock, make({{"id", "sale" + std::to_string(i)}}), {absent("id")});
            const auto done = co_await store_->items().write(std::move(w));
            if (!done) throw std::runtime_error(done.error().detail);
            (done->committed() ? sold : refusals)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return sold + refusals == 100; }));
    EXPECT_EQ(sold, 37);
    EXPECT_EQ(get(stock, key_of("id", "last"))->integer("on_hand"), 0);
    int records = 0;
    for (int i = 0; i < 100; ++i)
        records += get(stock, key_of("id", "sale" + std::to_string(i))).has_value();
    EXPECT_EQ(records, 37);
}

TEST_P(key_value_contract, a_receipt_makes_the_effect_happen_once) {
    const delivery what{.group = "g",
                        .partition = 0,
                        .offset = 0,
                        .message = {.topic = "contract", .key = "k", .id = "e1", .type = "t"}};
    const auto apply = [&](std::vector<condition> conditions) {
        write_set w;
        w.receive(what).update(stock, key_of("id", "n"), {add_to("n", 1)}, std::move(conditions));
        const auto done = write(std::move(w));
        EXPECT_TRUE(done);
        return done->what;
    };
    using is = write_outcome::is;
    // A failed condition leaves no receipt.
    EXPECT_EQ(apply({exists("n")}), is::condition_failed);
    EXPECT_EQ(apply({}), is::committed);
    EXPECT_EQ(apply({}), is::received_before);
    // The receipt is looked at before the conditions.
    EXPECT_EQ(apply({equals("n", 99)}), is::received_before);
    store_->restart();
    EXPECT_EQ(apply({}), is::received_before);
    EXPECT_EQ(get(stock, key_of("id", "n"))->integer("n"), 1);
}

TEST_P(key_value_contract, an_event_is_published_exactly_if_the_transaction_commits) {
    const auto publish = [&](std::vector<condition> conditions, const char* id) {
        write_set w;
        w.put(stock, make({{"id", id}}), std::move(conditions));
        w.publish({.topic = "contract", .key = "k", .id = id, .type = "t", .payload = "{}"});
        return write(std::move(w));
    };
    EXPECT_TRUE(publish({exists("id")}, "no")->what == write_outcome::is::condition_failed);
    EXPECT_TRUE(publish({}, "yes")->committed());
    write_set unknown;
    unknown.put(stock, make({{"id", "x"}}))
        .publish({.topic = "nowhere", .key = "k", .id = "x", .type = "t"});
    EXPECT_EQ(refused(std::move(unknown)), "unknown_topic");
    EXPECT_EQ(get(stock, key_of("id", "x")), std::nullopt);
    const auto events = run([&]() -> task<result<std::vector<delivery>>> {
        co_return co_await store_->log().read("contract", partition_of("k", 4), 0, 10);
    });
    ASSERT_TRUE(events);
    ASSERT_EQ(events->size(), 1u);
    EXPECT_EQ(events->front().message.id, "yes");
}

INSTANTIATE_TEST_SUITE_P(engines, key_value_contract, ::testing::ValuesIn(key_value_engines()),
                         engine_name);

}  // namespace
}  // namespace stoa::testing
