// The function against objects and a shop in memory: cut off, called again and killed at any point,
// the shop ends with the rows of the file, each applied once, and every bad row is told once.
#include "services/product/product_import_function.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <map>

namespace stoa::products {
namespace {

struct killed {};

class memory_objects final : public object_store {
 public:
    task<result<object_range>> read(object_name what, std::int64_t at_byte,
                                    std::size_t most) override {
        const auto found = all.find(what.key);
        if (found == all.end()) co_return fail(errc::not_found, "blob_not_found");
        const auto& text = found->second;
        const auto etag = std::to_string(stable_hash(text));
        if (!what.etag.empty() && what.etag != etag)
            co_return fail(errc::conflict, "object_changed");
        const auto at = std::min(static_cast<std::size_t>(at_byte), text.size());
        co_return object_range{text.substr(at, most), std::ssize(text), etag, {}};
    }
    task<result<void>> write(object_name what, std::string content, std::string) override {
        all[what.key] = std::move(content);
        co_return result<void>();
    }
    task<result<void>> erase(object_name what) override {
        all.erase(what.key);
        co_return result<void>();
    }
    std::map<std::string, std::string> all;
};

// Keeps what came of (source, first row), as the shop does; a row whose first cell is `bad` is one.
class memory_shop final : public row_importer {
 public:
    task<result<rows_report>> import_rows(rows_request wanted) override {
        if (calls_until_killed == 0) throw killed();
        --calls_until_killed;
        if (cuts_differently) co_return fail(errc::conflict, std::string(rows_cut_differently));
        if (refusals > 0) {
            --refusals;
            co_return fail(errc::unavailable, "busy");
        }
        const auto key = wanted.source + '#' + std::to_string(wanted.first_row);
        const bool before = known.contains(key);
        if (!before) known[key] = apply(wanted);
        if (calls_until_killed == 0 && dies_after) throw killed();
        co_return known[key];
    }
    rows_report apply(const rows_request& wanted) {
        rows_report out;
        csv_reader reader;
        bool header = true;
        const auto take = [&] {
            while (const auto row = reader.next()) {
                if (std::exchange(header, false)) continue;
                const auto n = wanted.first_row + out.rows++;
                const bool bad = !*row || (*row)->fields.front() == "bad";
                if (bad) out.errors.push_back({.row = n, .line = 0, .code = "bad"});
                else ++applied[(*row)->fields.front()];
                out.bad += bad;
                out.created += !bad;
            }
        };
        reader.feed(wanted.csv);
        take();
        reader.finish();
        take();
        return out;
    }
    std::map<std::string, rows_report> known;
    std::map<std::string, int> applied;  // by name
    int calls_until_killed = -1, refusals = 0;
    bool cuts_differently = false;
    bool dies_after = false;  // the batch was applied, its answer lost
};

class product_import : public ::testing::Test {
 protected:
    // A new process.
    result<functions::outcome> call(functions::object_created object,
                                    seconds lasts = seconds(300)) {
        product_import_function one(
            {objects, shop, time, random, measured,
             [](std::string_view text) { return std::to_string(stable_hash(text)); }},
            settings);
        functions::trigger what{.from = functions::event_source::s3};
        what.records.push_back({.id = "r", .objects = {std::move(object)}});
        return io.run([&] { return one.handle(what, {.deadline = time.ticks() + lasts}); });
    }
    functions::object_created put(std::string text, std::string sequencer = {}) {
        objects.all["a.csv"] = text;
        return {.bucket = "b",
                .key = "a.csv",
                .etag = std::to_string(stable_hash(text)),
                .sequencer = std::move(sequencer)};
    }
    file_report report() {
        return from_json<file_report>(objects.all[report_key("a.csv")]).value_or(file_report{});
    }
    static std::string rows(int n) {
        std::string out = "name,price\r\n";
        for (int i = 0; i < n; ++i)
            out += i % 7 == 3 ? "bad,1\r\n\n" : "\"p\n" + std::to_string(i) + "\",1\r\n";
        return out;
    }
    void each_is_there_once(int n) {
        int good = 0;
        for (int i = 0; i < n; ++i) {
            if (i % 7 == 3) continue;
            ++good;
            EXPECT_EQ(shop.applied["p\n" + std::to_string(i)], 1) << i;
        }
        EXPECT_EQ(report().status, file_import_status::done);
        EXPECT_EQ(report().rows, n);
        EXPECT_EQ(report().created, good);
        EXPECT_EQ(report().bad, n - good);
        ASSERT_EQ(std::ssize(report().errors), n - good);
        for (std::size_t i = 0; i < report().errors.size(); ++i) {
            const auto row = static_cast<std::int64_t>(i) * 7 + 4;
            EXPECT_EQ(report().errors[i].row, row);
            // Six rows of two lines, and a bad one with a blank line behind it.
            EXPECT_EQ(report().errors[i].line, 2 + 6 + static_cast<std::int64_t>(i) * 14) << i;
        }
    }

