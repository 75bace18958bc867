// PostgreSQL when something is in the way: lost connections, conflicts, wrong settings, other
// versions of the schema.
#include "engines/cutting_proxy.hpp"
#include "engines/postgres_under_test.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <fstream>

namespace stoa::testing {
namespace {

constexpr kv_table things{.name = "test-things", .hash = "id"};

sql_component counters_schema() {
    return {"test",
            {{"0001_counters", "CREATE TABLE counters (id TEXT PRIMARY KEY, n INTEGER NOT NULL)"}}};
}

class postgres_faults : public ::testing::Test {
 protected:
    postgres_options options() const {
        return {.server = database_.address(),
                .migrations = {counters_schema()},
                .tables = {&things},
                .topics = {"test"},
                .connections = 8};
    }
    std::unique_ptr<postgres_store> open(const postgres_options& how) {
        auto made = postgres_store::open(how, time_);
        if (!made) throw std::runtime_error(made.error().code + ": " + made.error().detail);
        return *std::move(made);
    }
    error why_not(const postgres_options& how) {
        auto made = postgres_store::open(how, time_);
        return made ? error{.code = "opened"} : made.error();
    }
    static int server_port() {
        const auto at = postgres_database::host_and_port();
        return std::stoi(at.substr(at.find(':') + 1));
    }
    std::string url_by(const cutting_proxy& proxy) const {
        return "postgresql://app@127.0.0.1:" + std::to_string(proxy.port()) + "/" +
               database_.name() + "?sslmode=disable";
    }
    template <class Work>
    auto commit(postgres_store& on, Work work) {
        return loop_.run([&] { return on.database().commit(work); });
    }
    std::int64_t number(postgres_store& on, const char* sql) {
        const auto got = loop_.run([&] {
            return on.database().read(
                [=](transaction& t) -> result<std::int64_t> { return t.number(sql).value_or(-1); });
        });
        EXPECT_TRUE(got) << got.error().detail;
        return got.value_or(-1);
    }
    static result<std::int64_t> add_row(transaction& t, const char* id) {
        return t.execute("INSERT INTO counters (id, n) VALUES (?1, 0)", id);
    }
    void end_other_connections() const {
        postgres_database::as_owner(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
            database_.name() + "'");
    }

    postgres_database database_;
    manual_clock time_;
    test_loop loop_;
};

// --- connections
// -------------------------------------------------------------------------------------------

TEST_F(postgres_faults, a_transaction_whose_connection_ends_runs_again_and_happens_once) {
    const auto store = open(options());
    std::atomic<int> runs{0};
    const auto done = commit(*store, [&runs, this](transaction& t) -> result<int> {
        t.execute("INSERT INTO counters (id, n) VALUES ('a', 0)");
        if (++runs == 1) end_other_connections();
        t.execute("UPDATE counters SET n = n + 1 WHERE id = 'a'");
        return 0;
    });
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(number(*store, "SELECT n FROM counters WHERE id = 'a'"), 1);
}

TEST_F(postgres_faults, a_transaction_that_must_not_run_twice_says_that_it_may_be_sent_again) {
    const auto store = open(options());
    const auto done = commit(*store, [this, runs = 0](transaction& t) mutable -> result<int> {
        t.execute("INSERT INTO counters (id, n) VALUES ('a', 0)");
        if (++runs == 1) end_other_connections();
        t.execute("UPDATE counters SET n = n + 1 WHERE id = 'a'");
        return 0;
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, errc::unavailable);
    EXPECT_EQ(done.error().code, "database_unavailable");
    EXPECT_GT(done.error().retry_after_s, 0);
    EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), 0);
}

TEST_F(postgres_faults, a_pool_whose_connections_all_ended_serves_the_next_request) {
    const auto store = open(options());
    for (int round = 0; round < 3; ++round) {
        end_other_connections();
        EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), round);
        end_other_connections();
        const auto id = "r" + std::to_string(round);
        const auto kept = commit(*store, [id](transaction& t) { return add_row(t, id.c_str()); });
        EXPECT_TRUE(kept) << kept.error().detail;
        end_other_connections();
        write_set in;
        in.put(things, key_of("id", id));
        const auto written = loop_.run([&] { return store->items().write(in); });
        ASSERT_TRUE(written) << written.error().detail;
        end_other_connections();
        const auto found = loop_.run([&] { return store->items().get(things, key_of("id", id)); });
        ASSERT_TRUE(found) << found.error().detail;
        EXPECT_TRUE(*found);
    }
}

