// Products with their movements and holds, imports with their rows, and the log itself.
#include "apps/stoa/audit_checks.hpp"
#include "base/json.hpp"
#include "services/product/catalogue_import.hpp"

namespace stoa::audits {
namespace {

constexpr rule on_hand_is_moved{1, "on_hand_is_the_sum_of_movements"};
constexpr rule reserved_is_held{1, "reserved_is_what_is_held"};
constexpr rule never_oversold{1, "reserved_stays_within_on_hand"};
constexpr rule lines_have_holds{1, "held_lines_have_a_hold"};
constexpr rule log_has_no_gap{5, "the_log_has_no_gap"};
constexpr rule rows_counted_once{6, "imported_rows_counted_once"};
constexpr rule report_adds_up{6, "import_reports_add_up"};
constexpr rule published_is_accounted{12, "published_is_applied_or_parked"};

// Every row is a finding: its subject, and what is wrong.
void each_row(book& in, const rule& broken, const char* sql) {
    const auto rows = in.at.shop.rows(sql);
    while (rows->next()) in.found(broken, rows->row().text(0), std::string(rows->row().text(1)));
}

}  // namespace

void check_stock(book& in) {
    const auto& shop = in.at.shop;
    in.report.products = shop.number("SELECT count(*) FROM products");
    in.step("stock", in.report.products);
    each_row(in, on_hand_is_moved,
             "SELECT p.id, 'on_hand ' || p.on_hand || ', but the movements add up to ' || "
             "coalesce(m.moved, 0) FROM products p LEFT JOIN (SELECT product_id, sum(delta) AS "
             "moved FROM stock_movements GROUP BY product_id) m ON m.product_id = p.id "
             "WHERE p.on_hand <> coalesce(m.moved, 0)");
    each_row(in, reserved_is_held,
             "SELECT p.id, 'reserved ' || p.reserved || ', but the held lines add up to ' || "
             "coalesce(h.held, 0) FROM products p LEFT JOIN (SELECT l.product_id, sum(l.quantity) "
             "AS held FROM holds h CROSS JOIN hold_lines l ON l.order_id = h.order_id WHERE "
             "h.status = 'held' GROUP BY 1) h ON h.product_id = p.id "
             "WHERE p.reserved <> coalesce(h.held, 0)");
    each_row(in, never_oversold,
             "SELECT id, 'on_hand ' || on_hand || ', reserved ' || reserved FROM products "
             "WHERE reserved < 0 OR reserved > on_hand");
    each_row(in, on_hand_is_moved,
             "SELECT product_id, 'has movements, but there is no such product' FROM (SELECT "
             "DISTINCT product_id FROM stock_movements EXCEPT SELECT id FROM products)");
    each_row(in, lines_have_holds,
             "SELECT order_id, 'has held lines, but no hold' FROM (SELECT order_id FROM hold_lines "
             "EXCEPT SELECT order_id FROM holds)");
}

// Offsets without a gap, and each group's account of them: done, received beyond it, or parked
// with a dead letter.
void check_log(book& in) {
    const auto& shop = in.at.shop;
    in.step("log", std::ssize(shop.partitions()));
    each_row(in, log_has_no_gap,
             "SELECT topic || '/' || partition, 'keeps ' || kept || ' events between offsets ' || "
             "first || ' and ' || last FROM (SELECT p.topic, p.partition, count(*) AS kept, "
             "min(e.position) & ((1 << 40) - 1) AS first, max(e.position) & ((1 << 40) - 1) AS "
             "last, p.first_offset FROM log_partitions p CROSS JOIN events e ON e.position >= "
             "p.id << 40 AND e.position < (p.id + 1) << 40 GROUP BY p.id) "
             "WHERE kept <> last - first + 1 OR first <> first_offset");
    for (const auto& each : shop.groups())
        for (const auto& of : shop.partitions())
            if (of.topic == each.topic && of.number == each.partition && each.next > of.end)
                in.found(published_is_accounted, each.group,
                         "has done " + std::to_string(each.next) + " events of " + each.topic +
                             '/' + std::to_string(each.partition) + ", which has " +
                             std::to_string(of.end));
    each_row(in, published_is_accounted,
             "SELECT c.consumer_group, 'has received ' || p.topic || '/' || p.partition || '@' || "
             "(i.position & ((1 << 40) - 1)) || ', which it had done, or nobody wrote' "
             "FROM inbox i JOIN log_consumers c ON c.id = i.position >> 40 "
             "JOIN log_partitions p ON p.id = c.partition_id LEFT JOIN events e ON e.position = "
             "(p.id << 40) + (i.position & ((1 << 40) - 1)) "
             "WHERE (i.position & ((1 << 40) - 1)) < c.next_offset OR e.position IS NULL");
    in.report.dead_letters = shop.number("SELECT count(*) FROM dead_letters");
    each_row(in, published_is_accounted,
             "SELECT d.key, 'is a dead letter of ' || d.consumer_group || ' that ' || d.topic || "
             "'.dlq does not have' FROM dead_letters d LEFT JOIN log_partitions p ON p.topic = "
             "d.topic || '.dlq' AND p.partition = d.partition LEFT JOIN events e ON e.position = "
             "(p.id << 40) + d.dead_letter_offset WHERE e.key IS NOT d.key");
    each_row(in, published_is_accounted,
             "SELECT d.key, 'has a dead letter of ' || d.consumer_group || ', but is not parked' "
             "FROM dead_letters d LEFT JOIN parked_keys k ON k.consumer_group = d.consumer_group "
             "AND k.topic = d.topic AND k.key = d.key WHERE k.key IS NULL");
    each_row(in, published_is_accounted,
             "SELECT k.key, 'is parked for ' || k.consumer_group || ' behind no dead letter' "
             "FROM parked_keys k WHERE NOT EXISTS (SELECT 1 FROM dead_letters d WHERE "
             "d.consumer_group = k.consumer_group AND d.topic = k.topic AND d.key = k.key)");
}

void check_imports(book& in) {
    const auto& shop = in.at.shop;
    in.report.imports = shop.number("SELECT count(*) FROM imports");
    in.step("imports", in.report.imports);
    each_row(in, rows_counted_once,
             "SELECT reference, 'is applied, but moved no stock' FROM (SELECT 'import:' || "
             "substr(file_hash, 1, 16) || ':' || row_number AS reference FROM imported_rows EXCEPT "
             "SELECT reference FROM stock_movements WHERE reason = 'recount')");
    each_row(in, rows_counted_once,
             "SELECT reference, 'moved stock, but is not among the applied rows' FROM (SELECT "
             "reference FROM stock_movements WHERE reason = 'recount' AND reference LIKE "
             "'import:%' EXCEPT SELECT 'import:' || substr(file_hash, 1, 16) || ':' || row_number "
             "FROM imported_rows)");
    each_row(in, rows_counted_once,
             "SELECT reference, 'moved the stock of ' || count(*) || ' products' FROM "
             "stock_movements WHERE reason = 'recount' AND reference LIKE 'import:%' GROUP BY "
             "reference HAVING count(*) > 1");
    const auto rows = shop.rows("SELECT id, report FROM imports WHERE status = 'done'");
    while (rows->next()) {
        in.advance();
        const auto read = from_json<products::import_report>(rows->row().text(1));
        if (!read) {
            in.found(report_adds_up, rows->row().text(0), "its report cannot be read");
            continue;
        }
        const auto told = read->created + read->updated + read->unchanged + read->bad;
        if (told != read->rows)
            in.found(report_adds_up, read->id,
                     "the file has " + std::to_string(read->rows) + " rows, the report tells of " +
                         std::to_string(told));
    }
}

}  // namespace stoa::audits