    memory_objects objects;
    memory_shop shop;
    testing::manual_clock time;
    testing::seeded_random random{1};
    metrics measured;
    testing::test_loop io;
    product_import_settings settings{.range_bytes = 13, .batch_rows = 5, .batch_bytes = 4096};
};

TEST_F(product_import, a_file_is_cut_anywhere_and_read_the_same) {
    for (std::size_t range = 2; range < 40; ++range) {
        shop = {};
        objects = {};
        settings.range_bytes = range;
        ASSERT_TRUE(call(put(rows(40)))->failed.empty());
        each_is_there_once(40);
    }
}
TEST_F(product_import, killed_at_any_batch_before_or_after_it_was_applied_it_ends_the_same) {
    for (const bool after : {false, true}) {
        for (int at = 0; at < 8; ++at) {
            shop = {};
            objects = {};
            shop.dies_after = after;
            settings.save_every = milliseconds(at % 2 == 0 ? 0 : 15'000);
            const auto object = put(rows(40));
            shop.calls_until_killed = at;
            EXPECT_THROW((void)call(object), killed) << at;
            shop.calls_until_killed = -1;
            for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(object)->failed.empty());
            each_is_there_once(40);
        }
    }
}
TEST_F(product_import, near_the_deadline_the_next_call_goes_on) {
    const auto object = put(rows(40));
    shop.refusals = 1'000'000;
    settings.first_retry = settings.longest_retry = milliseconds(0);
    for (int i = 0; i < 3; ++i) {
        // No time is left for a first batch; what is left of a call that is too short is nothing.
        const auto done = call(object, seconds(0));
        ASSERT_EQ(done->failed.size(), 1U);
        EXPECT_EQ(done->failed.front().why.code, "import_unfinished");
        EXPECT_TRUE(functions::worth_another_try(done->failed.front().why));
    }
    EXPECT_EQ(report().status, file_import_status::running);
    shop.refusals = 3;  // and then it answers
    EXPECT_TRUE(call(object)->failed.empty());
    each_is_there_once(40);
}
TEST_F(product_import, an_older_version_is_passed_over_and_a_newer_one_begins_anew) {
    const auto object = put(rows(5), "02");
    ASSERT_TRUE(call(object)->failed.empty());
    ASSERT_TRUE(call(put(rows(9), "01"))->failed.empty());
    EXPECT_EQ(report().rows, 5);
    ASSERT_TRUE(call(put(rows(9), "03"))->failed.empty());
    EXPECT_EQ(report().rows, 9);
    // What the event told of was replaced since, and has an event of its own.
    ASSERT_TRUE(call(object)->failed.empty());
    EXPECT_EQ(report().rows, 9);
}
TEST_F(product_import, a_record_without_end_is_passed_over_without_being_kept) {
    settings.range_bytes = 1 << 20;
    auto text = "name,price\r\na,1\r\n\"" + std::string(5 << 20, 'x') + "\",1\r\n";
    const auto line = text.size();
    text += "b,1\r\nbad,1\r\n\"open,1\r\n";
    ASSERT_GT(line, std::size_t{5} << 20);
    ASSERT_TRUE(call(put(text))->failed.empty());
    EXPECT_EQ(shop.applied, (std::map<std::string, int>{{"a", 1}, {"b", 1}}));
    const auto told = report();
    EXPECT_EQ(told.rows, 5);
    EXPECT_EQ(told.bad, 3);
    ASSERT_EQ(told.errors.size(), 3U);
    EXPECT_EQ(told.errors[0].row, 2);
    EXPECT_EQ(told.errors[0].line, 3);
    EXPECT_EQ(told.errors[0].code, "record_too_long");
    EXPECT_EQ(told.errors[1].row, 4);
    EXPECT_EQ(told.errors[2].row, 5);
}
TEST_F(product_import, what_cannot_be_read_is_told_beside_the_object_and_done) {
    for (const auto* text : {"", "\r\n", "sku\r\nA\r\n", "\"name,price\r\n"}) {
        ASSERT_TRUE(call(put(text))->failed.empty()) << text;
        EXPECT_EQ(report().status, file_import_status::failed) << text;
        EXPECT_TRUE(report().failure) << text;
    }
    EXPECT_TRUE(shop.known.empty());
}
TEST_F(product_import, rows_that_the_shop_knows_in_another_cut_end_the_file_with_a_report) {
    shop.cuts_differently = true;
    ASSERT_TRUE(call(put(rows(40)))->failed.empty());  // it would not be better another time
    EXPECT_EQ(report().status, file_import_status::failed);
    EXPECT_TRUE(report().failure);
}
TEST_F(product_import, a_message_that_is_no_notification_fails_for_good) {
    product_import_function one(
        {objects, shop, time, random, measured, [](std::string_view) { return std::string("x"); }});
    functions::trigger what{.from = functions::event_source::sqs};
    what.records.push_back({.id = "r", .said = {.body = "hello"}});
    what.records.push_back({.id = "trial"});
    const auto done = io.run([&] { return one.handle(what, {}); });
    ASSERT_EQ(done->failed.size(), 1U);
    EXPECT_EQ(done->failed.front().id, "r");
    EXPECT_FALSE(functions::worth_another_try(done->failed.front().why));
}

}  // namespace
}  // namespace stoa::products
