// Records that are no events, and events that no handler can apply: all of them in the dead
// letters, and whoever stands behind them is not held up.
#include "engines/kafka_support.hpp"
#include "transport/events/consumer.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

struct told {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(told, (), (text))

using steady = std::chrono::steady_clock;

class listener {
 public:
    task<result<void>> on_told(delivery what, told payload) {
        if (payload.text == "bad") co_return fail(errc::invalid, "no_such_thing", "as it says");
        applied[what.message.id] = steady::now();
        co_return result<void>{};
    }
    std::map<std::string, steady::time_point> applied;
};
constexpr event_handler rows[] = {on_event<&listener::on_told>("news", "news.told")};

using header_list = std::vector<std::pair<std::string, std::string>>;

struct poison {
    std::string name, cause;
    kafka_record record;
};

// A record that would be fine; each kind spoils one thing.
kafka_record fine(const std::string& key) {
    return {.topic = {},
            .partition = 0,
            .key = key,
            .value = R"({"text":"fine"})",
            .headers = {{"id", key + "-id"},
                        {"type", "news.told"},
                        {"version", "1"},
                        {"schema_version", "1"},
                        {"occurred_at", "2026-11-21T12:00:00.000000Z"}}};
}
void set(kafka_record& in, const std::string& name, std::string value) {
    for (auto& [header, old] : in.headers)
        if (header == name) old = value;
}
void drop(kafka_record& in, const std::string& name) {
    std::erase_if(in.headers, [&](const auto& each) { return each.first == name; });
}

class kinds {
 public:
    void add(std::string cause, const std::function<void(kafka_record&)>& spoil) {
        const auto key = "poison-" + std::to_string(all.size());
        auto record = fine(key);
        spoil(record);
        all.push_back({key, std::move(cause), std::move(record)});
    }
    void header(const std::string& name, std::vector<std::string> values) {
        for (const auto& each : values)
            add("record_ill_formed", [&](kafka_record& r) { set(r, name, each); });
    }
    void payloads(const std::string& cause, std::vector<std::string> values) {
        for (const auto& each : values) add(cause, [&](kafka_record& r) { r.value = each; });
    }
    std::vector<poison> all;
};

std::vector<poison> fifty_kinds() {
    kinds out;
    const std::string long_word(300, 'x'), bad_text("\xff\xfe"), with_nul("a\0b", 3);
    for (const char* name : {"id", "type", "version"})
        out.add("record_ill_formed", [&](kafka_record& r) { drop(r, name); });
    for (const char* name : {"id", "type", "version", "schema_version", "occurred_at"})
        out.add("record_ill_formed",
                [&](kafka_record& r) { r.headers.emplace_back(name, "again"); });
    out.add("record_ill_formed", [](kafka_record& r) { r.headers.clear(); });
    out.header("id", {"", long_word, bad_text, with_nul});
    out.header("type", {"", long_word, bad_text, with_nul});
    out.header("version", {"", "-1", "x", "1.5", "1e3", " 1", "9223372036854775808",
                           "00000000000000000000001", bad_text});
    out.header("schema_version", {"2", "-1", "new", "999999999999999999999"});
    out.header("occurred_at", {"yesterday", "2026-13-01T00:00:00Z", "1790000000", bad_text,
                               std::string(100, '0')});
    out.add("record_ill_formed",
            [&](kafka_record& r) { r.headers.emplace_back("traceparent", long_word); });
    out.add("record_ill_formed", [](kafka_record& r) { r.value.clear(); });
    out.add("record_ill_formed", [&](kafka_record& r) { r.key = bad_text; });
    out.add("record_ill_formed", [&](kafka_record& r) { r.key = with_nul; });
    out.payloads("payload_ill_formed",
                 {"{", "null", "[]", "42", "\"text\"", "{\"text\":1}", "{\"text\":null}", "{}",
                  "{\"text\":\"fine\"", "{\"text\":\"\xff\"}", "{'text':'fine'}", " ", "\n",
                  std::string("\0\0\0\0", 4), std::string(100'000, '['),
                  "\xef\xbb\xbf{\"text\":\"fine\"}x", "{\"text\":\"fine\"} trailing"});
    out.payloads("no_such_thing", {R"({"text":"bad"})"});
    return out.all;
}

class kafka_poison : public ::testing::Test {
 protected:
    kafka_poison() : store_(directory_ / "data") {
        testing::make_topics(options_);
        auto opened = kafka_event_log::open(options_, store_.items(), time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        log_ = *std::move(opened);
        if (!raw_.open()) throw std::runtime_error("no producer");
    }
    ~kafka_poison() override {
        io_.run([this] { return tasks_.stop(); }, std::chrono::seconds(10));
    }
    void send(kafka_record record, int partition) {
        record.topic = options_.prefix + "news";
        record.partition = partition;
        ASSERT_TRUE(io_.run([&] {
            std::vector<kafka_record> one{record};
            return raw_.send(std::move(one));
        }));
    }

    testing::temporary_directory directory_;
    testing::test_loop io_;
    kafka_options options_ = testing::kafka_test_options();
    testing::kafka_test_store store_;
    system_clock time_;
    system_random random_;
    metrics measured_;
    kafka_troubles troubles_{options_};
    kafka_producer raw_{options_, troubles_};
    std::unique_ptr<kafka_event_log> log_;
    supervisor tasks_{io_.on()};
    listener to_;
};

TEST_F(kafka_poison, every_kind_is_a_dead_letter_with_its_cause_and_holds_nobody_up) {
    const auto all = fifty_kinds();
    ASSERT_GE(all.size(), 50U);
    ASSERT_TRUE(
        start_consumer({"listener", rows, &to_}, *log_, time_, random_, measured_, tasks_, {}));
    std::vector<event> first{testing::told_event("first", 0)};
    ASSERT_TRUE(io_.run([&] { return log_->append(first); }));
    ASSERT_TRUE(io_.run_until([&] { return to_.applied.contains("first-0"); }));

    std::map<std::string, steady::time_point> sent;
    for (std::size_t i = 0; i < all.size(); ++i) {
        // Behind each of them, in its partition: a good one of another key, and a good one of its
        // own.
        const int partition = partition_of(all[i].record.key, 4);
        send(all[i].record, partition);
        auto good = fine("good-" + std::to_string(i));
        send(good, partition);
        sent["good-" + std::to_string(i) + "-id"] = steady::now();
        auto behind = fine(all[i].record.key);
        set(behind, "id", all[i].name + "-behind");
        if (!all[i].record.key.starts_with("poison")) continue;  // its key is no text
        send(behind, partition);
    }
    ASSERT_TRUE(io_.run_until([&] { return to_.applied.size() == 1 + sent.size(); }));
    for (const auto& [id, at] : sent)
        EXPECT_LE(to_.applied[id] - at, std::chrono::seconds(1)) << id;

    const auto letters_of = [&](const std::string& key) {
        return io_.run([&] { return log_->dead_letters("listener", "news", key, 10); }).value();
    };
    for (const auto& each : all) {
        std::vector<dead_letter> letters;
        const bool text_key = each.record.key.starts_with("poison");
        ASSERT_TRUE(io_.run_until([&] {
            letters = letters_of(each.record.key);
            return letters.size() == (text_key ? 2U : 1U);
        })) << each.name
            << ": " << letters.size();
        EXPECT_EQ(letters[0].code, each.cause) << each.name;
        EXPECT_FALSE(letters[0].detail.empty()) << each.name;
        EXPECT_EQ(letters[0].what.message.payload, each.record.value) << each.name;
        if (!text_key) continue;
        EXPECT_EQ(letters[1].code, "behind_a_dead_letter");
        EXPECT_EQ(letters[1].what.message.id, each.name + "-behind");
        EXPECT_FALSE(to_.applied.contains(each.name + "-behind"));
    }
}

}  // namespace
}  // namespace stoa