TEST_F(postgres_faults, a_commit_whose_answer_is_lost_is_unknown_and_is_not_repeated) {
    cutting_proxy proxy(server_port());
    auto how = options();
    how.server.url = url_by(proxy);
    const auto store = open(how);
    std::atomic<int> runs{0};
    const auto done = commit(*store, [&](transaction& t) -> result<int> {
        ++runs;
        t.execute("INSERT INTO counters (id, n) VALUES ('a', 0)");
        proxy.swallow_next_answer();
        return 0;
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, errc::unavailable);
    EXPECT_EQ(done.error().code, "outcome_unknown");
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(store->counters().unknown_outcomes, 1u);
    // The server did commit: that is why a retry needs a key, a receipt or a condition.
    EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), 1);

    write_set in;
    in.put(things, key_of("id", "x"), {absent("id")});
    const auto first = loop_.run([&] { return store->items().write(in); });
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->committed());
}

TEST_F(postgres_faults, an_outage_is_answered_at_once_and_ends_without_help) {
    cutting_proxy proxy(server_port());
    auto how = options();
    how.server.url = url_by(proxy);
    const auto store = open(how);
    ASSERT_TRUE(loop_.run([&] { return store->probe(); }));
    proxy.refuse();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) {
        const auto away = commit(*store, [](transaction& t) { return add_row(t, "lost"); });
        ASSERT_FALSE(away);
        EXPECT_EQ(away.error().kind, errc::unavailable) << away.error().code;
        EXPECT_GT(away.error().retry_after_s, 0);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
    EXPECT_TRUE(store->counters().away);
    proxy.accept();
    const auto back = [&] { return loop_.run([&] { return store->probe(); }).has_value(); };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    bool serves = false;
    while (!serves && std::chrono::steady_clock::now() < until) serves = back();
    EXPECT_TRUE(serves);
    EXPECT_FALSE(store->counters().away);
    EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), 0);
}

TEST_F(postgres_faults, a_store_may_start_before_its_server) {
    cutting_proxy proxy(server_port());
    proxy.refuse();
    auto how = options();
    how.server.url = url_by(proxy);
    EXPECT_EQ(why_not(how).code, "postgres_unreachable");
    EXPECT_EQ(why_not(how).kind, errc::unavailable);
    how.may_be_away = true;
    const auto store = open(how);
    EXPECT_FALSE(loop_.run([&] { return store->probe(); }));
    proxy.accept();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!loop_.run([&] { return store->probe(); }))
        ASSERT_LT(std::chrono::steady_clock::now(), until);
    // The schema was made by the first connection that stood.
    EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), 0);
}

// --- conflicts
// ---------------------------------------------------------------------------------------------

TEST_F(postgres_faults, two_that_wait_for_each_other_both_end) {
    const auto store = open(options());
    ASSERT_TRUE(commit(*store, [](transaction& t) -> result<int> {
        (void)add_row(t, "a");
        (void)add_row(t, "b");
        return 0;
    }));
    std::barrier both(2);
    std::atomic<int> runs{0};
    int done = 0;
    for (const bool forwards : {true, false})
        loop_.spawn([&, forwards]() -> task<> {
            auto work = [&, forwards](transaction& t) -> result<int> {
                const char* sql = "UPDATE counters SET n = n + 1 WHERE id = ?1";
                const int run = ++runs;
                t.execute(sql, forwards ? "a" : "b");
                if (run <= 2) both.arrive_and_wait();
                t.execute(sql, forwards ? "b" : "a");
                return 0;
            };
            const auto kept = co_await store->database().commit(std::move(work));
            EXPECT_TRUE(kept) << kept.error().detail;
            ++done;
        });
    ASSERT_TRUE(loop_.run_until([&] { return done == 2; }));
    EXPECT_EQ(runs, 3);
    EXPECT_EQ(number(*store, "SELECT SUM(n) FROM counters"), 4);
    EXPECT_GE(store->counters().conflicts, 1u);
}

