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

// --- many rows of arguments
// ---------------------------------------------------------------------------------------------

struct shelf {
    std::string id;
    std::int64_t on_hand = 0;
    friend auto operator<=>(const shelf&, const shelf&) = default;
};
BOOST_DESCRIBE_STRUCT(shelf, (), (id, on_hand))

constexpr list_statement insert_shelves{
    .one = "INSERT INTO stock (id, on_hand) VALUES (?1, ?2)",
    .all = "INSERT INTO stock (id, on_hand) SELECT * FROM unnest($1::TEXT[], $2::BIGINT[])"};
constexpr list_statement fill_shelves{
    .one = "UPDATE stock SET on_hand = on_hand + ?2 WHERE id = ?1",
    .all =
        "UPDATE stock SET on_hand = on_hand + k.n "
        "FROM unnest($1::TEXT[], $2::BIGINT[]) AS k(id, n) WHERE stock.id = k.id"};
constexpr list_statement lock_shelves{
    .one = "SELECT id, on_hand FROM stock WHERE id = ?1",
    .all =
        "SELECT f.* FROM unnest($1::TEXT[]) AS k(id) CROSS JOIN LATERAL "
        "(SELECT id, on_hand FROM stock WHERE id = k.id FOR UPDATE) AS f"};

std::vector<argument_row> shelves(const std::vector<shelf>& from) {
    std::vector<argument_row> out;
    for (const auto& each : from) out.push_back({to_cell(each.id), to_cell(each.on_hand)});
    return out;
}
std::vector<argument_row> ids_of(const std::vector<shelf>& from) {
    std::vector<argument_row> out;
    for (const auto& each : from) out.push_back({to_cell(each.id)});
    return out;
}

TEST_P(sql_contract, a_statement_for_many_rows_does_what_one_for_each_does) {
    std::vector<shelf> some{{"", 0}, {"a'\"{},\\\xc3\xa9", 7}, {"NULL", INT64_MAX - 5}};
    for (int i = 0; i < 300; ++i) some.push_back({"p" + std::to_string(i), i});
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, some.size()}) {
        std::vector<shelf> these(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
        const auto found = commit([&these](transaction& t) -> result<std::vector<shelf>> {
            t.execute("DELETE FROM stock");
            t.send_all(insert_shelves, shelves(these));
            auto more = these;
            for (auto& each : more) each.on_hand = 5;
            t.send_all(fill_shelves, shelves(more));
            auto asked = these;
            asked.push_back({"nowhere", 0});
            // Two questions at once, as of ask_first().
            auto first = t.ask_all<shelf>(lock_shelves, ids_of(asked));
            auto again = t.ask_all<shelf>(lock_shelves, ids_of(asked));
            auto out = first.get();
            if (again.get() != out) return fail(errc::internal, "not_the_same");
            return out;
        });
        ASSERT_TRUE(found) << found.error().code << ": " << found.error().detail;
        auto sorted = *found, wanted = these;
        for (auto& each : wanted) each.on_hand += 5;
        std::ranges::sort(sorted);
        std::ranges::sort(wanted);
        EXPECT_EQ(sorted, wanted);
    }
}

TEST_P(sql_contract, a_row_of_many_that_breaks_a_constraint_takes_all_with_it) {
    for (const std::vector<shelf>& rows :
         {std::vector<shelf>{{"a", 1}, {"b", -1}}, std::vector<shelf>{{"a", 1}, {"a", 2}},
          std::vector<shelf>{{"b", -1}}}) {
        const auto kept = commit([&rows](transaction& t) -> result<int> {
            t.execute("INSERT INTO sales (id, n) VALUES (1, 1)");
            t.send_all(insert_shelves, shelves(rows));
            return 0;
        });
        ASSERT_FALSE(kept);
        EXPECT_EQ(kept.error().kind, errc::conflict);
        EXPECT_EQ(kept.error().code, "constraint");
        EXPECT_EQ(count("SELECT count(*) FROM sales"), 0);
        EXPECT_EQ(count("SELECT count(*) FROM stock"), 0);
    }
}

TEST_P(sql_contract, rows_of_arguments_that_are_not_alike_are_refused) {
    using rows = std::vector<argument_row>;
    const cell text{std::string_view("a")}, number{std::int64_t{1}}, nothing;
    for (const rows& each :
         {rows{{text, nothing}}, rows{{text, number}, {text}}, rows{{text, number}, {text, text}},
          rows{{text, number}, {text, nothing}}}) {
        const auto kept = commit([&each](transaction& t) -> result<int> {
            t.send_all(insert_shelves, each);
            return 0;
        });
        ASSERT_FALSE(kept);
        EXPECT_EQ(kept.error().kind, errc::internal);
        EXPECT_EQ(kept.error().code, "statement_refused");
    }
    EXPECT_EQ(count("SELECT count(*) FROM stock"), 0);
}

// Each takes one of every shelf; all lock them in one order, so that none is in another's way.
TEST_P(sql_contract, rows_locked_by_a_list_stay_as_they_were_seen) {
    std::vector<shelf> all;
    for (int i = 0; i < 20; ++i) all.push_back({"p" + std::to_string(i), 30});
    ASSERT_TRUE(commit([&all](transaction& t) -> result<int> {
        t.send_all(insert_shelves, shelves(all));
        return 0;
    }));
    int sold = 0, refused = 0;
    for (int i = 0; i < 50; ++i)
        loop_.spawn([&]() -> task<> {
            const auto done =
                co_await store_->database().commit([&all](transaction& t) -> result<int> {
                    auto seen = t.ask_all<shelf>(lock_shelves, ids_of(all)).get();
                    for (auto& each : seen) {
                        if (each.on_hand == 0) return fail(errc::conflict, "out_of_stock");
                        each.on_hand = -1;
                    }
                    t.send_all(fill_shelves, shelves(seen));
                    return 0;
                });
            if (!done && done.error().code != "out_of_stock")
                throw std::runtime_error(done.error().detail);
            (done ? sold : refused)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return sold + refused == 50; }));
    EXPECT_EQ(sold, 30);
    EXPECT_EQ(count("SELECT sum(on_hand) FROM stock"), 0);
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
