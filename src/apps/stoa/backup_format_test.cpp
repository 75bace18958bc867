// The backup file as such: what was written is read, and nothing else is taken for a backup.
#include "apps/stoa/backup_format.hpp"

#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace stoa::backups {
namespace {

const header head{
    .stoa = "0.1.0", .taken_at = {1'790'000'000'000'000}, .currency = *read_currency("EUR")};

// Two sections. Three thousand records fill several frames.
std::string a_backup(int records = 3, std::int32_t format = format_version) {
    writer out;
    auto first = head;
    first.format = format;
    out.begin(first);
    out.begin_section({"shop", "rows", "products"});
    out.add("one");
    out.add("");
    out.end_section();
    out.begin_section({"shop", "items", "ecommerce-orders"});
    for (int i = 0; i < records; ++i) out.add(std::string(300, static_cast<char>('a' + i % 26)));
    out.end_section();
    out.end();
    return out.take();
}

struct content {
    std::vector<std::string> sections;
    std::vector<std::int64_t> records;
    std::string last;
};

class backup_format : public ::testing::Test {
 protected:
    result<content> read(const std::string& bytes) {
        const auto path = directory_ / "a.bak";
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
        STOA_TRY(const auto from, reader::open(path));
        content out;
        for (;;) {
            STOA_TRY(const auto section, from->next_section());
            if (!section) return out;
            out.sections.push_back(section->store + '/' + section->kind + '/' + section->name);
            out.records.push_back(0);
            for (;;) {
                STOA_TRY(const auto record, from->next_record());
                if (!record) break;
                ++out.records.back();
                out.last = *record;
            }
        }
    }
    testing::temporary_directory directory_;
};

TEST_F(backup_format, what_was_written_is_read) {
    const auto made = read(a_backup(3'000));
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->sections,
              (std::vector<std::string>{"shop/rows/products", "shop/items/ecommerce-orders"}));
    EXPECT_EQ(made->records, (std::vector<std::int64_t>{2, 3'000}));
    EXPECT_EQ(made->last, std::string(300, 'a' + 2'999 % 26));
}

TEST_F(backup_format, sections_may_be_passed_over) {
    const auto path = directory_ / "a.bak";
    std::ofstream(path, std::ios::binary) << a_backup();
    const auto from = reader::open(path);
    ASSERT_TRUE(from);
    EXPECT_EQ((*from)->head().stoa, "0.1.0");
    int sections = 0;
    for (auto next = (*from)->next_section(); next && *next; next = (*from)->next_section())
        ++sections;
    EXPECT_EQ(sections, 2);
    EXPECT_EQ((*from)->read_bytes(), (*from)->file_bytes());
}

TEST_F(backup_format, a_file_that_is_cut_anywhere_is_refused) {
    const auto whole = a_backup();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto made = read(whole.substr(0, size));
        ASSERT_FALSE(made) << size;
        EXPECT_EQ(made.error().code, size < 8 ? "not_a_backup" : "backup_damaged") << size;
    }
}

TEST_F(backup_format, a_byte_that_is_changed_anywhere_is_found) {
    const auto whole = a_backup();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 0x20);
        const auto made = read(changed);
        ASSERT_FALSE(made) << at;
        EXPECT_EQ(made.error().code, at < 8 ? "not_a_backup" : "backup_damaged") << at;
    }
}

TEST_F(backup_format, what_follows_the_end_is_refused) {
    const auto made = read(a_backup() + "x");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "backup_damaged");
}

TEST_F(backup_format, a_section_that_is_left_out_is_missed) {
    // Frames: header, section, records, end, section …; each says how long it is.
    auto bytes = a_backup();
    std::vector<std::size_t> at{8};
    while (at.back() < bytes.size()) {
        const auto* size = reinterpret_cast<const unsigned char*>(bytes.data()) + at.back() + 5;
        at.push_back(at.back() + 13 +
                     (size[0] | static_cast<std::size_t>(size[1]) << 8 |
                      static_cast<std::size_t>(size[2]) << 16));
    }
    ASSERT_EQ(bytes[at[1]], 'S');
    ASSERT_EQ(bytes[at[4]], 'S');
    bytes.erase(at[1], at[4] - at[1]);
    const auto made = read(bytes);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "backup_damaged");
}

TEST_F(backup_format, a_newer_format_is_named_with_the_version_that_wrote_it) {
    const auto made = read(a_backup(3, format_version + 1));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "backup_newer");
    EXPECT_NE(made.error().detail.find("stoa 0.1.0"), std::string::npos);
}

TEST_F(backup_format, other_files_and_absent_ones_are_no_backups) {
    EXPECT_EQ(read("SQLite format 3").error().code, "not_a_backup");
    EXPECT_EQ(reader::open(directory_ / "nowhere").error().code, "no_file");
}

}  // namespace
}  // namespace stoa::backups
