// What every engine of the blob port keeps.
#include "contract/blob_engine.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

class blob_contract : public ::testing::TestWithParam<blob_kind> {
 protected:
    void SetUp() override { restart(); }
    void restart() { store_ = GetParam().open(directory_.path(), pool_); }
    template <class Body>
    auto run(Body body) {
        return loop_.run(std::move(body));
    }
    result<blob_info> put(std::string bucket, std::string key, std::string content) {
        return run([&]() -> task<result<blob_info>> {
            co_return co_await store_->put(bucket, key, content);
        });
    }
    result<std::string> get(std::string bucket, std::string key) {
        return run(
            [&]() -> task<result<std::string>> { co_return co_await store_->get(bucket, key); });
    }
    std::vector<std::string> keys(std::string bucket, std::string prefix) {
        std::vector<std::string> out;
        const auto found = run([&]() -> task<result<std::vector<blob_info>>> {
            co_return co_await store_->list(bucket, prefix);
        });
        EXPECT_TRUE(found);
        for (const auto& each : *found) out.push_back(each.key);
        return out;
    }
    std::unique_ptr<blob_writer> create(std::string bucket, std::string key) {
        auto made = run([&]() -> task<result<std::unique_ptr<blob_writer>>> {
            co_return co_await store_->create(bucket, key);
        });
        EXPECT_TRUE(made);
        return *std::move(made);
    }

    temporary_directory directory_;
    test_loop loop_;
    blocking_pool pool_{"test-blob", 2, 64};
    std::unique_ptr<blob_store> store_;
};

TEST_P(blob_contract, an_object_comes_back_as_it_was_put) {
    const std::string content("bytes\0and\xff more", 15);
    const auto info = put("images", "products/p1/small.jpg", content);
    ASSERT_TRUE(info) << info.error().detail;
    EXPECT_EQ(info->size_bytes, 15);
    EXPECT_EQ(get("images", "products/p1/small.jpg").value(), content);
    restart();
    EXPECT_EQ(get("images", "products/p1/small.jpg").value(), content);
}

TEST_P(blob_contract, an_absent_object_is_not_found) {
    EXPECT_EQ(get("images", "nothing").error().kind, errc::not_found);
    ASSERT_TRUE(put("images", "a/b", "x"));
    EXPECT_EQ(get("images", "a").error().kind, errc::not_found);
    EXPECT_EQ(get("images", "a/b/c").error().kind, errc::not_found);
}

TEST_P(blob_contract, the_etag_changes_with_the_content_and_only_with_it) {
    const auto first = put("images", "k", "one"), same = put("images", "k", "one"),
               other = put("images", "k", "two");
    EXPECT_EQ(first->etag, same->etag);
    EXPECT_NE(first->etag, other->etag);
    const auto listed = run([&]() -> task<result<std::vector<blob_info>>> {
        co_return co_await store_->list("images", "");
    });
    ASSERT_EQ(listed->size(), 1u);
    EXPECT_EQ(listed->front().etag, other->etag);
    EXPECT_EQ(listed->front().size_bytes, 3);
}

TEST_P(blob_contract, keys_outside_the_allowed_characters_are_invalid) {
    for (const std::string key :
         {"", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\\b", "~a", "a b"}) {
        EXPECT_EQ(put("images", key, "x").error().kind, errc::invalid) << key;
        EXPECT_EQ(get("images", key).error().kind, errc::invalid) << key;
    }
    EXPECT_EQ(put("images", std::string("a\0b", 3), "x").error().kind, errc::invalid);
    EXPECT_EQ(put("images", std::string(2000, 'a'), "x").error().kind, errc::invalid);
    EXPECT_EQ(put("../images", "a", "x").error().kind, errc::invalid);
    EXPECT_EQ(put("", "a", "x").error().kind, errc::invalid);
}

TEST_P(blob_contract, a_list_has_the_keys_under_a_prefix_in_order) {
    for (const char* key : {"b/2", "a", "b/1", "bc"}) ASSERT_TRUE(put("images", key, "x"));
    EXPECT_EQ(keys("images", ""), (std::vector<std::string>{"a", "b/1", "b/2", "bc"}));
    EXPECT_EQ(keys("images", "b"), (std::vector<std::string>{"b/1", "b/2", "bc"}));
    EXPECT_EQ(keys("images", "b/"), (std::vector<std::string>{"b/1", "b/2"}));
    EXPECT_TRUE(keys("nothing", "").empty());
}

TEST_P(blob_contract, erasing_is_final_and_erasing_an_absent_object_is_fine) {
    ASSERT_TRUE(put("images", "a/b", "x"));
    const auto erase = [&](std::string key) {
        return run(
            [&]() -> task<result<void>> { co_return co_await store_->erase("images", key); });
    };
    EXPECT_TRUE(erase("a/b"));
    EXPECT_TRUE(erase("a/b"));
    EXPECT_TRUE(erase("a"));
    EXPECT_EQ(get("images", "a/b").error().kind, errc::not_found);
}

TEST_P(blob_contract, an_upload_appears_whole_with_finish) {
    auto writer = create("exports", "orders.csv");
    const auto append = [&](std::string chunk) {
        return run([&]() -> task<result<void>> { co_return co_await writer->append(chunk); });
    };
    ASSERT_TRUE(append("one,"));
    EXPECT_EQ(get("exports", "orders.csv").error().kind, errc::not_found);
    EXPECT_TRUE(keys("exports", "").empty());
    ASSERT_TRUE(append("two"));
    const auto info =
        run([&]() -> task<result<blob_info>> { co_return co_await writer->finish(); });
    ASSERT_TRUE(info);
    EXPECT_EQ(info->size_bytes, 7);
    EXPECT_EQ(get("exports", "orders.csv").value(), "one,two");
}

TEST_P(blob_contract, an_upload_that_is_dropped_leaves_nothing) {
    {
        auto writer = create("exports", "dropped");
        ASSERT_TRUE(run([&]() -> task<result<void>> { co_return co_await writer->append("x"); }));
    }
    EXPECT_TRUE(keys("exports", "").empty());
    EXPECT_EQ(get("exports", "dropped").error().kind, errc::not_found);
}

TEST_P(blob_contract, a_reader_reads_in_pieces_and_keeps_what_it_opened) {
    ASSERT_TRUE(put("exports", "k", "abcdefg"));
    auto reader = run([&]() -> task<result<std::unique_ptr<blob_reader>>> {
        co_return co_await store_->open("exports", "k");
    });
    ASSERT_TRUE(reader);
    EXPECT_EQ((*reader)->size_bytes(), 7);
    const auto read = [&] {
        return run([&]() -> task<result<std::string>> { co_return co_await (*reader)->read(4); })
            .value();
    };
    EXPECT_EQ(read(), "abcd");
    ASSERT_TRUE(put("exports", "k", "REPLACED"));
    EXPECT_EQ(read(), "efg");
    EXPECT_EQ(read(), "");
}

INSTANTIATE_TEST_SUITE_P(engines, blob_contract, ::testing::ValuesIn(blob_engines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace stoa::testing