TEST_F(postgres_faults, who_looked_before_another_inserted_looks_again) {
    const auto store = open(options());
    std::barrier both(2);
    std::atomic<int> runs{0};
    int made = 0, found = 0;
    for (int i = 0; i < 2; ++i)
        loop_.spawn([&]() -> task<> {
            auto work = [&](transaction& t) -> result<bool> {
                const bool there = t.number("SELECT 1 FROM counters WHERE id = 'a'").has_value();
                if (++runs <= 2) both.arrive_and_wait();
                if (!there) (void)add_row(t, "a");
                return there;
            };
            const auto kept = co_await store->database().commit(std::move(work));
            EXPECT_TRUE(kept) << kept.error().detail;
            (kept.value_or(false) ? found : made)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return made + found == 2; }));
    EXPECT_EQ(made, 1);
    EXPECT_EQ(found, 1);
    EXPECT_EQ(runs, 3);
}

TEST_F(postgres_faults, what_a_transaction_has_read_stays_so_until_its_end) {
    const auto here = open(options()), there = open(options());
    ASSERT_TRUE(commit(*here, [](transaction& t) { return add_row(t, "a"); }));
    int done = 0;
    constexpr int rounds = 60;
    for (int i = 0; i < rounds; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto& store = i % 2 == 0 ? *here : *there;
            auto work = [](transaction& t) -> result<std::int64_t> {
                const auto n = t.number("SELECT n FROM counters WHERE id = 'a'").value_or(0);
                return t.execute("UPDATE counters SET n = ?1 WHERE id = 'a'", n + 1);
            };
            const auto kept = co_await store.database().commit(std::move(work));
            EXPECT_TRUE(kept) << kept.error().detail;
            ++done;
        });
    ASSERT_TRUE(loop_.run_until([&] { return done == rounds; }));
    EXPECT_EQ(number(*here, "SELECT n FROM counters WHERE id = 'a'"), rounds);
}

TEST_F(postgres_faults, of_many_who_want_a_new_key_from_two_processes_one_gets_it) {
    const auto here = open(options()), there = open(options());
    constexpr int keys = 20, each = 10;
    int committed = 0, refused = 0;
    for (int i = 0; i < keys * each; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto& store = i % 2 == 0 ? *here : *there;
            write_set in;
            in.put(things, key_of("id", "k" + std::to_string((i / 2) % keys)), {absent("id")});
            const auto done = co_await store.items().write(std::move(in));
            EXPECT_TRUE(done) << done.error().detail;
            (done && done->committed() ? committed : refused)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return committed + refused == keys * each; }));
    EXPECT_EQ(committed, keys);
}

// Each rests on the other's absence: at most one of the two may happen.
TEST_F(postgres_faults, an_absence_that_a_transaction_rests_on_lasts_until_its_end) {
    const auto here = open(options()), there = open(options());
    int both = 0, rounds = 0;
    for (int round = 0; round < 40; ++round) {
        const auto a = "a" + std::to_string(round), b = "b" + std::to_string(round);
        int done = 0, committed = 0;
        for (const bool first : {true, false})
            loop_.spawn([&, first]() -> task<> {
                write_set in;
                in.check(things, key_of("id", first ? a : b), {absent("id")});
                in.put(things, key_of("id", first ? b : a));
                const auto out = co_await (first ? here : there)->items().write(std::move(in));
                EXPECT_TRUE(out) << out.error().detail;
                committed += out && out->committed() ? 1 : 0;
                ++done;
            });
        ASSERT_TRUE(loop_.run_until([&] { return done == 2; }));
        both += committed == 2 ? 1 : 0;
        rounds += committed > 0 ? 1 : 0;
    }
    EXPECT_EQ(both, 0);
    EXPECT_EQ(rounds, 40);
    // The rows that stood for an absence are gone.
    EXPECT_EQ(number(*here, "SELECT count(*) FROM \"kv_test-things\""), 40);
}

