// Windows under deaths, lost answers, refusals, repeats and two processes that both believe a
// partition theirs, seed after seed: what is stored and published at the end is what a plain batch
// over the same log gives, each window once.
#include "services/analytics/analytics_service.hpp"

#include "services/activity/activity_events.hpp"
#include "services/analytics/analytics_events.hpp"
#include "services/order/order_events.hpp"
#include "simulation/planted_bugs.hpp"
#include "simulation/store.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace stoa::simulation {
namespace {

namespace a = stoa::analytics;

constexpr int partitions = 4;
constexpr std::int64_t minute = 60'000, day_0 = 1'700'000'040'000 / minute * minute;

struct died {};

// The faults of one seed, on the way to the store.
struct weather {
    world& in;
    bool calm = false;
    double refuse = 0, lose_answer = 0, die = 0;

    // What becomes of a call: done or not, answered or not, or the caller dies.
    enum class fate { goes_well, refused, answer_lost, dies_before, dies_after };
    fate next() {
        if (calm) return fate::goes_well;
        if (in.happens(die)) return in.happens(0.5) ? fate::dies_before : fate::dies_after;
        if (in.happens(refuse)) return fate::refused;
        if (in.happens(lose_answer)) return fate::answer_lost;
        return fate::goes_well;
    }
    template <class Effect>
    auto call(Effect effect) -> decltype(effect()) {
        const auto what = next();
        if (what == fate::refused) return fail(errc::unavailable, "refused");
        if (what == fate::dies_before) throw died{};
        auto out = effect();
        if (what == fate::dies_after) throw died{};
        if (what == fate::answer_lost) return fail(errc::unavailable, "answer_lost");
        return out;
    }
};

class items final : public key_value {
 public:
    items(store& of, weather& w) : store_(of), weather_(w) {}
    task<result<std::optional<item>>> get(const kv_table& table, item key) override {
        auto found = store_.get(table, key);
        co_return found ? std::optional(*found) : std::optional<item>{};
    }
    task<result<kv_page>> query(kv_query what) override { co_return store_.query(what); }
    task<result<write_outcome>> write(write_set what) override {
        EXPECT_LE(what.writes.size() + what.events.size(), 100U);
        co_return weather_.call([&] { return store_.write(what); });
    }
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override {
        co_return store_.scan(table, after, limit);
    }

 private:
    store& store_;
    weather& weather_;
};

class log final : public event_log {
 public:
    explicit log(store& of) : store_(of) {}
    task<result<void>> append(std::vector<event> events) override {
        store_.append(std::move(events));
        co_return result<void>{};
    }
    result<std::unique_ptr<subscription>> subscribe(std::string, std::vector<std::string>,
                                                    lane) override {
        return fail(errc::internal, "not_simulated");
    }
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override {
        std::vector<delivery> out;
        const auto& all = store_.events_of(topic, partition);
        for (auto i = from; i < std::ssize(all) && std::ssize(out) < max; ++i)
            out.push_back({"", partition, i, all[static_cast<std::size_t>(i)]});
        co_return out;
    }
    task<result<std::vector<topic_position>>> positions(std::string topic) override {
        std::vector<topic_position> out;
        for (int p = 0; p < partitions; ++p)
            out.push_back({topic, p, 0, std::ssize(store_.events_of(topic, p))});
        co_return out;
    }
    task<result<std::vector<group_lag>>> lags() override { co_return std::vector<group_lag>{}; }
    task<result<void>> park(delivery what, error cause, int) override {
        parked.emplace(
            what.message.topic + std::to_string(what.partition) + '/' + std::to_string(what.offset),
            cause.code);
        co_return result<void>{};
    }
    task<result<bool>> is_parked(std::string, std::string, std::string) override {
        co_return false;
    }
    std::map<std::string, std::string> parked;

