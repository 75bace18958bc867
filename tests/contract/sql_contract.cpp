// What every engine of the sql port keeps.
#include "contract/engine.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace stoa::testing {
namespace {

enum class colour : std::uint8_t { red, green };
BOOST_DESCRIBE_ENUM(colour, red, green)
struct thing {
    std::string id;
    std::int64_t n = 0;
    bool yes = false;
    money price;
    currency_code currency;
    colour shade{};
    timestamp at;
    std::optional<std::string> note;
    std::vector<std::int64_t> list;
    friend bool operator==(const thing&, const thing&) = default;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, n, yes, price, currency, shade, at, note, list))

class sql_contract : public on_engine {
 protected:
    void SetUp() override {
        start({{},
               {{.name = "contract"}},
               {"CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER NOT NULL, yes INTEGER NOT "
                "NULL, price "
                "BIGINT NOT NULL, currency TEXT NOT NULL, shade TEXT NOT NULL, at TEXT NOT NULL, "
                "note TEXT, "
                "list TEXT NOT NULL)",
                "CREATE TABLE stock (id TEXT PRIMARY KEY, on_hand INTEGER NOT NULL CHECK (on_hand "
                ">= 0));"
                "CREATE TABLE sales (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"}});
    }
    template <class Work>
    auto commit(Work work) {
        return run([&]() -> task<std::invoke_result_t<Work&, transaction&>> {
            co_return co_await store_->database().commit(work);
        });
    }
    template <class Work>
    auto read(Work work) {
        return run([&]() -> task<std::invoke_result_t<Work&, transaction&>> {
            co_return co_await store_->database().read(work);
        });
    }
    std::int64_t count(const char* sql) {
        const auto n = read(
            [=](transaction& t) -> result<std::int64_t> { return t.number(sql).value_or(-1); });
        EXPECT_TRUE(n) << n.error().detail;
        return n.value_or(-1);
    }
    std::vector<delivery> events() {
        std::vector<delivery> out;
        for (int p = 0; p < 4; ++p) {
            auto found = run([&]() -> task<result<std::vector<delivery>>> {
                co_return co_await store_->log().read("contract", p, 0, 1000);
            });
            EXPECT_TRUE(found);
            for (auto& each : *found) out.push_back(std::move(each));
        }
        return out;
    }
};

constexpr auto insert_thing =
    "INSERT INTO things (id, n, yes, price, currency, shade, at, note, list) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

TEST_P(sql_contract, a_record_comes_back_as_it_was_written) {
    const auto eur = *read_currency("EUR");
    const thing whole{
        std::string("a'\"\xc3\xa9"), INT64_MIN, true,  {1999, eur}, eur, colour::green,
        {1'790'000'000'123'456},     {},        {1, 2}};
    const auto kept = commit([=](transaction& t) -> result<std::int64_t> {
        return t.execute(insert_thing, whole.id, whole.n, whole.yes, whole.price, whole.currency,
                         whole.shade, whole.at, whole.note, "[1,2]");
    });
    ASSERT_TRUE(kept) << kept.error().detail;
    EXPECT_EQ(*kept, 1);
    const auto found = read([=](transaction& t) -> result<std::optional<thing>> {
        return t.first<thing>("SELECT * FROM things WHERE id = ?1", whole.id);
    });
    ASSERT_TRUE(found) << found.error().detail;
    ASSERT_TRUE(*found);
    EXPECT_EQ(**found, whole);
}

TEST_P(sql_contract, a_read_sees_everything_whose_commit_has_completed) {
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(commit([i](transaction& t) -> result<std::int64_t> {
            return t.execute("INSERT INTO sales (id, n) VALUES (?1, 1)", i);
        }));
        ASSERT_EQ(count("SELECT count(*) FROM sales"), i + 1);
    }
}

TEST_P(sql_contract, an_error_rolls_everything_back_and_is_handed_on) {
    const auto kept = commit([](transaction& t) -> result<int> {
        t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
        t.publish({.topic = "contract", .key = "k", .id = "e", .type = "t", .payload = "{}"});
        return fail(errc::conflict, "my_rule", "because");
    });
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().kind, errc::conflict);
    EXPECT_EQ(kept.error().code, "my_rule");
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 0);
    EXPECT_TRUE(events().empty());
}

TEST_P(sql_contract, a_broken_constraint_is_a_conflict_and_keeps_nothing_of_the_transaction) {
    const auto kept = commit([](transaction& t) -> result<int> {
        t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
        t.execute("INSERT INTO stock (id, on_hand) VALUES ('a', -1)");
        return 0;
    });
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().kind, errc::conflict);
    EXPECT_EQ(kept.error().code, "constraint");
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 0);
}

TEST_P(sql_contract, on_conflict_do_nothing_changes_no_row) {
    const auto twice = [](transaction& t) -> result<std::int64_t> {
        return t.execute("INSERT INTO sales (id, n) VALUES (1, 1) ON CONFLICT DO NOTHING");
    };
    EXPECT_EQ(commit(twice).value(), 1);
    EXPECT_EQ(commit(twice).value(), 0);
}

TEST_P(sql_contract, a_wrong_statement_is_an_internal_error_and_later_ones_work) {
    const auto kept =
        commit([](transaction& t) -> result<std::int64_t> { return t.execute("SELEC 1"); });
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().kind, errc::internal);
    EXPECT_TRUE(commit([](transaction& t) -> result<std::int64_t> {
        return t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
    }));
}