TEST_F(postgres_faults, a_write_that_cannot_be_stored_takes_no_other_with_it) {
    const auto store = open(options());
    int good = 0, bad = 0;
    seeded_random random(7);
    for (int i = 0; i < 30; ++i)
        loop_.spawn([&, i]() -> task<> {
            write_set in;
            std::string id = "k" + std::to_string(i);
            // No key of an index may be so long; it is not compressible either.
            while (i == 11 && id.size() < 9'000) id += std::to_string(random.next());
            in.put(things, key_of("id", id));
            const auto done = co_await store->items().write(std::move(in));
            if (i == 11) {
                EXPECT_FALSE(done);
                EXPECT_EQ(done.error().kind, errc::invalid) << done.error().detail;
            }
            (done ? good : bad)++;
        });
    ASSERT_TRUE(loop_.run_until([&] { return good + bad == 30; }));
    EXPECT_EQ(good, 29);
}

TEST_F(postgres_faults, text_that_cannot_be_stored_is_the_callers_fault) {
    const auto store = open(options());
    for (const auto& id : {std::string("a\0b", 3), std::string("\xff")}) {
        const auto kept = commit(*store, [id](transaction& t) -> result<std::int64_t> {
            return t.execute("INSERT INTO counters (id, n) VALUES (?1, 0)", id);
        });
        ASSERT_FALSE(kept);
        EXPECT_EQ(kept.error().kind, errc::invalid) << kept.error().detail;
    }
    EXPECT_EQ(number(*store, "SELECT count(*) FROM counters"), 0);
}

// --- settings
// ---------------------------------------------------------------------------------------------

TEST_F(postgres_faults, a_wrong_password_names_its_setting) {
    const auto role = database_.name() + "_role";
    postgres_database::as_owner("CREATE ROLE " + role + " LOGIN PASSWORD 'right'");
    auto how = options();
    const auto at = postgres_database::host_and_port();
    how.server.url = "postgresql://" + role + "@" + at + "/" + database_.name();
    for (const auto* password : {"wrong", ""}) {
        how.server.password = password;
        const auto why = why_not(how);
        EXPECT_EQ(why.code, "postgres_login_refused") << why.detail;
        EXPECT_NE(why.detail.find("DB_PASSWORD"), std::string::npos);
        EXPECT_EQ(why.detail.find("right"), std::string::npos);
    }
    how.server.password = "right";
    const auto why = why_not(how);
    EXPECT_EQ(why.code, "permission_denied") << why.detail;  // it may not make tables
    database_.script("GRANT ALL ON SCHEMA public TO " + role);
    EXPECT_EQ(why_not(how).code, "opened") << why_not(how).detail;
    database_.script("REASSIGN OWNED BY " + role + " TO app; DROP OWNED BY " + role);
    postgres_database::as_owner("DROP ROLE " + role);
}

TEST_F(postgres_faults, wrong_settings_say_which) {
    auto how = options();
    how.server.url = postgres_database::server() + "/no_such_database";
    EXPECT_EQ(why_not(how).code, "postgres_no_database") << why_not(how).detail;
    how.server.url = "postgresql://nobody@" + postgres_database::host_and_port() + "/postgres";
    EXPECT_EQ(why_not(how).code, "postgres_login_refused") << why_not(how).detail;
    how.server.url = "postgresql://app@127.0.0.1:1/postgres";
    EXPECT_EQ(why_not(how).code, "postgres_unreachable") << why_not(how).detail;
    how.server.url = "postgresql://app@127.0.0.1:not_a_port/postgres";
    EXPECT_EQ(why_not(how).code, "postgres_settings") << why_not(how).detail;
    how.server.url = database_.url() + "?sslmode=perhaps";
    EXPECT_EQ(why_not(how).code, "postgres_settings") << why_not(how).detail;
}

// Listens, and says the same to everybody.
class lying_server {
 public:
    explicit lying_server(std::string answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), size) != 0 ||
            ::listen(listener_, 8) != 0)
            throw std::runtime_error("cannot listen");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        thread_ = std::jthread([this](std::stop_token ended) {
            std::vector<int> clients;
            while (!ended.stop_requested()) {
                pollfd one{listener_, POLLIN, 0};
                if (::poll(&one, 1, 20) <= 0) continue;
                clients.push_back(::accept(listener_, nullptr, nullptr));
                ::send(clients.back(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
            }
            for (const int each : clients) ::close(each);
        });
    }
    ~lying_server() {
        thread_.request_stop();
        thread_.join();
        ::close(listener_);
    }
    std::string url() const {
        return "postgresql://app@127.0.0.1:" + std::to_string(port_) + "/postgres";
    }

 private:
    std::string answer_;
    int listener_ = -1, port_ = 0;
    std::jthread thread_;
};

TEST_F(postgres_faults, a_server_that_speaks_no_postgresql_is_told_apart) {
    auto how = options();
    how.server.connect_timeout = milliseconds(700);
    const lying_server web("HTTP/1.1 400 Bad Request\r\n\r\n");
    how.server.url = web.url();
    EXPECT_EQ(why_not(how).code, "postgres_not_spoken") << why_not(how).detail;
    how.server.url = web.url() + "?sslmode=disable";
    EXPECT_EQ(why_not(how).code, "postgres_not_spoken") << why_not(how).detail;
    const lying_server silent("");
    how.server.url = silent.url();
    EXPECT_EQ(why_not(how).code, "postgres_unreachable") << why_not(how).detail;
}