 private:
    store& store_;
};

class blobs final : public blob_store {
 public:
    explicit blobs(weather& w) : weather_(w) {}
    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override {
        co_return weather_.call([&]() -> result<blob_info> {
            kept[bucket + '/' + key] = content;
            return blob_info{key, std::ssize(content), ""};
        });
    }
    task<result<std::string>> get(std::string bucket, std::string key) override {
        const auto found = kept.find(bucket + '/' + key);
        if (found == kept.end()) co_return fail(errc::not_found, "no_blob");
        co_return found->second;
    }
    task<result<std::unique_ptr<blob_writer>>> create(std::string, std::string) override {
        co_return fail(errc::internal, "not_simulated");
    }
    task<result<std::unique_ptr<blob_reader>>> open(std::string, std::string) override {
        co_return fail(errc::internal, "not_simulated");
    }
    task<result<std::vector<blob_info>>> list(std::string, std::string) override {
        co_return std::vector<blob_info>{};
    }
    task<result<void>> erase(std::string bucket, std::string key) override {
        kept.erase(bucket + '/' + key);
        co_return result<void>{};
    }
    std::map<std::string, std::string> kept;

 private:
    weather& weather_;
};

struct fact {
    enum class is { view, order, mark, junk } what;
    std::int64_t ms = 0;
    std::string user, thing;  // product or order
    std::int64_t cents = 0;
    std::string currency = "EUR";
};

class analytics_world {
 public:
    analytics_world(std::uint64_t seed, memory_rows& rows)
        : in_(seed),
          store_(in_, faults_, rows),
          log_(store_),
          items_(store_, weather_),
          blobs_(weather_) {
        for (const auto* each : {&a::product_windows_table, &a::windows_table, &a::state_table})
            store_.declare(*each);
        weather_.refuse = in_.happens(0.5) ? 0.1 : 0;
        weather_.lose_answer = in_.happens(0.5) ? 0.1 : 0;
        weather_.die = in_.happens(0.7) ? 0.1 : 0;
        saves_often_ = in_.happens(0.5);
        at_once_ = 1 + in_.chance.below(3);
        for (auto& each : nodes_) revive(each);
    }

