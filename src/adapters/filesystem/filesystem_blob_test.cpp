// What the blob contract cannot see: how often the disk is synced, and what a failed sync means.
#include "adapters/filesystem/filesystem_blob.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <future>
#include <map>

namespace stoa::testing {
namespace {

// Counts syncs; those with an error number set fail with it and sync nothing.
class counted_disk final : public files::disk {
 public:
    int make_directory(const std::string& path) override {
        const int failed = disk::make_directory(path);
        made += failed == 0;
        return failed;
    }
    int write(int descriptor, std::string_view bytes) override {
        return write_error ? write_error.load() : disk::write(descriptor, bytes);
    }
    int sync_file(int descriptor) override {
        ++files;
        return file_error ? file_error.load() : disk::sync_file(descriptor);
    }
    int sync_file_system(int descriptor) override {
        ++file_systems;
        return file_system_error ? file_system_error.load() : disk::sync_file_system(descriptor);
    }
    int sync_directory(const std::string& path) override {
        ++directories;
        return fail_directory == directories ? EIO : disk::sync_directory(path);
    }
    void forget() { files = file_systems = directories = made = 0; }
    std::atomic<int> files{0}, file_systems{0}, directories{0}, made{0};
    std::atomic<int> write_error{0}, file_error{0}, file_system_error{0};
    std::atomic<int> fail_directory{0};  // the n-th
};

class filesystem_blob_test : public ::testing::Test {
 protected:
    using outcome = result<blob_info>;
    struct object {
        std::string bucket, key, content = "x";
    };

    void SetUp() override {
        store_ = filesystem_blob::open(directory_ / "blobs", pool_, disk_).value();
        for (const char* bucket : {"one", "two"}) ASSERT_TRUE(put_all({{bucket, "first"}})[0]);
        disk_->forget();
    }
    // All of them while the pool's only thread is held, so that they wait together.
    std::vector<outcome> put_all(const std::vector<object>& all, bool drop_store = false) {
        std::promise<void> holds, release;
        EXPECT_TRUE(pool_.post([&holds, held = release.get_future()] {
            holds.set_value();
            held.wait();
        }));
        // Else the thread may still be at the queue, which takes what comes meanwhile.
        holds.get_future().wait();
        std::vector<outcome> out(all.size(), std::unexpected(error{.code = "not_answered"}));
        std::size_t done = 0;
        for (std::size_t i = 0; i < all.size(); ++i)
            loop_.spawn([&, i]() -> task<> {
                out[i] = co_await store_->put(all[i].bucket, all[i].key, all[i].content);
                ++done;
            });
        loop_.drain();
        if (drop_store) store_.reset();
        release.set_value();
        EXPECT_TRUE(loop_.run_until([&] { return done == all.size(); }));
        return out;
    }
    static std::vector<object> many(const std::string& bucket, int n) {
        std::vector<object> out;
        for (int i = 0; i < n; ++i) out.push_back({bucket, "k" + std::to_string(i)});
        return out;
    }
    // Of every file below, temporary ones too.
    std::vector<std::string> files_in(const std::string& bucket) {
        std::vector<std::string> out;
        for (const auto& each :
             std::filesystem::recursive_directory_iterator(directory_ / "blobs/" + bucket))
            if (each.is_regular_file()) out.push_back(each.path().filename());
        std::ranges::sort(out);
        return out;
    }
    std::string content(const std::string& bucket, const std::string& key) {
        return loop_.run([&] { return store_->get(bucket, key); }).value();
    }

    temporary_directory directory_;
    test_loop loop_;
    blocking_pool pool_{"test-files", 1, 64};
    std::shared_ptr<counted_disk> disk_ = std::make_shared<counted_disk>();
    std::unique_ptr<filesystem_blob> store_;
};

TEST_F(filesystem_blob_test, puts_that_wait_together_share_their_syncs) {
    for (const auto& each : put_all(many("one", 50))) EXPECT_TRUE(each);
    EXPECT_EQ(disk_->file_systems, 1);
    EXPECT_EQ(disk_->files, 0);
    EXPECT_EQ(disk_->directories, 1);
    EXPECT_EQ(files_in("one").size(), 51U);
}

TEST_F(filesystem_blob_test, each_directory_is_synced_once) {
    auto all = many("one", 10);
    for (auto& each : many("two", 10)) all.push_back(each);
    for (const auto& each : put_all(all)) EXPECT_TRUE(each);
    EXPECT_EQ(disk_->file_systems, 1);
    EXPECT_EQ(disk_->directories, 2);
}

TEST_F(filesystem_blob_test, a_lone_put_does_not_wait_for_what_others_wrote) {
    EXPECT_TRUE(put_all({{"one", "alone"}})[0]);
    EXPECT_EQ(disk_->files, 1);
    EXPECT_EQ(disk_->file_systems, 0);
    EXPECT_EQ(disk_->directories, 1);
}

TEST_F(filesystem_blob_test, a_failed_sync_fails_every_put_it_was_for_and_leaves_nothing) {
    disk_->file_system_error = EIO;
    for (const auto& each : put_all(many("one", 20))) {
        ASSERT_FALSE(each);
        EXPECT_EQ(each.error().code, "storage_failed");
    }
    EXPECT_EQ(files_in("one"), (std::vector<std::string>{"first"}));
    disk_->file_system_error = 0;
    for (const auto& each : put_all(many("one", 20))) EXPECT_TRUE(each);
}

TEST_F(filesystem_blob_test, a_failed_sync_of_a_lone_put_keeps_the_object_that_stood) {
    disk_->file_error = ENOSPC;
    const auto refused = put_all({{"one", "first", "new"}})[0];
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::storage_full);
    EXPECT_EQ(content("one", "first"), "x");
    EXPECT_EQ(files_in("one"), (std::vector<std::string>{"first"}));
}

TEST_F(filesystem_blob_test, a_failed_directory_sync_fails_the_puts_of_that_directory_only) {
    auto all = many("one", 5);
    for (auto& each : many("two", 5)) all.push_back(each);
    disk_->fail_directory = 1;
    const auto outcomes = put_all(all);
    std::map<std::string, int> failed;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!outcomes[i]) ++failed[all[i].bucket];
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed.begin()->second, 5);
}