TEST_F(postgres_faults, tls_is_verified_by_authority_and_name) {
    const auto data = postgres_database::one_value(database_.address(), "SHOW data_directory");
    const auto authority = data.substr(0, data.rfind('/')) + "/tls/ca.crt";
    auto how = options();
    how.server.ssl_mode = "verify-full";
    how.server.ssl_root_cert = authority;
    const auto store = open(how);
    EXPECT_EQ(
        number(*store, "SELECT COUNT(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"), 1);
    how.server.ssl_root_cert.clear();  // the system's
    EXPECT_EQ(why_not(how).code, "postgres_tls") << why_not(how).detail;
    const temporary_directory directory;
    how.server.ssl_root_cert = directory / "none.crt";
    EXPECT_EQ(why_not(how).code, "postgres_tls") << why_not(how).detail;
    // The certificate names localhost and 127.0.0.1.
    how.server.ssl_root_cert = authority;
    const auto at = postgres_database::host_and_port();
    how.server.url = "postgresql://app@shop.example" + at.substr(at.find(':')) + "/" +
                     database_.name() + "?hostaddr=127.0.0.1";
    EXPECT_EQ(why_not(how).code, "postgres_tls") << why_not(how).detail;
}

// --- versions of the schema
// -------------------------------------------------------------------------------

TEST_F(postgres_faults, a_step_for_another_engine_changes_nothing_and_serves_older_versions) {
    const auto now = options();
    auto newer = now;
    newer.migrations[0].steps.push_back({"0002_theirs", "-- only: sqlite\nDROP TABLE counters"});
    const auto old_one = open(now);
    EXPECT_TRUE(commit(*old_one, [](transaction& t) { return add_row(t, "old"); }));
    for (const auto& each : {newer, now, newer}) EXPECT_EQ(why_not(each).code, "opened");
    EXPECT_EQ(number(*old_one, "SELECT count(*) FROM counters"), 1);
}

TEST_F(postgres_faults, a_newer_schema_is_refused_unless_it_serves_this_version) {
    const auto now = options();
    auto newer = now, apart = now;
    newer.migrations[0].steps.push_back({"0002_more",
                                         "-- serves: 0001_counters\nALTER TABLE counters ADD "
                                         "COLUMN note TEXT NOT NULL DEFAULT ''"});
    apart.migrations[0].steps = newer.migrations[0].steps;
    apart.migrations[0].steps.push_back({"0003_other", "ALTER TABLE counters DROP COLUMN note"});
    const auto old_one = open(now);
    {
        const auto beside = open(newer);
        // N goes on beside N + 1, and starts beside it too.
        EXPECT_TRUE(commit(*old_one, [](transaction& t) { return add_row(t, "old"); }));
        EXPECT_TRUE(commit(*beside, [](transaction& t) { return add_row(t, "new"); }));
        EXPECT_EQ(number(*old_one, "SELECT count(*) FROM counters"), 2);
        EXPECT_EQ(why_not(now).code, "opened");
    }
    EXPECT_EQ(why_not(apart).code, "opened");
    const auto why = why_not(now);
    EXPECT_EQ(why.code, "migration_unknown");
    EXPECT_EQ(why.kind, errc::conflict);
    EXPECT_NE(why.detail.find("test/0003_other"), std::string::npos) << why.detail;
    auto changed = apart;
    changed.migrations[0].steps[1].text += " ";
    EXPECT_EQ(why_not(changed).code, "migration_changed");
}

