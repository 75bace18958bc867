// Reading a cart, and ordering what is in it.
#include "services/cart/cart_service.hpp"

#include "base/json.hpp"

#include <algorithm>

namespace stoa::carts {
namespace {

request_context as_service(request_context context) {
    context.caller = {.is = role::service};
    context.reply = std::make_shared<reply_note>();
    return context;
}

// Adds lines to the cart that the customer sees, at the catalogue's word.
class cart_writer {
 public:
    explicit cart_writer(currency_code shop) {
        out_.currency = shop;
        out_.total_amount = {0, shop};
    }

    void add(const line& of, const products::product* now) {
        if (out_.items.empty()) {
            out_.currency = now ? now->currency : of.currency;
            out_.total_amount.currency = out_.currency;
        }
        auto& shown = out_.items.emplace_back();
        shown.product_id = of.product_id;
        shown.quantity = of.quantity;
        shown.price = now ? now->price : of.price_seen;
        shown.line_total = {0, shown.price.currency};
        out_.units += of.quantity;
        if (now) {
            shown.sku = now->sku;
            shown.name = now->name;
            shown.available = now->is_active ? std::max<std::int64_t>(now->stock, 0) : 0;
        }
        if (!now || !now->is_active) {
            shown.problem = line_problem::unavailable;
            out_.changes.push_back({.product_id = of.product_id, .what = change_kind::unavailable});
            return;
        }
        compare(of, *now, shown);
        sum_up(shown);
    }
    cart finish() { return std::move(out_); }

 private:
    void compare(const line& of, const products::product& now, cart_line& shown) {
        if (now.price != of.price_seen)
            out_.changes.push_back({.product_id = of.product_id,
                                    .what = change_kind::price_changed,
                                    .before = of.price_seen,
                                    .now = now.price});
        if (shown.available >= of.quantity) return;
        const bool none = shown.available == 0;
        shown.problem = none ? line_problem::out_of_stock : line_problem::less_available;
        out_.changes.push_back(
            {.product_id = of.product_id,
             .what = none ? change_kind::out_of_stock : change_kind::less_available,
             .available = shown.available});
    }
    void sum_up(cart_line& shown) {
        if (shown.price.currency != out_.currency) {
            shown.problem = line_problem::other_currency;
            return;
        }
        const auto sum = checked_multiply(shown.price.minor, shown.quantity);
        const auto total = sum ? checked_add(out_.total_amount.minor, *sum) : std::nullopt;
        if (!total || *total > products::largest_amount_minor) {
            shown.problem = line_problem::too_large;
            return;
        }
        shown.line_total.minor = *sum;
        out_.total_amount.minor = *total;
    }

    cart out_;
};

}  // namespace

task<result<cart_service::catalogue>> cart_service::quoted(request_context context,
                                                           std::vector<std::string> ids) {
    catalogue out;
    if (ids.empty()) co_return out;
    auto told =
        co_await ports_.products.quote_products(as_service(std::move(context)), {std::move(ids)});
    if (!told)
        co_return fail({.kind = errc::unavailable,
                        .code = "product_service_unavailable",
                        .detail =
                            "prices and stock cannot be looked up now; the cart is as it was, "
                            "try again",
                        .retry_after_s = 1});
    for (auto& each : told->products) {
        auto id = each.id;
        out.emplace(std::move(id), std::move(each));
    }
    co_return out;
}

task<result<std::vector<line>>> cart_service::live_lines(std::string user_id) {
    if (user_id.empty())
        co_return fail(errc::forbidden, "no_cart_of_its_own",
                       "carts belong to customers and guests; this caller is neither");
    STOA_CO_TRY(auto lines, co_await store_.lines_of(std::move(user_id)));
    std::erase_if(lines, [this](const line& each) { return !live(each); });
    std::ranges::sort(lines, {}, [](const line& each) {
        return std::pair(each.added_at, std::string_view(each.product_id));
    });
    co_return lines;
}

task<result<cart>> cart_service::show(request_context context) {
    STOA_CO_TRY(const auto lines, co_await live_lines(context.caller.user_id));
    std::vector<std::string> ids;
    for (const auto& each : lines) ids.push_back(each.product_id);
    STOA_CO_TRY(const auto now, co_await quoted(std::move(context), std::move(ids)));
    cart_writer out(settings_.shop_currency);
    for (const auto& each : lines) {
        const auto found = now.find(each.product_id);
        out.add(each, found == now.end() ? nullptr : &found->second);
    }
    co_return out.finish();
}

task<result<cart>> cart_service::get_cart(request_context context, get_cart_request) {
    return show(std::move(context));
}

task<result<orders::order>> cart_service::checkout(request_context context,
                                                   checkout_request wanted) {
    STOA_CO_TRY(const auto lines, co_await live_lines(context.caller.user_id));
    orders::create_order_request placed{.shipping_address = std::move(wanted.shipping_address),
                                        .payment_method = std::move(wanted.payment_method),
                                        .reference = std::move(wanted.reference)};
    std::optional<error> refusal;
    if (lines.empty())
        refusal = error{.kind = errc::conflict,
                        .code = "cart_empty",
                        .detail = "there is nothing in the cart to order"};
    if (lines.size() > orders::most_lines)
        refusal = error{.kind = errc::conflict,
                        .code = "cart_too_large",
                        .detail = "an order has at most " + std::to_string(orders::most_lines) +
                                  " lines; remove some from the cart"};
    for (std::size_t i = 0; i < lines.size() && !refusal; ++i) {
        STOA_CO_TRY(const bool gone,
                    co_await store_.deleted(lines[i].product_id, ports_.time.now()));
        if (gone)
            refusal = error{.kind = errc::conflict,
                            .code = "product_unavailable",
                            .detail = "some items are no longer sold",
                            .errors = {{"items[" + std::to_string(i) + "]",
                                        "product_unavailable",
                                        "this product is no longer sold",
                                        {}}}};
        placed.items.push_back({lines[i].product_id, static_cast<std::int32_t>(lines[i].quantity)});
    }
    placed.cart_note = note_of(lines);
    if (refusal) {
        // An order that this key made already is answered as it was, whatever the cart holds now.
        STOA_CO_TRY(const auto known, co_await ports_.keys.look_up(context));
        if (!known) co_return fail(*std::move(refusal));
    }
    co_return co_await ports_.orders.create_order(context, std::move(placed));
}

}  // namespace stoa::carts
