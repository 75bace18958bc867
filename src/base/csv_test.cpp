#include "base/csv.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <random>

namespace stoa {
namespace {

using rows = std::vector<csv_row>;

void drain(csv_reader& reader, rows& out) {
    while (auto row = reader.next()) out.push_back(std::move(*row));
}

rows read_all(std::string_view text, csv_limits limits = {}) {
    csv_reader reader(limits);
    rows out;
    reader.feed(text);
    drain(reader, out);
    reader.finish();
    drain(reader, out);
    return out;
}

// One line a row, so that a difference is readable.
std::string shown(const rows& all) {
    std::string out;
    for (const auto& row : all) {
        if (row) {
            out += std::to_string(row->line) + '/' + std::to_string(row->number) + ':';
            for (const auto& field : row->fields) out += '[' + field + ']';
        } else {
            out += std::to_string(row.error().line) + '/' + std::to_string(row.error().number) +
                   '!' + row.error().code;
        }
        out += '\n';
    }
    return out;
}

std::string read_shown(std::string_view text, csv_limits limits = {}) {
    return shown(read_all(text, limits));
}

TEST(csv, every_line_end_ends_a_record_and_lines_are_counted) {
    EXPECT_EQ(read_shown("a,b\r\nc\nd\re"), "1/1:[a][b]\n2/2:[c]\n3/3:[d]\n4/4:[e]\n");
}

TEST(csv, last_line_needs_no_end) {
    EXPECT_EQ(read_shown("a\n"), "1/1:[a]\n");
    EXPECT_EQ(read_shown("a"), "1/1:[a]\n");
    EXPECT_EQ(read_shown("a,"), "1/1:[a][]\n");
    EXPECT_EQ(read_shown("\"a\""), "1/1:[a]\n");
    EXPECT_EQ(read_shown(""), "");
}

TEST(csv, blank_lines_are_skipped_but_counted_as_lines) {
    EXPECT_EQ(read_shown("\n\na\r\n\r\n\"\"\n , \n"), "3/1:[a]\n5/2:[]\n6/3:[ ][ ]\n");
}

TEST(csv, byte_order_mark_is_no_part_of_the_first_cell) {
    EXPECT_EQ(read_shown("\xEF\xBB\xBFsku,name\n"), "1/1:[sku][name]\n");
    EXPECT_EQ(read_shown("\xEF\xBB\xBF\"sku\"\n"), "1/1:[sku]\n");
    EXPECT_EQ(read_shown("\xEF\xBB\xBF"), "");
    EXPECT_EQ(read_shown("\xEF\xBB\xBF\xEF\xBB\xBFx"), "1/1:[\xEF\xBB\xBFx]\n");
}

TEST(csv, half_a_byte_order_mark_is_bad_text) {
    EXPECT_EQ(read_shown("\xEF\xBB"), "1/1!bad_utf8\n");
    EXPECT_EQ(read_shown("\xEF\xBBq\nok"), "1/1!bad_utf8\n2/2:[ok]\n");
}

TEST(csv, quoted_cells_hold_commas_quotes_and_line_ends) {
    EXPECT_EQ(read_shown("\"a,\"\"b\"\"\",\"x\r\ny\nz\"\nnext\n"),
              "1/1:[a,\"b\"][x\r\ny\nz]\n4/2:[next]\n");
}

TEST(csv, quote_inside_a_bare_cell_is_text) {
    EXPECT_EQ(read_shown("5\" pipe, \"x\"\n"), "1/1:[5\" pipe][ \"x\"]\n");
}

TEST(csv, text_after_a_closing_quote_costs_only_its_record) {
    EXPECT_EQ(read_shown("ok\n\"a\"b,\"c\nd\"\nnext\n"),
              "1/1:[ok]\n2/2!text_after_quote\n4/3:[next]\n");
}

TEST(csv, open_quote_at_the_end_names_the_line_where_it_opened) {
    const auto all = read_all("ok\nx,\"never\nclosed\n");
    ASSERT_EQ(shown(all), "1/1:[ok]\n2/2!unterminated_quote\n");
    EXPECT_NE(all[1].error().detail.find("line 2"), std::string::npos);
}

TEST(csv, nul_and_broken_utf8_are_refused_row_by_row) {
    using namespace std::string_view_literals;
    EXPECT_EQ(read_shown("a\0b\nok\n"sv), "1/1!bad_utf8\n2/2:[ok]\n");
    for (const auto bad :
         {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82", "\xFF"})
        EXPECT_EQ(read_shown(std::string(bad) + "\nok\n"), "1/1!bad_utf8\n2/2:[ok]\n") << bad;
    EXPECT_EQ(read_shown("\xE2\x82\xAC,\xF0\x9F\x8D\xB5\n"),
              "1/1:[\xE2\x82\xAC][\xF0\x9F\x8D\xB5]\n");
    // Two halves of a character in neighbouring cells do not make one.
    EXPECT_EQ(read_shown("\xE2\x82,\xAC\n"), "1/1!bad_utf8\n");
}

TEST(csv, limits_hold_at_the_boundary) {
    EXPECT_EQ(read_shown("12345678\n", {.record_bytes = 8}), "1/1:[12345678]\n");
    EXPECT_EQ(read_shown("123456789\nok\n", {.record_bytes = 8}),
              "1/1!record_too_long\n2/2:[ok]\n");
    EXPECT_EQ(read_shown(",,,,,,,,,\nok\n", {.record_bytes = 8}),
              "1/1!record_too_long\n2/2:[ok]\n");
    EXPECT_EQ(read_shown("\"1\n3456\"\nok\n", {.record_bytes = 8}), "1/1:[1\n3456]\n3/2:[ok]\n");
    EXPECT_EQ(read_shown("\"1\n34567\"\nok\n", {.record_bytes = 7}),
              "1/1!record_too_long\n3/2:[ok]\n");
    EXPECT_EQ(read_shown("a,b,c\n", {.fields = 3}), "1/1:[a][b][c]\n");
    EXPECT_EQ(read_shown("a,b,c,d\nok\n", {.fields = 3}), "1/1!too_many_fields\n2/2:[ok]\n");
}

TEST(csv, hundred_megabyte_line_costs_no_memory) {
    const std::string chunk(64 * 1024, 'x');
    csv_reader reader;
    rows out;
    const auto fed = [&](std::string_view bytes) {
        reader.feed(bytes);
        drain(reader, out);
    };
    fed("first\n");
    const auto before = mallinfo2();
    std::size_t most_bytes = 0;
    for (int i = 0; i < 1'600; ++i) {
        fed(chunk);
        if (i % 100 == 0) {
            const auto now = mallinfo2();
            most_bytes = std::max(most_bytes, now.uordblks + now.hblkhd);
        }
    }
    fed("\nlast\n");
    reader.finish();
    drain(reader, out);
    EXPECT_EQ(shown(out), "1/1:[first]\n2/2!record_too_long\n3/3:[last]\n");
    // Under a sanitizer's allocator mallinfo2 is all zeroes and this says nothing; the plain build
    // does.
    EXPECT_LE(most_bytes, before.uordblks + before.hblkhd + (std::size_t{1} << 21));
}

TEST(csv, million_columns_are_refused_and_the_next_record_is_read) {
    EXPECT_EQ(read_shown(std::string(1'000'000, ',') + "\nok\n"),
              "1/1!too_many_fields\n2/2:[ok]\n");
}

TEST(csv, any_chunking_gives_the_same_rows) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return random() % n; };
    constexpr std::array<std::string_view, 18> pieces{"a",
                                                      "b",
                                                      ",",
                                                      ",",
                                                      "\"",
                                                      "\"",
                                                      "\"\"",
                                                      "\n",
                                                      "\r",
                                                      "\r\n",
                                                      "\xEF\xBB\xBF",
                                                      "\xC3\xA9",
                                                      "\xC3",
                                                      std::string_view("\0", 1),
                                                      " ",
                                                      "longer text",
                                                      "=",
                                                      "\"x\""};
    for (int round = 0; round < 5'000; ++round) {
        std::string text;
        for (auto n = below(40); n > 0; --n) text += pieces[below(pieces.size())];
        const csv_limits limits{.record_bytes = 24, .fields = 5};
        const auto whole = read_shown(text, limits);
        csv_reader reader(limits);
        rows out;
        for (std::size_t at = 0; at < text.size();) {
            const auto size = std::min(text.size() - at, below(6));
            // A copy in a buffer of its own, so that a read past the chunk is seen by the
            // sanitizer.
            const std::vector<char> chunk(text.begin() + static_cast<std::ptrdiff_t>(at),
                                          text.begin() + static_cast<std::ptrdiff_t>(at + size));
            reader.feed({chunk.data(), chunk.size()});
            drain(reader, out);
            at += size;
        }
        reader.finish();
        drain(reader, out);
        ASSERT_EQ(shown(out), whole) << "seed " << seed << " round " << round;
    }
}

std::string written(std::vector<std::string_view> cells) {
    std::string out;
    append_csv_row(out, cells);
    return out;
}

TEST(csv, writer_quotes_only_where_needed) {
    EXPECT_EQ(written({"a", "b c", ""}), "a,b c,\r\n");
    EXPECT_EQ(written({"a,b", "say \"x\"", "l1\nl2"}), "\"a,b\",\"say \"\"x\"\"\",\"l1\nl2\"\r\n");
    EXPECT_EQ(written({""}), "\"\"\r\n");
}

TEST(csv, writer_guards_formula_cells_and_leaves_numbers) {
    EXPECT_EQ(written({"=1+1", "+x", "-x", "@x", "\tx"}), "'=1+1,'+x,'-x,'@x,'\tx\r\n");
    EXPECT_EQ(written({"\rx"}), "\"'\rx\"\r\n");
    EXPECT_EQ(written({"-5", "+1.25", "-0.5", "7", "'quoted'"}), "-5,+1.25,-0.5,7,'quoted'\r\n");
    EXPECT_EQ(written({"-5+2", "-", "-.5", "-5."}), "'-5+2,'-,'-.5,'-5.\r\n");
}

TEST(csv, export_then_import_gives_the_same_cells) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    constexpr std::array<std::string_view, 16> pieces{
        "=",  "+", "-",  "@",  "\t",       "\r", "\n",           "'",
        "''", "5", ".5", "\"", "\xC3\xA9", ",",  "\xEF\xBB\xBF", "x"};
    for (int round = 0; round < 5'000; ++round) {
        std::vector<std::string> cells(1 + random() % 4);
        for (auto& cell : cells)
            for (auto n = random() % 5; n > 0; --n) cell += pieces[random() % pieces.size()];
        const std::vector<std::string_view> views(cells.begin(), cells.end());
        std::string text;
        append_csv_row(text, views);
        append_csv_row(text, views);
        const auto back = read_all(text);
        ASSERT_EQ(back.size(), 2U) << "seed " << seed << " round " << round << '\n' << text;
        for (const auto& row : back) {
            ASSERT_TRUE(row) << row.error().detail;
            std::vector<std::string> plain;
            for (const auto& field : row->fields) plain.push_back(csv_plain(field));
            ASSERT_EQ(plain, cells) << "seed " << seed << " round " << round;
        }
    }
}

TEST(csv, import_keeps_apostrophes_that_guard_nothing) {
    EXPECT_EQ(csv_plain("'tis"), "'tis");
    EXPECT_EQ(csv_plain("'"), "'");
    EXPECT_EQ(csv_plain("'=x"), "=x");
    EXPECT_EQ(csv_plain("''=x"), "'=x");
}

const std::vector<csv_column> product_columns{
    {"sku", {}, true}, {"name", {"title"}, true}, {"stock", {"stock_quantity", "on hand"}}};

TEST(csv, header_finds_columns_without_case_blanks_and_by_alias) {
    const std::vector<std::string> cells{" Title ", "STOCK_QUANTITY", "Sku"};
    const csv_header header(product_columns, cells);
    ASSERT_TRUE(header.check());
    EXPECT_EQ(header.index_of("name"), 0U);
    EXPECT_EQ(header.index_of("stock"), 1U);
    const csv_record row{.line = 2, .number = 2, .fields = {"Teapot", "3"}};
    EXPECT_EQ(header.cell(row, "stock"), "3");
    EXPECT_EQ(header.cell(row, "sku"), std::nullopt);  // the record is too short
    EXPECT_TRUE(header.unknown().empty());
}

TEST(csv, header_names_what_is_unknown_missing_or_twice) {
    const std::vector<std::string> cells{"name", "title", "colour"};
    const csv_header header(product_columns, cells);
    EXPECT_EQ(header.unknown(), std::vector<std::string>{"colour"});
    EXPECT_EQ(header.duplicate(), std::vector<std::string>{"name"});
    EXPECT_EQ(header.missing(), std::vector<std::string>{"sku"});
    EXPECT_FALSE(header.has("stock"));
    const auto checked = header.check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, errc::invalid);
    ASSERT_EQ(checked.error().errors.size(), 2U);
    EXPECT_EQ(checked.error().errors[0].where, "sku");
    EXPECT_EQ(checked.error().errors[0].code, "missing_column");
    EXPECT_EQ(checked.error().errors[1].code, "duplicate_column");
}

