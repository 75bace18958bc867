#include "services/analytics/analytics_service.hpp"

#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "services/activity/activity_events.hpp"
#include "services/analytics/analytics_events.hpp"
#include "services/analytics/analytics_operations.hpp"
#include "services/analytics/analytics_replay.hpp"
#include "services/order/order_events.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::analytics {
namespace {

constexpr std::int64_t minute = 60'000;
constexpr currency_code eur{{'E', 'U', 'R'}};

class memory_blobs final : public blob_store {
 public:
    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override {
        kept[bucket + '/' + key] = content;
        if (on_put) on_put();
        co_return blob_info{key, std::ssize(content), ""};
    }
    task<result<std::string>> get(std::string bucket, std::string key) override {
        const auto found = kept.find(bucket + '/' + key);
        if (found == kept.end()) co_return fail(errc::not_found, "no_blob");
        co_return found->second;
    }
    task<result<std::unique_ptr<blob_writer>>> create(std::string, std::string) override {
        co_return fail(errc::internal, "not_here");
    }
    task<result<std::unique_ptr<blob_reader>>> open(std::string, std::string) override {
        co_return fail(errc::internal, "not_here");
    }
    task<result<std::vector<blob_info>>> list(std::string, std::string) override {
        co_return std::vector<blob_info>{};
    }
    task<result<void>> erase(std::string bucket, std::string key) override {
        kept.erase(bucket + '/' + key);
        co_return result<void>{};
    }
    std::map<std::string, std::string> kept;
    std::function<void()> on_put;
};

class analytics_service_test : public ::testing::Test {
 protected:
    analytics_service_test() {
        sqlite_options options{.directory = directory_.path(), .shop_currency = eur};
        options.tables = {&product_windows_table, &windows_table, &state_table};
        for (const auto& each : definitions::built_in().topics())
            options.topics.push_back({.name = each.name, .partitions = 2});
        for (const auto name : {topic::product_results, topic::results, topic::late})
            options.topics.push_back({.name = name, .partitions = 2});
        auto opened = sqlite_shop::open(options, clock_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        marks_ = std::make_unique<mark_writer>(
            shop_->log(), clock_, random_, std::vector{std::string(activities::topic::raw_events)},
            std::vector{std::string(orders::topic::orders), std::string("payment.succeeded"),
                        std::string("payment.failed"), std::string("payment.refunded")});
        revive();
    }
    ~analytics_service_test() override { shop_->close(); }

    void revive() {
        service_.reset();
        board_ = std::make_unique<source_board>();
        service_ = std::make_unique<analytics_service>(
            analytics_service::needs{shop_->items(), shop_->log(), blobs_, clock_, random_,
                                     measured_, *board_},
            analytics_settings{.shop_currency = eur});
    }

    // Another process of the target, and this one anew, each with a way to both: places name all.
    struct beside {
        source_board board;
        std::unique_ptr<analytics_rpcs> rpcs;
        std::unique_ptr<analytics_peers> peers;
        std::unique_ptr<analytics_service> service;
    };
    // A way to a process of the test.
    class way final : public remote_service {
     public:
        explicit way(analytics_rpcs& to) : to_(to) {}
        task<result<record_box>> call(std::string_view rpc, request_context context,
                                      record_box request, const type&) override {
            ++asked;
            if (away) co_return fail(errc::unavailable, "service_away");
            const auto table = rpcs_of(to_);
            const auto row = std::ranges::find(table.operations, rpc, &operation::rpc);
            co_return co_await row->call(table.api, std::move(context), std::move(request));
        }
        bool away = false;
        int asked = 0;

     private:
        analytics_rpcs& to_;
    };
    void make_two(beside& one, beside& other, std::vector<std::unique_ptr<way>>& ways) {
        int number = 0;
        for (auto* each : {&one, &other}) {
            each->rpcs = std::make_unique<analytics_rpcs>(each->board, definitions::built_in(),
                                                          "process " + std::to_string(number++));
            ways.push_back(std::make_unique<way>(*each->rpcs));
        }
        number = 0;
        for (auto* each : {&one, &other}) {
            each->peers = std::make_unique<analytics_peers>(
                std::vector<remote_service*>{ways[0].get(), ways[1].get()}, clock_,
                "process " + std::to_string(number++));
            each->service = std::make_unique<analytics_service>(
                analytics_service::needs{shop_->items(), shop_->log(), blobs_, clock_, random_,
                                         measured_, each->board, each->peers.get()},
                analytics_settings{.shop_currency = eur});
        }
    }
    // The partition's log from there, as the process's loop would take it.
    void give(beside& to, std::string topic, int partition, std::int64_t from) {
        auto batch = loop_.run([&] { return shop_->log().read(topic, partition, from, 1'000); });
        ASSERT_TRUE(batch && !batch->empty());
        ASSERT_TRUE(
            loop_.run([&] { return to.service->take({topic, partition, *std::move(batch)}); }));
    }

    std::int64_t now_ms() { return clock_.now().micros / 1'000; }
    void append(std::string_view topic, std::string key, std::string payload, std::int64_t ms) {
        std::vector<event> one;
        one.push_back({.topic = std::string(topic),
                       .key = std::move(key),
                       .id = new_id(clock_, random_),
                       .type = "any",
                       .occurred_at = {ms * 1'000},
                       .payload = std::move(payload)});
        ASSERT_TRUE(loop_.run([&] { return shop_->log().append(std::move(one)); }));
    }
    void view(std::int64_t ms, std::string user, std::string product) {
        append(activities::topic::raw_events, product,
               R"({"user_id":")" + user + R"(","product_id":")" + product +
                   R"(","event_type":"VIEW_PRODUCT","timestamp":")" + rfc3339({ms * 1'000}) +
                   R"(","metadata":{}})",
               ms);
        marks_->note({ms * 1'000});
    }
    void order(std::int64_t ms, std::string id, std::string user, std::string total) {
        append(orders::topic::orders, id,
               R"({"order_id":")" + id + R"(","user_id":")" + user + R"(","total_amount":)" +
                   total + R"(,"currency":"EUR","items_count":2,"event_type":"order.created",)" +
                   R"("occurred_at":")" + rfc3339({ms * 1'000}) + R"("})",
               ms);
    }
    int mark() {
        return loop_.run([&] { return marks_->write_due(); }).value();
    }
    // All that is new, as start() would take it.
    void read() {
        for (const auto& topic : definitions::built_in().topics())
            for (int p = 0; p < 2; ++p) {
                auto& from = read_[{topic.name, p}];
                auto batch =
                    loop_.run([&] { return shop_->log().read(topic.name, p, from, 1'000); });
                if (batch->empty()) continue;
                from = batch->back().offset + 1;
                ASSERT_TRUE(
                    loop_.run([&] { return service_->take({topic.name, p, *std::move(batch)}); }));
            }
        ASSERT_TRUE(loop_.run([&] { return service_->merge(); }));
    }
    void pass(std::int64_t ms) { clock_.advance(std::chrono::milliseconds(ms)); }

    std::string ask(std::string_view rpc, const std::string& request) {
        return ask(*service_, rpc, request);
    }
    std::string ask(analytics_service& of, std::string_view rpc, const std::string& request) {
        const auto rows = operations_of(of).operations;
        const auto row = std::ranges::find(rows, rpc, &operation::rpc);
        record_box body(*row->request);
        EXPECT_TRUE(read_json(request, *row->request, body.get()).empty()) << request;
        return loop_.run([&]() -> task<std::string> {
            auto answer = co_await row->call(static_cast<api*>(&of), {}, std::move(body));
            if (!answer) co_return answer.error().code;
            std::string out;
            write_json(out, answer->of(), answer->get());
            co_return out;
        });
    }
    std::int64_t end_of(std::string_view topic) {
        const auto all = loop_.run([&] { return shop_->log().positions(std::string(topic)); });
        std::int64_t out = 0;
        for (const auto& each : *all) out += each.end;
        return out;
    }

    // Half an hour of a shop, with marks as they come, late and unreadable events too.
    void half_an_hour() {
        for (int i = 0; i < 30; ++i) {
            const auto now = now_ms();
            const auto n = std::to_string(i);
            view(now, "ann", "p" + std::to_string(i % 3));
            view(now + 1, "u" + n, "p1");
            order(now, "o" + n, "ann", n + ".25");
            append("payment.succeeded", "o" + n,
                   R"({"orderId":"o)" + n + R"(","paymentId":"y","userId":"ann","attempt":1,)" +
                       R"("amount":)" + n + R"(.25,"currency":"EUR","transactionId":"t"})",
                   now);
            if (i == 20) view(now - 10 * minute, "eve", "p1");
            if (i == 21) append(activities::topic::raw_events, "p1", "no json", now);
            mark();
            pass(minute);
        }
        mark();
        read();
    }
    // What analytics says of it, closed windows only.
    std::vector<std::string> told() {
        std::vector<std::string> out;
        for (const auto* product : {"p0", "p1", "p2"})
            out.push_back(ask("GetAnalytics",
                              R"({"limit":100,"product_id":")" + std::string(product) + "\"}"));
        out.push_back(ask("ListOrderAnalytics", R"({"limit":100})"));
        out.push_back(ask("ListCapturedAnalytics", R"({"limit":100})"));
        for (const auto* by : {"overall", "status", "user"})
            out.push_back(
                ask("ListPaymentAnalytics", R"({"limit":100,"by":")" + std::string(by) + "\"}"));
        out.push_back(ask("ListTopProducts", R"({"limit":100})"));
        for (const auto& [name, content] : blobs_.kept)
            if (name.starts_with(results_bucket)) out.push_back(name + content);
        return out;
    }
    void erase(const kv_table& from, std::string hash, std::int64_t start_ms, std::string rest) {
        write_set gone;
        gone.erase(from, key_of(from.hash, hash, from.range, rfc3339({start_ms * 1'000}) + rest));
        ASSERT_TRUE(loop_.run([&] { return shop_->items().write(std::move(gone)); }));
    }
    result<replay_report> replay(std::int64_t from, std::optional<std::string> topic = {}) {
        log_replay one({shop_->items(), shop_->log(), blobs_}, definitions::built_in());
        return loop_.run([&] { return one.run({from, topic}); });
    }

    testing::temporary_directory directory_;
    testing::manual_clock clock_{timestamp{1'790'000'040'000'000 / 60'000'000 * 60'000'000}};
    testing::seeded_random random_{testing::test_seed()};
    testing::test_loop loop_;
    metrics measured_;
    // 20,000 products, one viewer each.
    void view_many(std::int64_t start) {
        for (int i = 0; i < 40; ++i) {
            std::vector<event> many;
            for (int k = 0; k < 500; ++k) {
                const auto product = "product-" + std::to_string(i * 500 + k);
                many.push_back({.topic = "ecom-raw-events",
                                .key = product,
                                .id = new_id(clock_, random_),
                                .type = "any",
                                .occurred_at = {start * 1'000},
                                .payload = R"({"user_id":"ann","product_id":")" + product +
                                           R"(","event_type":"X","timestamp":")" +
                                           rfc3339({start * 1'000}) + "\"}"});
            }
            ASSERT_TRUE(loop_.run([&] { return shop_->log().append(std::move(many)); }));
            read();
            pass(100);
        }
    }

    memory_blobs blobs_;
    std::unique_ptr<sqlite_shop> shop_;
    std::unique_ptr<mark_writer> marks_;
    std::unique_ptr<source_board> board_;
    std::unique_ptr<analytics_service> service_;
    std::map<std::pair<std::string, int>, std::int64_t> read_;
};

TEST_F(analytics_service_test, an_idle_shop_still_closes_its_windows) {
    const auto start = now_ms();
    view(start, "ann", "p1");
    view(start, "bob", "p1");
    order(start, "o1", "ann", "12.50");
    mark();
    read();
    EXPECT_EQ(ask("GetAnalytics", R"({"product_id":"p1"})"), R"({"product_id":"p1","windows":[]})");
    EXPECT_NE(ask("GetAnalytics", R"({"product_id":"p1","live":true})")
                  .find(R"("unique_user_count":2,"provisional":true)"),
              std::string::npos);
    EXPECT_NE(ask("ListOrderAnalytics", R"({"live":true})")
                  .find(R"("order_count":1,"total_revenue":12.50,"total_items":2,"unique_users":1,)"
                        R"("average_order_value":12.50,"provisional":true)"),
              std::string::npos);
    pass(70'000);
    EXPECT_EQ(mark(), 5);
    read();
    const auto at = rfc3339({start * 1'000}), end = rfc3339({(start + minute) * 1'000});
    EXPECT_EQ(ask("GetAnalytics", R"({"product_id":"p1"})"),
              R"({"product_id":"p1","windows":[{"window_start":")" + at + R"(","window_end":")" +
                  end + R"(","unique_user_count":2}]})");
    EXPECT_EQ(ask("ListOrderAnalytics", "{}"),
              R"({"windows":[{"window_start":")" + at + R"(","window_end":")" + end +
                  R"(","currency":"EUR","order_count":1,"total_revenue":12.50,"total_items":2,)"
                  R"("unique_users":1,"average_order_value":12.50}]})");
    EXPECT_EQ(end_of(topic::product_results), 1);
    EXPECT_EQ(end_of(topic::results), 1);
}

TEST_F(analytics_service_test, a_quiet_shop_writes_a_mark_a_minute_and_then_none) {
    view(now_ms(), "ann", "p1");
    int written = 0;
    for (int i = 0; i < 4 * 3'600; ++i) {
        written += mark();
        pass(250);
    }
    EXPECT_LE(written, 5 * 62) << "one a topic and minute of that hour";
    EXPECT_GE(written, 5 * 45);
    const auto before = end_of(activities::topic::raw_events);
    for (int i = 0; i < 1'000; ++i) {
        mark();
        pass(1'000);
    }
    EXPECT_EQ(end_of(activities::topic::raw_events), before);
}

TEST_F(analytics_service_test, a_replay_of_the_past_goes_by_its_own_time) {
    constexpr std::int64_t past = 1'322'000'040'000 / minute * minute;
    view(past, "ann", "p1");
    order(now_ms(), "o1", "ann", "1.00");  // the shop of today goes on
    mark();
    pass(200'000);
    mark();
    view(past + 100'000, "bob", "p1");
    mark();
    read();
    const auto told = ask("GetAnalytics", R"({"product_id":"p1","live":true})");
    EXPECT_NE(told.find(R"("unique_user_count":1})"), std::string::npos) << told;
    EXPECT_NE(told.find(R"("unique_user_count":1,"provisional":true})"), std::string::npos) << told;
    EXPECT_EQ(end_of(topic::late), 0);
}

TEST_F(analytics_service_test, late_and_unreadable_events_are_kept_and_counted) {
    const auto start = now_ms();
    view(start, "ann", "p1");
    mark();
    pass(130'000);
    mark();
    view(start + 1, "bob", "p1");
    append(activities::topic::raw_events, "p1", "no json", start);
    view(now_ms(), "cid", "p1");
    read();
    EXPECT_EQ(end_of(topic::late), 1);
    std::string kept;
    for (int p = 0; p < 2; ++p)
        for (const auto& each :
             *loop_.run([&] { return shop_->log().read(std::string(topic::late), p, 0, 10); }))
            kept += each.message.payload;
    EXPECT_NE(kept.find(R"("pipelines":["product_viewers","viewers_by_minute"],)"
                        R"("event":{"user_id":"bob")"),
              std::string::npos)
        << kept;
    const auto dead = loop_.run(
        [&] { return shop_->log().dead_letters(std::string(group), "ecom-raw-events", "", 10); });
    ASSERT_TRUE(dead);
    ASSERT_EQ(dead->size(), 1U);
    EXPECT_EQ(dead->front().code, "payload_ill_formed");
    EXPECT_EQ(dead->front().what.message.payload, "no json");
    const auto sources = ask("ListAnalyticsSources", "{}");
    EXPECT_NE(sources.find(R"("late":1,"bad":1)"), std::string::npos) << sources;
}

TEST_F(analytics_service_test, the_live_stream_resumes_where_it_was_cut) {
    const auto start = now_ms();
    auto place = *loop_.run([&] { return service_->live_from(""); });
    const auto next = [&] { return *loop_.run([&] { return service_->next_live(place); }); };
    order(start, "o1", "ann", "1.00");
    read();
    auto told = next();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].name, "provisional");
    EXPECT_EQ(next().size(), 0U) << "nothing has changed";
    order(start, "o2", "ann", "2.00");
    read();
    EXPECT_EQ(next().size(), 1U);
    mark();
    pass(70'000);
    mark();
    read();
    told = next();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].name, "window");
    EXPECT_NE(told[0].data.find(R"("total_revenue":3.00)"), std::string::npos);
    const auto last = told[0].id;

    order(now_ms(), "o3", "ann", "4.00");
    mark();
    pass(140'000);
    mark();
    read();
    revive();
    place = *loop_.run([&] { return service_->live_from(last); });
    told = next();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].data.find(R"("total_revenue":4.00)"), std::string::npos);
    for (const auto* wrong : {"x", "1.2.3", "-1.0", "1.", ".1"})
        EXPECT_EQ(loop_.run([&] { return service_->live_from(wrong); }).error().code,
                  "last_event_id")
            << wrong;
}

TEST_F(analytics_service_test, viewers_of_the_shop_are_people_however_much_they_look_at) {
    const auto start = now_ms();
    auto place = *loop_.run([&] { return service_->live_from(""); });
    const auto told = [&] {
        std::vector<std::string> out;
        for (const auto& each : *loop_.run([&] { return service_->next_live(place); }))
            if (each.data.find("viewers_by_minute") != std::string::npos) out.push_back(each.data);
        return out;
    };
    // Of products in both partitions.
    for (int i = 0; i < 8; ++i) view(start, "ann", "p" + std::to_string(i));
    read();
    auto now = told();
    ASSERT_EQ(now.size(), 1U);
    EXPECT_NE(now.front().find(R"("viewers":1)"), std::string::npos) << now.front();
    view(start + 1, "bob", "p1");
    read();
    now = told();
    ASSERT_EQ(now.size(), 1U);
    EXPECT_NE(now.front().find(R"("viewers":2)"), std::string::npos) << now.front();
    EXPECT_EQ(ask("ListViewerAnalytics", "{}").find("viewers\""), std::string::npos);
    EXPECT_NE(
        ask("ListViewerAnalytics", R"({"live":true})").find(R"("viewers":2,"provisional":true)"),
        std::string::npos);
    mark();
    pass(70'000);
    mark();
    read();
    EXPECT_NE(ask("ListViewerAnalytics", "{}").find(R"("viewers":2)"), std::string::npos);
}

TEST_F(analytics_service_test, results_of_payments_are_objects_too) {
    append("payment.succeeded", "o1",
           R"({"orderId":"o1","paymentId":"y","userId":"ann","attempt":1,"amount":5.00,)"
           R"("currency":"EUR","transactionId":"t"})",
           now_ms());
    mark();
    pass(70'000);
    mark();
    read();
    std::vector<std::string> names;
    for (const auto& [name, content] : blobs_.kept) {
        names.push_back(name.substr(0, name.rfind('/')));
        EXPECT_NE(content.find(R"("total_amount":5.00)"), std::string::npos) << content;
        EXPECT_TRUE(content.starts_with(R"({"pipeline":"payments_)") && content.ends_with("}\n"))
            << "a line of JSON a row: " << content;
    }
    EXPECT_EQ(names, (std::vector<std::string>{"ecommerce-analytics-results/analytics/by_status",
                                               "ecommerce-analytics-results/analytics/by_user",
                                               "ecommerce-analytics-results/analytics/overall"}));
    EXPECT_NE(ask("ListPaymentAnalytics", R"({"by":"status"})").find(R"("status":"succeeded")"),
              std::string::npos);
}

TEST_F(analytics_service_test, the_log_read_again_puts_the_windows_that_were) {
    const auto start = now_ms();
    half_an_hour();
    const auto before = told();
    const auto results = end_of(topic::results), late = end_of(topic::late);
    EXPECT_EQ(late, 1);
    erase(product_windows_table, "p1", start + 3 * minute, "");
    erase(windows_table, "orders_by_minute", start + 4 * minute, "#EUR");
    erase(windows_table, "payments_by_status", start + 5 * minute, "#succeeded|EUR");
    std::erase_if(blobs_.kept,
                  [](const auto& each) { return each.first.starts_with(results_bucket); });
    ASSERT_NE(told(), before);
    const auto done = replay(0);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(told(), before);
    EXPECT_EQ(done->left, 0);
    EXPECT_EQ(done->events, 122);
    EXPECT_EQ(done->late, 1);
    EXPECT_EQ(done->bad, 1);
    EXPECT_EQ(end_of(topic::results), results) << "readers of the topic have had them";
    EXPECT_EQ(end_of(topic::late), late);
    const auto again = replay(0);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->windows, done->windows);
    EXPECT_EQ(told(), before);
}

TEST_F(analytics_service_test,
       a_log_read_from_its_middle_leaves_windows_that_may_have_begun_before) {
    const auto start = now_ms();
    half_an_hour();
    const auto before = told();
    for (std::int64_t from = 1; from <= 60; from += 3) {
        const auto done = replay(from);
        if (!done) {
            EXPECT_EQ(done.error().code, "offset_not_reached");
            EXPECT_GT(from, 30);
            break;
        }
        EXPECT_EQ(told(), before) << "from " << from;
        EXPECT_GT(done->left, 0) << "from " << from;
    }
    erase(product_windows_table, "p1", start + 28 * minute, "");
    ASSERT_NE(told(), before);
    const auto only = replay(5, std::string(activities::topic::raw_events));
    ASSERT_TRUE(only);
    EXPECT_EQ(told(), before);
    EXPECT_GT(only->windows, 0);
}

TEST_F(analytics_service_test, an_offset_that_no_partition_has_is_refused) {
    view(now_ms(), "ann", "p1");
    EXPECT_EQ(replay(2).error().detail, "no partition has come to offset 2: the longest ends at 1");
    EXPECT_EQ(replay(-1).error().code, "offset_ill_formed");
    EXPECT_EQ(replay(0, "sales").error().detail, "no pipeline reads topic `sales`");
    EXPECT_EQ(replay(1, "orders").error().code, "offset_not_reached");
    ASSERT_TRUE(replay(0));
}

TEST_F(analytics_service_test, open_windows_are_those_of_every_process) {
    beside one, other;
    std::vector<std::unique_ptr<way>> ways;
    make_two(one, other, ways);
    // Products of either partition, and orders in both.
    std::array<std::string, 2> product, placed;
    for (int i = 0; product[0].empty() || product[1].empty(); ++i)
        product[static_cast<std::size_t>(partition_of("p" + std::to_string(i), 2))] =
            "p" + std::to_string(i);
    for (int i = 0; placed[0].empty() || placed[1].empty(); ++i)
        placed[static_cast<std::size_t>(partition_of("o" + std::to_string(i), 2))] =
            "o" + std::to_string(i);
    const auto start = now_ms();
    for (const auto& each : product) view(start, "ann", each);
    order(start, placed[0], "ann", "1.00");
    order(start, placed[1], "ann", "2.00");
    give(one, "ecom-raw-events", 0, 0);
    give(other, "ecom-raw-events", 1, 0);
    give(one, "orders", 0, 0);
    give(other, "orders", 1, 0);
    const std::string both =
        R"("order_count":2,"total_revenue":3.00,"total_items":4,"unique_users":1)";
    for (auto* each : {&one, &other}) {
        for (const auto& what : product)
            EXPECT_NE(
                ask(*each->service, "GetAnalytics", R"({"live":true,"product_id":")" + what + "\"}")
                    .find(R"("unique_user_count":1,"provisional":true)"),
                std::string::npos)
                << what;
        const auto told = ask(*each->service, "ListOrderAnalytics", R"({"live":true})");
        EXPECT_NE(told.find(both), std::string::npos) << told;
    }

    // Who reads the live stream looks ten times a second; its processes are asked as often.
    auto place = *loop_.run([&] { return one.service->live_from(""); });
    const auto next = [&] { return *loop_.run([&] { return one.service->next_live(place); }); };
    const auto told = next();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_NE(told[0].data.find(both), std::string::npos) << told[0].data;
    EXPECT_NE(told[1].data.find(R"("viewers":1)"), std::string::npos) << told[1].data;
    const auto asked = ways[1]->asked;
    EXPECT_EQ(next().size(), 0U);
    EXPECT_EQ(ways[1]->asked, asked);

    // The partition passes to the other process, which reads on: what stayed behind says nothing.
    order(now_ms(), placed[0], "bob", "0.50");  // again, and once
    append(orders::topic::orders, placed[0], "no json", start);
    pass(1'000);
    give(other, "orders", 0, 0);
    const auto after = ask(*one.service, "ListOrderAnalytics", R"({"live":true})");
    EXPECT_NE(after.find(both), std::string::npos) << after;

    // One that does not answer is left out, and its partitions come back with who reads them.
    ways[1]->away = true;
    pass(1'000);
    const auto left = ask(*one.service, "ListOrderAnalytics", R"({"live":true})");
    EXPECT_NE(left.find(R"("order_count":1,"total_revenue":1.00)"), std::string::npos) << left;
    give(one, "orders", 1, 0);
    pass(1'000);
    EXPECT_NE(ask(*one.service, "ListOrderAnalytics", R"({"live":true})").find(both),
              std::string::npos);
}

TEST_F(analytics_service_test, a_state_larger_than_an_item_is_a_blob) {
    const auto start = now_ms();
    view_many(start);
    marks_->note({start * 1'000});
    pass(6'000);
    view(start, "bob", "product-1");
    read();
    EXPECT_GE(blobs_.kept.size(), 1U);
    EXPECT_LE(blobs_.kept.size(), 2U) << "older states are erased";
    revive();
    mark();
    pass(70'000);
    mark();
    for (auto& [place, from] : read_) from = 0;  // the group's place is not what counts
    for (int i = 0; i < 40; ++i) read();
    EXPECT_EQ(end_of(topic::product_results), 20'000);
    EXPECT_NE(ask("GetProductAnalytics", R"({"product_id":"product-1"})")
                  .find(R"("unique_user_count":2)"),
              std::string::npos);
}

TEST_F(analytics_service_test, a_state_that_is_slow_to_save_is_saved_less_often) {
    const auto start = now_ms();
    view_many(start);
    const auto saves_of_two_minutes = [&](milliseconds each_takes) {
        int saves = 0;
        blobs_.on_put = [&] {
            ++saves;
            clock_.advance(each_takes);
        };
        for (int second = 0; second < 120; ++second) {
            pass(1'000);
            view(start, "bob", "product-1");
            read();
        }
        return saves;
    };
    // One partition of the two gets these events.
    EXPECT_GE(saves_of_two_minutes(milliseconds(10)), 20) << "every five seconds";
    const auto slow = saves_of_two_minutes(milliseconds(1'000));
    EXPECT_GE(slow, 4);
    EXPECT_LE(slow, 8) << "a second in twenty";
}

}  // namespace
}  // namespace stoa::analytics
