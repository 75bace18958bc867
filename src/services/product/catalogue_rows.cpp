// Rows of the import file, and of the export.
#include "base/ids.hpp"
#include "services/product/catalogue_import.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace stoa::products {
namespace {

const std::array<csv_column, 8> columns{{{"sku", {}, false},
                                         {"name", {}, true},
                                         {"description", {}, false},
                                         {"price", {}, true},
                                         {"currency", {}, false},
                                         {"category", {}, false},
                                         {"stock", {"stock_quantity"}, false},
                                         {"image_url", {}, false}}};

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The same name gives the same sku, so that a file without skus can be imported again.
std::string sku_from(std::string_view name) {
    std::string out = "N-";
    for (auto h = stable_hash(name), i = std::uint64_t{0}; i < 13; ++i, h >>= 5)
        out += "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[h & 31];
    return out;
}

class row_checker {
 public:
    row_checker(const csv_header& header, const csv_record& record, std::int64_t row)
        : header_(header), record_(record), row_(row) {}

    // The cell as text; absent where the file lacks the column or the cell is empty.
    std::optional<std::string> text(std::string_view column, std::size_t most_bytes) {
        const auto cell = header_.cell(record_, column);
        if (!cell) return {};
        auto plain = csv_plain(std::string(trimmed(*cell)));
        if (plain.empty()) return {};
        if (plain.size() > most_bytes)
            wrong(column, "too_long", "at most " + std::to_string(most_bytes) + " bytes");
        return plain;
    }
    void wrong(std::string_view column, std::string code, std::string detail) {
        bad.push_back({row_, static_cast<std::int64_t>(record_.line), std::string(column),
                       std::move(code), std::move(detail)});
    }
    std::vector<bad_row> bad;

 private:
    const csv_header& header_;
    const csv_record& record_;
    std::int64_t row_;
};

}  // namespace

std::span<const csv_column> import_columns() { return columns; }

std::variant<import_row, std::vector<bad_row>> read_import_row(const csv_header& header,
                                                               const csv_record& record,
                                                               std::int64_t row,
                                                               currency_code shop) {
    row_checker cells(header, record, row);
    import_row out{.row = row, .line = static_cast<std::int64_t>(record.line)};
    // An unquoted comma moves every cell after it into the next column.
    for (std::size_t i = header.cells(); i < record.fields.size(); ++i)
        if (!trimmed(record.fields[i]).empty()) {
            cells.wrong("", "too_many_cells",
                        "the header has " + std::to_string(header.cells()) + " columns, this row " +
                            std::to_string(record.fields.size()) +
                            " cells; put cells with a comma in double quotes");
            return std::move(cells.bad);
        }
    const auto name = cells.text("name", 200);
    if (!name) cells.wrong("name", "required", "a product needs a name");
    out.name = name.value_or("");
    out.sku = cells.text("sku", 64).value_or(sku_from(out.name));
    out.description = cells.text("description", 10'000);
    out.category = cells.text("category", 100);
    out.image_url = cells.text("image_url", 2'000);
    auto currency = shop;
    if (const auto code = cells.text("currency", 3)) {
        if (const auto known = read_currency(*code)) currency = *known;
        else cells.wrong("currency", "currency", *code + " is no ISO 4217 code");
    }
    const auto price = cells.text("price", 40);
    const auto minor = price ? read_minor(*price, currency) : std::nullopt;
    if (!price) cells.wrong("price", "required", "a product needs a price");
    else if (!minor)
        cells.wrong("price", "amount",
                    *price + " is no amount with at most " + std::to_string(currency.decimals()) +
                        " digits after the point");
    else if (*minor < 0 || *minor > largest_amount_minor)
        cells.wrong("price", "out_of_range", *price + " is not a price");
    out.price = {minor.value_or(0), currency};
    if (const auto stock = cells.text("stock", 40)) {
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(stock->data(), stock->data() + stock->size(), n);
        if (error != std::errc{} || end != stock->data() + stock->size())
            cells.wrong("stock", "integer", *stock + " is no whole number");
        else if (n < 0 || n > largest_stock)
            cells.wrong("stock", "out_of_range", *stock + " cannot be on a shelf");
        out.stock = n;
    }
    if (!cells.bad.empty()) return std::move(cells.bad);
    return out;
}

namespace {

struct export_row {
    std::string id, sku, name, description, category;
    money price;
    currency_code currency;
    std::int64_t on_hand = 0;
    std::optional<std::string> image_url;
};
BOOST_DESCRIBE_STRUCT(export_row, (),
                      (id, sku, name, description, category, price, currency, on_hand, image_url))

}  // namespace

std::string catalogue_import::export_header() {
    return "sku,name,description,price,currency,category,stock,image_url\r\n";
}

task<result<catalogue_import::export_page>> catalogue_import::export_rows(std::string after) {
    auto read = [after](transaction& t) -> result<std::vector<export_row>> {
        return t.query<export_row>(
            "SELECT id, sku, name, description, category, price, currency, on_hand, image_url FROM "
            "products "
            "WHERE id > ?1 AND is_active = 1 ORDER BY id LIMIT 1000",
            after);
    };
    STOA_CO_TRY(const auto rows, co_await ports_.db.read(std::move(read)));
    export_page out;
    for (const auto& row : rows) {
        // Stock as it was counted, reserved units included: that is what importing the file again
        // recounts.
        const auto price = money_text(row.price), stock = std::to_string(row.on_hand);
        const std::array<std::string_view, 8> cells{
            row.sku,
            row.name,
            row.description,
            price,
            row.currency.text(),
            row.category,
            stock,
            row.image_url ? std::string_view(*row.image_url) : ""};
        append_csv_row(out.csv, cells);
    }
    if (!rows.empty()) out.last_id = rows.back().id;
    co_return out;
}

}  // namespace stoa::products