TEST_P(sql_contract, a_row_that_does_not_fit_its_record_is_an_error_not_a_default) {
    ASSERT_TRUE(commit([](transaction& t) -> result<std::int64_t> {
        return t.execute(insert_thing, "x", 1, true, 5, "EUR", "mauve", "2026-11-21T00:00:00Z", "n",
                         "[]");
    }));
    const auto found = read([](transaction& t) -> result<std::vector<thing>> {
        return t.query<thing>("SELECT * FROM things");
    });
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, "row_ill_formed");
}

TEST_P(sql_contract, a_reading_transaction_cannot_write) {
    EXPECT_FALSE(read([](transaction& t) -> result<std::int64_t> {
        return t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
    }));
    EXPECT_FALSE(read([](transaction& t) -> result<int> {
        t.publish({.topic = "contract", .key = "k", .id = "e", .type = "t", .payload = "{}"});
        return 0;
    }));
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 0);
}

TEST_P(sql_contract, of_100_buyers_at_once_exactly_as_many_succeed_as_there_is_stock) {
    ASSERT_TRUE(commit([](transaction& t) -> result<std::int64_t> {
        return t.execute("INSERT INTO stock (id, on_hand) VALUES ('last', 41)");
    }));
    int sold = 0, refused = 0;
    for (int i = 0; i < 100; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto buy = [i](transaction& t) -> result<int> {
                t.execute("INSERT INTO sales (id, n) VALUES (?1, 1)", i);
                if (t.execute("UPDATE stock SET on_hand = on_hand - 1 WHERE id = 'last' AND "
                              "on_hand >= 1") == 0)
                    return fail(errc::conflict, "out_of_stock");
                t.publish({.topic = "contract",
                           .key = "last",
                           .id = std::to_string(i),
                           .type = "sold",
                           .payload = "{}"});
                return 0;
            };
            const auto done = co_await store_->database().commit(std::move(buy));
            if (!done && done.error().code != "out_of_stock")
                throw std::runtime_error(done.error().detail);
            (done ? sold : refused)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return sold + refused == 100; }));
    EXPECT_EQ(sold, 41);
    EXPECT_EQ(count("SELECT on_hand FROM stock"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 41);
    const auto published = events();
    ASSERT_EQ(published.size(), 41u);
    for (std::size_t i = 0; i < published.size(); ++i)
        EXPECT_EQ(published[i].offset, static_cast<std::int64_t>(i))
            << "a rolled back sale left a gap";
}

TEST_P(sql_contract, commits_survive_a_restart_and_offsets_go_on) {
    const auto publish = [this](const char* id) {
        return commit([id](transaction& t) -> result<int> {
            t.execute("INSERT INTO sales (id, n) SELECT COUNT(*) + 1, 1 FROM sales");
            t.publish({.topic = "contract", .key = "k", .id = id, .type = "t", .payload = "{}"});
            return 0;
        });
    };
    ASSERT_TRUE(publish("e1"));
    store_->restart();
    ASSERT_TRUE(publish("e2"));
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 2);
    const auto published = events();
    ASSERT_EQ(published.size(), 2u);
    EXPECT_EQ(published[0].offset, 0);
    EXPECT_EQ(published[1].offset, 1);
}

TEST_P(sql_contract, a_delivery_is_received_once_with_its_effect) {
    const delivery what{
        .group = "g", .offset = 0, .message = {.topic = "contract", .key = "k", .id = "e1"}};
    const auto apply = [what](transaction& t) -> result<bool> {
        if (!t.receive(what)) return false;
        t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
        return true;
    };
    const auto failing = [&](transaction& t) -> result<bool> {
        (void)apply(t);
        return fail(errc::unavailable, "later");
    };
    EXPECT_FALSE(commit(failing));
    EXPECT_EQ(commit(apply).value(), true);
    EXPECT_EQ(commit(apply).value(), false);
    store_->restart();
    EXPECT_EQ(commit(apply).value(), false);
    auto other = what;
    other.group = "another";
    EXPECT_EQ(commit([other](transaction& t) -> result<bool> { return t.receive(other); }).value(),
              true);
    EXPECT_EQ(count("SELECT count(*) FROM sales"), 1);
}

TEST_P(sql_contract, threads_of_their_own_loops_commit_and_read_side_by_side) {
    constexpr int threads = 3, each = 60;
    std::atomic<int> wrong{0};
    std::array<test_loop, threads> loops;  // they outlive what the engine still posts to them
    std::vector<std::jthread> running;
    for (int n = 0; n < threads; ++n)
        running.emplace_back([&, n] {
            auto& mine = loops[static_cast<std::size_t>(n)];
            int done = 0;
            for (int i = 0; i < each; ++i)
                mine.spawn([&, i]() -> task<> {
                    const auto id = n * each + i;
                    auto write = [id](transaction& t) -> result<std::int64_t> {
                        return t.execute("INSERT INTO sales (id, n) VALUES (?1, ?1)", id);
                    };
                    const auto kept = co_await store_->database().commit(std::move(write));
                    auto look = [id](transaction& t) -> result<std::int64_t> {
                        return t.number("SELECT n FROM sales WHERE id = ?1", id).value_or(-1);
                    };
                    const auto seen = co_await store_->database().read(std::move(look));
                    if (!kept || !seen || *seen != id) ++wrong;
                    ++done;
                });
            if (!mine.run_until([&] { return done == each; })) ++wrong;
        });
    running.clear();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(count("SELECT count(*) FROM sales"), threads * each);
}

INSTANTIATE_TEST_SUITE_P(engines, sql_contract, ::testing::ValuesIn(sql_engines()), engine_name);

}  // namespace
}  // namespace stoa::testing