    void live() {
        for (int i = 0; i < 160; ++i) {
            switch (in_.chance.below(6)) {
                case 0:
                    produce();
                    break;
                case 1:
                    if (in_.happens(0.4)) mark();
                    break;
                case 2:
                    merge(nodes_[in_.chance.below(2)]);
                    break;
                default:
                    read(nodes_[in_.chance.below(2)]);
                    break;
            }
            clock_.advance(std::chrono::milliseconds(in_.chance.below(2'000)));
        }
        mark();
        weather_.calm = true;
        for (auto& each : nodes_) revive(each);
        for (int round = 0; round < 400; ++round) read(nodes_[0]);
        while (!all_read()) read(nodes_[0]);
        merge(nodes_[1]);
    }

    // All that must hold at the end; empty: it does.
    std::string verdict() {
        const auto viewed = expected_views();
        if (const auto got = stored_views(); got != viewed) return "P1: " + difference(got, viewed);
        if (const auto got = published(a::topic::product_results); got.size() != viewed.size())
            return "P1: " + std::to_string(got.size()) + " results for " +
                   std::to_string(viewed.size()) + " windows";
        const auto ordered = expected_orders();
        if (const auto got = stored_orders(); got != ordered)
            return "P2: " + difference(got, ordered);
        if (const auto got = published(a::topic::results); got.size() != ordered.size())
            return "P2: " + std::to_string(got.size()) + " results for " +
                   std::to_string(ordered.size()) + " windows";
        if (const auto got = published(a::topic::late); std::ssize(got) != late_)
            return "late: " + std::to_string(got.size()) + " of " + std::to_string(late_);
        if (std::ssize(log_.parked) != junk_) return "dead letters";
        const auto left =
            store_.query({.table = &a::state_table, .hash = "share/orders_by_minute"});
        return left.items.size() > partitions * 3 ? "shares are left behind" : "";
    }
    std::map<std::string, int> reached;

 private:
    struct node {
        std::unique_ptr<a::source_board> board;
        std::unique_ptr<a::analytics_service> service;
    };

    void revive(node& one) {
        one.service.reset();
        one.board = std::make_unique<a::source_board>();
        a::analytics_settings settings;
        settings.sources.save_every = std::chrono::milliseconds(saves_often_ ? 0 : 500);
        settings.sources.outputs_at_once = at_once_;
        settings.sources.read_at_once = 7;
        one.service = std::make_unique<a::analytics_service>(
            a::analytics_service::needs{items_, log_, blobs_, clock_, in_.chance, measured_,
                                        *one.board},
            settings);
    }
    // Work of a node, which may be its last.
    template <class Work>
    void on(node& one, Work work) {
        try {
            const auto done = loop_.run([&] { return work(*one.service); });
            if (!done) ++reached[done.error().code];
        } catch (const died&) {
            ++reached["died"];
            revive(one);
        }
    }

    void append(std::string topic, std::string key, std::string payload, fact what) {
        const auto p = partition_of(key, partitions);
        event one{.topic = topic,
                  .key = key,
                  .id = "e" + std::to_string(next_++),
                  .type = "any",
                  .occurred_at = {what.ms * 1'000},
                  .payload = std::move(payload)};
        const int times = in_.happens(0.05) ? 2 : 1;  // a relay that publishes again
        for (int i = 0; i < times; ++i) {
            facts_[{topic, p}].push_back(what);
            store_.append({one});
        }
    }
    void produce() {
        now_ms_ += static_cast<std::int64_t>(in_.chance.below(25'000));
        for (auto left = in_.chance.below(8); left > 0; --left) {
            auto ms = now_ms_ - static_cast<std::int64_t>(in_.chance.below(9'000));
            if (in_.happens(0.05)) ms -= 3 * minute;
            const auto user = "u" + std::to_string(in_.chance.below(6));
            const auto time = rfc3339({ms * 1'000});
            if (in_.happens(0.04)) {
                append(std::string(activities::topic::raw_events), "p1", "junk",
                       {fact::is::junk, ms});
            } else if (in_.happens(0.6)) {
                const auto product = "p" + std::to_string(in_.chance.below(9));
                append(std::string(activities::topic::raw_events), product,
                       R"({"user_id":")" + user + R"(","product_id":")" + product +
                           R"(","event_type":"VIEW_PRODUCT","timestamp":")" + time + "\"}",
                       {fact::is::view, ms, user, product});
            } else {
                const auto order = "o" + std::to_string(next_);
                const auto cents = static_cast<std::int64_t>(in_.chance.below(100'000));
                const std::string currency = std::array{"EUR", "USD", "GBP"}[in_.chance.below(3)];
                append(std::string(orders::topic::orders), order,
                       R"({"order_id":")" + order + R"(","user_id":")" + user +
                           R"(","total_amount":)" + money_text({cents, *read_currency(currency)}) +
                           R"(,"currency":")" + currency +
                           R"(","items_count":1,"event_type":"order.created",)"
                           R"("occurred_at":")" +
                           time + "\"}",
                       {fact::is::order, ms, user, order, cents, currency});
            }
        }
    }
    void mark() {
        for (const auto& topic : a::definitions::built_in().topics()) {
            for (auto& one :
                 marks_of(topic.name, partitions, {now_ms_ * 1'000}, clock_, in_.chance)) {
                facts_[{topic.name, partition_of(one.key, partitions)}].push_back(
                    {fact::is::mark, now_ms_});
                store_.append({one});
            }
        }
    }
    // The next batch of some partition; of a group that is behind, or has handed it out before.
    void read(node& by) {
        const auto topics = a::definitions::built_in().topics();
        const auto& topic = topics[in_.chance.below(topics.size())].name;
        const auto p = static_cast<int>(in_.chance.below(partitions));
        auto& at = group_[{topic, p}];
        const auto from =
            !weather_.calm && in_.happens(0.1)
                ? static_cast<std::int64_t>(in_.chance.below(static_cast<std::uint64_t>(at) + 1))
                : at;
        auto batch = loop_.run(
            [&] { return log_.read(topic, p, from, 1 + static_cast<int>(in_.chance.below(6))); });
        if (batch->empty()) return;
        const auto end = batch->back().offset + 1;
        bool taken = false;
        on(by, [&](a::analytics_service& s) -> task<result<void>> {
            auto done = co_await s.take({topic, p, *batch});
            taken = done.has_value();
            co_return done;
        });
        if (taken) at = std::max(at, end);
    }
    bool all_read() {
        for (const auto& topic : a::definitions::built_in().topics())
            for (int p = 0; p < partitions; ++p)
                if (group_[{topic.name, p}] < std::ssize(store_.events_of(topic.name, p)))
                    return false;
        return true;
    }
    void merge(node& by) {
        on(by, [](a::analytics_service& s) { return s.merge(); });
    }

    // --- the plain answers
    template <class Each>
    void replay(std::string_view topic, Each each) {
        for (const auto& [place, facts] : facts_) {
            if (place.first != topic) continue;
            std::int64_t mark = -1;
            for (const auto& one : facts) {
                if (one.what == fact::is::mark) mark = std::max(mark, one.ms);
                else each(one, mark);
            }
        }
    }
    static std::int64_t start_of(const fact& of, std::int64_t size = minute) {
        return of.ms / size * size;
    }
    static bool is_late(const fact& of, std::int64_t mark, std::int64_t size = minute) {
        return mark >= 0 && start_of(of, size) + size + 10'000 <= mark;
    }
    bool closed(std::int64_t start) const { return start + minute + 10'000 <= now_ms_; }

    std::map<std::string, std::int64_t> expected_views() {
        std::map<std::string, std::set<std::string>> all;
        replay(activities::topic::raw_events, [&](const fact& f, std::int64_t mark) {
            if (f.what == fact::is::junk) ++junk_;
            else if (is_late(f, mark)) ++late_;
            else if (closed(start_of(f)))
                all[f.thing + ' ' + rfc3339({start_of(f) * 1'000})].insert(f.user);
        });
        std::map<std::string, std::int64_t> out;
        for (const auto& [key, users] : all) out[key] = std::ssize(users);
        return out;
    }
    std::map<std::string, std::string> expected_orders() {
        struct sum {
            std::set<std::string> orders, users;
            std::int64_t cents = 0;
        };
        std::map<std::string, sum> all;
        replay(orders::topic::orders, [&](const fact& f, std::int64_t mark) {
            if (is_late(f, mark)) {
                ++late_;
                return;
            }
            if (!closed(start_of(f))) return;
            auto& in = all[rfc3339({start_of(f) * 1'000}) + f.currency];
            if (in.orders.insert(f.thing).second) in.cents += f.cents;
            in.users.insert(f.user);
        });
        std::map<std::string, std::string> out;
        for (const auto& [start, s] : all)
            out[start] = std::to_string(s.orders.size()) + ' ' + std::to_string(s.cents) + ' ' +
                         std::to_string(s.users.size());
        return out;
    }
    std::map<std::string, std::int64_t> stored_views() {
        std::map<std::string, std::int64_t> out;
        for (const auto& each : store_.scan(a::product_windows_table, {}, 100'000).items)
            out[std::string(each.text("product_id")) + ' ' +
                std::string(each.text("window_start"))] = each.integer("unique_user_count");
        return out;
    }
    std::map<std::string, std::string> stored_orders() {
        std::map<std::string, std::string> out;
        for (const auto& each : store_.scan(a::windows_table, {}, 100'000).items)
            if (each.text("series") == "orders_by_minute")
                out[std::string(each.text("window_start")) + std::string(each.text("currency"))] =
                    std::to_string(each.integer("order_count")) + ' ' +
                    std::to_string(each.integer("total_revenue")) + ' ' +
                    std::to_string(each.integer("unique_users"));
        return out;
    }
    std::vector<std::string> published(std::string_view topic) {
        std::vector<std::string> out;
        for (int p = 0; p < partitions; ++p)
            for (const auto& each : store_.events_of(std::string(topic), p))
                if (topic != a::topic::results || each.type == "orders_by_minute")
                    out.push_back(each.id);
        return out;
    }
    template <class Map>
    static std::string difference(const Map& got, const Map& wanted) {
        for (const auto& [key, value] : wanted)
            if (!got.contains(key)) return "missing " + key;
        for (const auto& [key, value] : got) {
            const auto same = wanted.find(key);
            if (same == wanted.end()) return "nobody expected " + key;
            if (same->second != value) return "another value of " + key;
        }
        return "?";
    }

    world in_;
    faults faults_;
    store store_;
    weather weather_{in_};
    log log_;
    items items_;
    blobs blobs_;
    testing::manual_clock clock_;
    testing::test_loop loop_;
    metrics measured_;
    std::array<node, 2> nodes_;
    std::map<std::pair<std::string, int>, std::int64_t> group_;
    std::map<std::pair<std::string, int>, std::vector<fact>> facts_;
    bool saves_often_ = false;
    std::size_t at_once_ = 3;
    std::int64_t now_ms_ = day_0, next_ = 0, late_ = 0, junk_ = 0;
};

// A seed's run, from its first event to its verdict.
std::string verdict_of(std::uint64_t seed, memory_rows& rows, std::map<std::string, int>& reached) {
    rows.clear();
    analytics_world one(seed, rows);
    one.live();
    for (const auto& [what, times] : one.reached) reached[what] += times;
    return one.verdict();
}

TEST(analytics_simulation, windows_are_what_a_batch_gives_whatever_happens) {
    const auto* first = std::getenv("STOA_TEST_SEED");
    const auto* many = std::getenv("STOA_TEST_SEEDS");
    const std::uint64_t from = first ? std::stoull(first) : 1,
                        count = many ? std::stoull(many) : 1'000;
    memory_rows rows({});
    std::map<std::string, int> reached;
    for (auto seed = from; seed < from + count; ++seed)
        ASSERT_EQ(verdict_of(seed, rows, reached), "")
            << "repeat: STOA_TEST_SEED=" << seed << " STOA_TEST_SEEDS=1 ./dev test simulation";
    if (count < 50) return;
    for (const auto* state : {"died", "refused", "answer_lost", "analytics_taken_over"})
        EXPECT_GT(reached[state], 0) << "no run has met it: " << state;
}

// Each bug of the windows in base/planted.hpp is found within a thousand seeds.
class planted_window_bugs : public ::testing::TestWithParam<planted_bug> {};

TEST_P(planted_window_bugs, are_caught_within_a_thousand_seeds) {
    memory_rows rows({});
    std::map<std::string, int> reached;
    std::string verdict;
    std::uint64_t seed = 0;
    planted_now = GetParam();
    while (verdict.empty() && seed < 1'000) verdict = verdict_of(++seed, rows, reached);
    planted_now = planted_bug::none;
    EXPECT_FALSE(verdict.empty());
    std::printf("%-50s seed %4llu: %s\n", std::string(word_of(GetParam())).c_str(),
                static_cast<unsigned long long>(seed), verdict.c_str());
}

INSTANTIATE_TEST_SUITE_P(each, planted_window_bugs, ::testing::ValuesIn(window_bugs()),
                         [](const auto& info) { return std::string(word_of(info.param)); });

}  // namespace
}  // namespace stoa::simulation
