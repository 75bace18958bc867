#include "adapters/postgres/postgres_dialect.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

std::string plain(std::string_view sql) { return to_postgres(sql, false).text; }
std::string locking(std::string_view sql) { return to_postgres(sql, true).text; }

TEST(postgres_dialect, parameters_are_numbered_as_they_come) {
    const auto made = to_postgres("UPDATE t SET a = ?2, b = ?10, c = ?2 WHERE id = ?1", false);
    EXPECT_EQ(made.text, "UPDATE t SET a = $1, b = $2, c = $1 WHERE id = $3");
    ASSERT_EQ(made.parameters.size(), 3u);
    EXPECT_EQ(made.parameters[0].argument, 1u);
    EXPECT_EQ(made.parameters[1].argument, 9u);
    EXPECT_EQ(made.parameters[2].argument, 0u);
    EXPECT_EQ(made.arguments, 10u);
}

TEST(postgres_dialect, quoted_text_and_comments_stay_as_they_are) {
    EXPECT_EQ(plain("SELECT '?1 it''s', \"?2\" -- ?3\n, ?1"),
              "SELECT '?1 it''s', \"?2\" -- ?3\n, $1");
    EXPECT_EQ(schema_to_postgres("-- TEXT\nCREATE TABLE t (a text, b INTEGER DEFAULT 'INTEGER')"),
              "-- TEXT\nCREATE TABLE t (a TEXT COLLATE \"C\", b BIGINT DEFAULT 'INTEGER')");
}

TEST(postgres_dialect, a_test_for_null_is_a_parameter_of_its_own) {
    const auto made =
        to_postgres("SELECT a FROM t WHERE ?1 IS NULL OR a >= ?1 OR ?2 is not null", false);
    EXPECT_EQ(made.text, "SELECT a FROM t WHERE $1 IS NULL OR a >= $2 OR $3 is not null");
    ASSERT_EQ(made.parameters.size(), 3u);
    EXPECT_TRUE(made.parameters[0].tested);
    EXPECT_FALSE(made.parameters[1].tested);
    EXPECT_TRUE(made.parameters[2].tested);
    EXPECT_EQ(made.parameters[0].argument, made.parameters[1].argument);
}

TEST(postgres_dialect, rows_are_locked_where_a_statement_gives_rows) {
    EXPECT_EQ(locking("SELECT a FROM t WHERE id = ?1"), "SELECT a FROM t WHERE id = $1 FOR UPDATE");
    EXPECT_EQ(locking("select a from t order by b limit 3"),
              "select a from t order by b limit 3 FOR UPDATE");
    for (const auto* without :
         {"SELECT COUNT(*) FROM t", "SELECT DISTINCT a FROM t",
          "SELECT a, SUM (b) FROM t GROUP BY a", "SELECT 1", "INSERT INTO t SELECT a FROM u",
          "UPDATE t SET a = 1 RETURNING a", "SELECT a FROM t UNION SELECT a FROM u"})
        EXPECT_EQ(locking(without), plain(without));
    // A column may be called as a total is.
    EXPECT_EQ(locking("SELECT count FROM t"), "SELECT count FROM t FOR UPDATE");
}

}  // namespace
}  // namespace stoa