TEST_F(postgres_faults, a_step_that_fails_leaves_nothing_of_itself) {
    auto how = options();
    how.migrations[0].steps.push_back(
        {"0002_bad", "CREATE TABLE halves (id TEXT PRIMARY KEY); SELEC 1"});
    const auto why = why_not(how);
    EXPECT_EQ(why.code, "migration_failed");
    EXPECT_NE(why.detail.find("test/0002_bad"), std::string::npos);
    const auto store = open(options());
    EXPECT_EQ(number(*store, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'halves'"), 0);
}

TEST_F(postgres_faults, without_the_right_to_migrate_a_missing_schema_is_named) {
    auto how = options();
    how.migrates = false;
    EXPECT_EQ(why_not(how).code, "schema_missing") << why_not(how).detail;
    (void)open(options());
    EXPECT_EQ(why_not(how).code, "opened") << why_not(how).detail;
    constexpr kv_table other{.name = "test-other", .hash = "id"};
    how.tables.push_back(&other);
    EXPECT_EQ(why_not(how).code, "schema_missing");
    how = options();
    how.migrations[0].steps.push_back({"0002_more", "CREATE TABLE more (id TEXT PRIMARY KEY)"});
    how.migrates = false;
    EXPECT_EQ(why_not(how).code, "schema_missing");
}

TEST_F(postgres_faults, a_table_keeps_its_key_and_gets_new_indexes) {
    const auto put = [&](postgres_store& on, const kv_table& table, int n) {
        item value = key_of("id", "k" + std::to_string(n));
        value.set("group", n % 2 == 0 ? "even" : "odd");
        write_set in;
        in.put(table, std::move(value));
        ASSERT_TRUE(loop_.run([&] { return on.items().write(in); }));
    };
    {
        const auto store = open(options());
        for (int i = 0; i < 1'100; ++i) put(*store, things, i);
    }
    static constexpr kv_index indexes[] = {{"by_group", "group"}};
    static constexpr kv_table indexed{.name = "test-things", .hash = "id", .indexes = indexes};
    auto how = options();
    how.tables = {&indexed};
    const auto store = open(how);
    std::size_t found = 0;
    kv_query even{.table = &indexed, .index = "by_group", .hash = "even", .limit = 500};
    do {
        const auto page = loop_.run([&] { return store->items().query(even); });
        ASSERT_TRUE(page) << page.error().detail;
        found += page->items.size();
        even.after = page->next;
    } while (even.after);
    EXPECT_EQ(found, 550u);
    EXPECT_EQ(why_not(options()).code, "opened");  // one that knows no index of it
    constexpr kv_table other{.name = "test-things", .hash = "group"};
    how.tables = {&other};
    EXPECT_EQ(why_not(how).code, "table_changed");
}

TEST_F(postgres_faults, of_those_that_migrate_at_once_one_does_and_all_start) {
    std::atomic<int> opened{0};
    std::vector<std::string> said(4);
    {
        std::barrier all(4);
        std::vector<std::jthread> processes;
        for (std::size_t i = 0; i < 4; ++i)
            processes.emplace_back([&, i] {
                all.arrive_and_wait();
                const auto made = postgres_store::open(options(), time_);
                if (made) ++opened;
                else said[i] = made.error().detail;
            });
    }
    EXPECT_EQ(opened, 4) << said[0] << said[1] << said[2] << said[3];
}

TEST_F(postgres_faults, a_closed_store_refuses_and_has_done_what_was_asked_before) {
    const auto store = open(options());
    int kept = 0, refused = 0;
    for (int i = 0; i < 40; ++i)
        loop_.spawn([&, i]() -> task<> {
            auto work = [id = "k" + std::to_string(i)](transaction& t) {
                return add_row(t, id.c_str());
            };
            const auto done = co_await store->database().commit(std::move(work));
            (done ? kept : refused)++;
        });
    loop_.drain();
    store->close();
    ASSERT_TRUE(loop_.run_until([&] { return kept + refused == 40; }));
    EXPECT_EQ(refused, 0);
    const auto late = commit(*store, [](transaction& t) { return add_row(t, "late"); });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, "shutting_down");
    const auto again = open(options());
    EXPECT_EQ(number(*again, "SELECT count(*) FROM counters"), 40);
}

TEST_F(postgres_faults, items_past_their_time_are_swept) {
    constexpr kv_table fading{.name = "test-fading", .hash = "id", .ttl = "until"};
    auto how = options();
    how.tables.push_back(&fading);
    const auto store = open(how);
    const auto now = time_.now();
    for (int i = 0; i < 10; ++i) {
        item value = key_of("id", "k" + std::to_string(i));
        value.set("until", now.unix_s() + (i < 6 ? 0 : 60));
        write_set in;
        in.put(fading, std::move(value));
        ASSERT_TRUE(loop_.run([&] { return store->items().write(in); }));
    }
    EXPECT_EQ(loop_.run([&] { return store->items().expire(now, 4); }).value_or(-1), 4);
    EXPECT_EQ(loop_.run([&] { return store->items().expire(now, 4); }).value_or(-1), 2);
    const auto left = loop_.run([&] { return store->items().scan(fading, {}, 100); });
    ASSERT_TRUE(left);
    EXPECT_EQ(left->items.size(), 4u);
}

}  // namespace
}  // namespace stoa::testing