TEST_F(filesystem_blob_test, an_object_that_cannot_have_its_name_fails_alone) {
    auto all = many("one", 6);
    all.push_back({"one", "first/below"});
    const auto outcomes = put_all(all);
    for (std::size_t i = 0; i + 1 < all.size(); ++i) EXPECT_TRUE(outcomes[i]);
    ASSERT_FALSE(outcomes.back());
    EXPECT_EQ(files_in("one").size(), 7U);
}

TEST_F(filesystem_blob_test, of_two_puts_of_one_key_the_later_stands) {
    const auto outcomes = put_all({{"one", "k", "a"}, {"one", "k", "b"}});
    EXPECT_TRUE(outcomes[0] && outcomes[1]);
    EXPECT_EQ(content("one", "k"), "b");
}

TEST_F(filesystem_blob_test, too_many_waiting_puts_are_refused_and_the_others_are_stored) {
    const auto outcomes = put_all(many("one", 600));
    std::size_t stored = 0;
    for (const auto& each : outcomes) {
        stored += each.has_value();
        if (!each) EXPECT_EQ(each.error().kind, errc::unavailable);
    }
    EXPECT_GT(stored, 0U);
    EXPECT_LT(stored, outcomes.size());
    EXPECT_EQ(files_in("one").size(), stored + 1);
}

TEST_F(filesystem_blob_test, a_write_that_does_not_fit_fails_and_leaves_nothing) {
    disk_->write_error = ENOSPC;
    const auto refused = put_all({{"one", "first", "new"}})[0];
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, errc::storage_full);
    EXPECT_EQ(content("one", "first"), "x");
    EXPECT_EQ(files_in("one"), (std::vector<std::string>{"first"}));
}

TEST_F(filesystem_blob_test, a_directory_that_was_not_synced_is_synced_by_the_next_put_through_it) {
    disk_->fail_directory = 1;
    EXPECT_FALSE(put_all({{"three", "k"}})[0]);
    EXPECT_EQ(disk_->made, 1);
    disk_->forget();
    disk_->fail_directory = 0;
    EXPECT_TRUE(put_all({{"three", "k"}})[0]);
    EXPECT_EQ(disk_->directories, 2);  // the bucket into the root, the object into the bucket
    disk_->forget();
    EXPECT_TRUE(put_all({{"three", "k"}})[0]);
    EXPECT_EQ(disk_->directories, 1);
}

TEST_F(filesystem_blob_test, directories_of_an_earlier_process_are_synced_once) {
    store_ = filesystem_blob::open(directory_ / "blobs", pool_, disk_).value();
    disk_->forget();
    EXPECT_TRUE(put_all({{"one", "a"}})[0]);
    EXPECT_EQ(disk_->directories, 2);
    disk_->forget();
    EXPECT_TRUE(put_all({{"one", "b"}})[0]);
    EXPECT_EQ(disk_->directories, 1);
}

TEST_F(filesystem_blob_test, a_new_root_and_the_way_to_it_are_synced) {
    disk_->forget();
    store_ = filesystem_blob::open(directory_ / "new/way/to/blobs/", pool_, disk_).value();
    EXPECT_EQ(disk_->made, 4);
    EXPECT_EQ(disk_->directories, 4);
    EXPECT_TRUE(put_all({{"one", "a"}})[0]);
    disk_->fail_directory = disk_->directories + 1;
    EXPECT_FALSE(filesystem_blob::open(directory_ / "other/blobs", pool_, disk_));
}

TEST_F(filesystem_blob_test, erasing_what_is_gone_syncs_its_directory) {
    const auto erase = [&](std::string key) {
        return loop_.run([&] { return store_->erase("one", key); });
    };
    disk_->fail_directory = 1;
    EXPECT_FALSE(erase("first"));
    disk_->fail_directory = 0;
    disk_->forget();
    EXPECT_TRUE(erase("first"));
    EXPECT_EQ(disk_->directories, 1);
    EXPECT_TRUE(erase("no/such/way"));
}

TEST_F(filesystem_blob_test, what_waits_when_the_store_is_let_go_is_stored) {
    for (const auto& each : put_all(many("one", 20), true)) EXPECT_TRUE(each);
    EXPECT_EQ(files_in("one").size(), 21U);
}

}  // namespace
}  // namespace stoa::testing
