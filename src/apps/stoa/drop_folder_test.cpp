#include "apps/stoa/drop_folder.hpp"

#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace stoa {
namespace {

namespace fs = std::filesystem;
constexpr const char* id = "0190a000-0000-7000-8000-000000000001";

class drop_folder_test : public ::testing::Test {
 protected:
    drop_folder_test() : root_(directory_.path()), folder_(drop_folder::open(root_.string())) {}

    void put(const std::string& name, const std::string& content = "sku\n") const {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << content;
    }
    std::vector<std::string> waiting() const {
        std::vector<std::string> out;
        for (const auto& each : folder_->waiting()) out.push_back(each.name);
        return out;
    }

    testing::temporary_directory directory_;
    fs::path root_;
    result<drop_folder> folder_;
};

using names = std::vector<std::string>;

TEST_F(drop_folder_test, what_is_no_ones_starves_nobody) {
    for (int i = 0; i < 300; ++i) put("note-" + std::to_string(i) + ".txt");
    for (int i = 0; i < 150; ++i) put("pictures/MUG/" + std::to_string(i) + ".png");
    put("one.csv");
    put("two.CSV");
    const auto there = waiting();
    EXPECT_EQ(std::ranges::count(there, "one.csv"), 1);
    EXPECT_EQ(std::ranges::count(there, "two.CSV"), 1);
    EXPECT_EQ(there.size(), 102u);
}

TEST_F(drop_folder_test, a_long_name_keeps_its_end_and_has_its_report) {
    put(std::string(247, 'n') + ".csv");
    const auto file = folder_->waiting().at(0);
    EXPECT_TRUE(folder_->take(file, id).value());
    const auto taken = folder_->taken().at(0);
    EXPECT_TRUE(taken.name.ends_with("n.csv"));
    const auto as = drop_folder::name_with(taken.id, taken.name);
    ASSERT_TRUE(folder_->finish(taken.path, as, true, "{}"));
    EXPECT_TRUE(fs::exists(root_ / "done" / as));
    EXPECT_TRUE(fs::exists(root_ / "done" / (as + ".report.json")));
}

TEST_F(drop_folder_test, a_file_that_is_written_again_or_gone_is_not_taken) {
    put("a.csv");
    const auto file = folder_->waiting().at(0);
    {
        std::ofstream again(root_ / "a.csv", std::ios::app);
        EXPECT_FALSE(folder_->take(file, id).value());
    }
    EXPECT_TRUE(folder_->take(file, id).value());
    EXPECT_FALSE(folder_->take(file, id).value());
}

TEST_F(drop_folder_test, what_is_being_written_or_was_failed_lately_is_told_apart) {
    std::ofstream open(root_ / "open.csv");
    put("whole.csv");
    put("pictures/MUG/a.png");
    const auto there = folder_->waiting({root_ / "pictures/MUG/a.png"});
    ASSERT_EQ(there.size(), 2u);
    for (const auto& each : there) EXPECT_EQ(each.is_open, each.name == "open.csv");
}

// As another user than the file's, which takes a process of its own: root may read everything.
TEST_F(drop_folder_test, a_file_that_the_shop_may_not_read_is_named) {
    put("closed.csv");
    fs::permissions(root_ / "closed.csv", fs::perms::none);
    const auto child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (chown(root_.c_str(), 65534, 65534) != 0 || setuid(65534) != 0))
            _exit(2);
        const auto there = folder_->waiting();
        const auto taken = there.size() == 1 ? folder_->take(there[0], id) : result<bool>(true);
        _exit(!taken && taken.error().code == "file_unreadable" ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(drop_folder_test, a_folder_that_was_tidied_away_comes_back_and_one_that_cannot_be_is_told) {
    put("a.csv");
    put("b.csv");
    for (const auto& each : folder_->waiting())
        ASSERT_TRUE(folder_->take(each, std::string(id).replace(35, 1, each.name.substr(0, 1))));
    const auto taken = folder_->taken();
    ASSERT_EQ(taken.size(), 2u);
    fs::remove_all(root_ / "done");
    EXPECT_TRUE(folder_->finish(taken[0].path, "first", true, "{}"));
    EXPECT_TRUE(fs::exists(root_ / "done" / "first"));
    fs::remove_all(root_ / "done");
    std::ofstream(root_ / "done") << "a file";
    const auto stuck = folder_->finish(taken[1].path, "second", true, "{}");
    ASSERT_FALSE(stuck);
    EXPECT_EQ(stuck.error().code, "file_not_moved");
    EXPECT_TRUE(fs::exists(taken[1].path));
}

}  // namespace
}  // namespace stoa