TEST(csv_death, feeding_before_the_rows_are_taken_stops_the_process) {
    csv_reader reader;
    reader.feed("a\nb\n");
    EXPECT_DEATH(reader.feed("c\n"), "before next");
}

TEST(csv, a_reader_that_begins_where_another_stopped_reads_the_rest) {
    const std::string text = "a,b\r\n\n\"x\ny\",1\r\n2,\"3\"\n\r\n4,5";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        csv_reader reader;
        rows all;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // bytes, line
        const auto take = [&] {
            while (auto row = reader.next()) {
                all.push_back(std::move(*row));
                places.emplace_back(reader.read_bytes(), reader.line());
            }
        };
        for (std::size_t at = 0; at < text.size(); at += piece) {
            reader.feed(std::string_view(text).substr(at, piece));
            take();
        }
        reader.finish();
        take();
        ASSERT_EQ(all.size(), 4U);
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto [bytes, line] = places[i];
            // The second character of a line end is no line of its own.
            if (bytes < text.size() && text[bytes - 1] == '\r' && text[bytes] == '\n') ++bytes;
            const auto rest = read_all(std::string_view(text).substr(bytes));
            ASSERT_EQ(rest.size(), all.size() - i - 1) << piece << ' ' << i;
            for (std::size_t j = 0; j < rest.size(); ++j) {
                EXPECT_EQ(rest[j]->fields, all[i + 1 + j]->fields);
                EXPECT_EQ(rest[j]->line + line - 1, all[i + 1 + j]->line) << piece << ' ' << i;
            }
        }
    }
}

}  // namespace
}  // namespace stoa
