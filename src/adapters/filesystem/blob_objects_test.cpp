// Ranges of a shop's own objects, on real files: one after the other they are read once.
#include "ports/blob_objects.hpp"

#include "adapters/filesystem/filesystem_blob.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::testing {
namespace {

// Counts what is asked of the store.
class counted_blobs final : public blob_store {
 public:
    explicit counted_blobs(blob_store& in) : in_(in) {}
    task<result<blob_info>> put(std::string b, std::string k, std::string content) override {
        return in_.put(std::move(b), std::move(k), std::move(content));
    }
    task<result<std::string>> get(std::string b, std::string k) override {
        return in_.get(std::move(b), std::move(k));
    }
    task<result<std::unique_ptr<blob_writer>>> create(std::string b, std::string k) override {
        return in_.create(std::move(b), std::move(k));
    }
    task<result<std::unique_ptr<blob_reader>>> open(std::string b, std::string k) override {
        ++opened;
        return in_.open(std::move(b), std::move(k));
    }
    task<result<std::vector<blob_info>>> list(std::string b, std::string prefix) override {
        ++listed;
        return in_.list(std::move(b), std::move(prefix));
    }
    task<result<void>> erase(std::string b, std::string k) override {
        return in_.erase(std::move(b), std::move(k));
    }
    int opened = 0, listed = 0;

 private:
    blob_store& in_;
};

class blob_objects_test : public ::testing::Test {
 protected:
    void put(const std::string& content) {
        ASSERT_TRUE(loop_.run([&] { return store_->put("one", "large", content); }));
    }
    result<object_range> read(std::int64_t at, std::size_t most, std::string etag = {}) {
        return loop_.run([&] {
            return objects_.read(
                {.bucket = "one", .key = "large", .version = {}, .etag = std::move(etag)}, at,
                most);
        });
    }
    static std::string noise(std::size_t size) {
        std::string out(size, 0);
        for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 2'654'435'761 >> 13);
        return out;
    }

    temporary_directory directory_;
    test_loop loop_;
    blocking_pool pool_{"test-files", 1, 64};
    std::unique_ptr<filesystem_blob> store_ =
        filesystem_blob::open(directory_ / "blobs", pool_).value();
    counted_blobs counted_{*store_};
    blob_objects objects_{counted_};
};

TEST_F(blob_objects_test, ranges_one_after_the_other_open_the_object_once) {
    const auto whole = noise((3 << 20) + 17);
    put(whole);
    std::string got, etag;
    for (;;) {
        const auto next = read(std::ssize(got), 10'000, etag);
        ASSERT_TRUE(next) << next.error().detail;
        ASSERT_EQ(next->size_bytes, std::ssize(whole));
        etag = next->etag;
        got += next->bytes;
        if (next->bytes.size() < 10'000) break;
    }
    EXPECT_EQ(got, whole);
    EXPECT_EQ(counted_.opened, 1);
    EXPECT_EQ(counted_.listed, 1);
}

TEST_F(blob_objects_test, any_place_can_be_read_and_the_end_is_empty) {
    const auto whole = noise(1 << 20);
    put(whole);
    for (const std::int64_t at : {700'000, 3, 0, 1 << 20, 512 * 1'024, 700'000}) {
        const auto got = read(at, 1'000);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->bytes, whole.substr(static_cast<std::size_t>(at), 1'000)) << at;
    }
}

TEST_F(blob_objects_test, an_object_that_is_replaced_meanwhile_is_read_to_its_end_or_refused) {
    const auto whole = noise(600'000);
    put(whole);
    const auto first = read(0, 300'000);
    ASSERT_TRUE(first);
    put("another");
    const auto rest = read(300'000, 300'000, first->etag);
    ASSERT_TRUE(rest);
    EXPECT_EQ(first->bytes + rest->bytes, whole);
    // From the beginning it is the new one, which is not the one that is meant.
    const auto again = read(0, 10, first->etag);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "object_changed");
    EXPECT_EQ(read(0, 10)->bytes, "another");
}

TEST_F(blob_objects_test, what_is_not_there_is_not_found) {
    EXPECT_EQ(read(0, 10).error().kind, errc::not_found);
    put("x");
    EXPECT_EQ(read(0, 10)->bytes, "x");
    ASSERT_TRUE(loop_.run([&] { return store_->erase("one", "large"); }));
    EXPECT_EQ(read(0, 10).error().kind, errc::not_found);
}

}  // namespace
}  // namespace stoa::testing
