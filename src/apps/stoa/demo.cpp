#include "apps/stoa/demo.hpp"

#include "apps/stoa/run_file.hpp"
#include "base/csv.hpp"
#include "embedded/demo_files.hpp"

#include <algorithm>
#include <charconv>

namespace stoa {
namespace {

std::string_view demo_file(std::string_view name) {
    const auto files = embedded::demo_files();
    const auto found = std::ranges::find(files, name, &embedded_file::name);
    return found == files.end() ? std::string_view{} : found->content;
}

// The file is ours and checked by a test: columns
// sku,name,description,price,currency,category,stock,image_url.
result<products::create_product_request> product_of(const std::vector<std::string>& fields) {
    if (fields.size() != 8)
        return fail(errc::internal, "demo_catalogue", "a row has not eight columns");
    const auto currency = read_currency(fields[4]).value_or(currency_code{});
    const auto minor = read_minor(fields[3], currency);
    std::int64_t stock = 0;
    std::from_chars(fields[6].data(), fields[6].data() + fields[6].size(), stock);
    if (!minor) return fail(errc::internal, "demo_catalogue", fields[0] + " has no price");
    return products::create_product_request{.sku = fields[0],
                                            .name = fields[1],
                                            .description = fields[2],
                                            .category = fields[5],
                                            .price = {*minor, currency},
                                            .currency = currency,
                                            .stock = stock,
                                            .image_url = fields[7]};
}

task<result<int>> load_catalogue(products::product_service& products) {
    csv_reader rows;
    rows.feed(demo_file("products.csv"));
    std::vector<std::vector<std::string>> all;
    const auto collect = [&] {
        while (auto row = rows.next())
            if (*row) all.push_back((*row)->fields);
    };
    collect();
    rows.finish();
    collect();
    int made = 0;
    request_context context;
    context.caller = {.is = role::service};
    for (std::size_t i = 1; i < all.size(); ++i) {
        STOA_CO_TRY(auto wanted, product_of(all[i]));
        context.request_id = "demo:" + *wanted.sku;
        auto created = co_await products.create_product(context, std::move(wanted));
        if (!created && created.error().code != "sku_taken")
            co_return std::unexpected(std::move(created).error());
        made += created.has_value();
    }
    co_return made;
}

}  // namespace

namespace {

task<result<std::string>> load_people(users::user_service& users, clock& time,
                                      random_source& random) {
    const auto began = time.now();
    for (const std::string name : {"Ada", "Grace"}) {
        users::new_account account{.email = name + "@example.com",
                                   .password = "demo-" + name + "-2026",
                                   .first_name = name,
                                   .last_name = "Example"};
        std::ranges::transform(account.email, account.email.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
        STOA_CO_TRY_VOID(co_await users.ensure_account(std::move(account)));
    }
    const auto password = tokens_of_chance(random).substr(0, 16);
    STOA_CO_TRY(const auto admin, co_await users.ensure_admin("operator@example.com", password));
    if (admin.created_at < began) co_return std::string();
    co_return "Customers: ada@example.com / demo-Ada-2026, grace@example.com / demo-Grace-2026\n"
              "Operator:  operator@example.com / " +
        password + "  (shown only now)\n";
}

}  // namespace

task<result<std::string>> load_demo(products::product_service* products, users::user_service* users,
                                    clock& time, random_source& random) {
    std::string lines;
    if (products) {
        STOA_CO_TRY(const int made, co_await load_catalogue(*products));
        if (made > 0) lines += "Demo catalogue: " + std::to_string(made) + " products\n";
    }
    if (users) {
        STOA_CO_TRY(auto told, co_await load_people(*users, time, random));
        lines += told;
    }
    co_return lines;
}

}  // namespace stoa
