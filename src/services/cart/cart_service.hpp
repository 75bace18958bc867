// Carts: what customers and guests mean to buy. A cart promises nothing: prices and stock are
// looked at again on every reading, and the order alone holds units.
#pragma once

#include "ports/clock.hpp"
#include "ports/idempotency.hpp"
#include "services/cart/cart_api.hpp"
#include "services/cart/cart_store.hpp"
#include "services/order/order_api.hpp"
#include "services/order/order_events.hpp"
#include "services/product/product_api.hpp"
#include "services/product/product_events.hpp"

namespace stoa::carts {

// What an order was placed over, and which chunks of it are done: longer than any event is on its
// way.
inline constexpr hours orders_remembered{24 * 14};

struct cart_settings {
    hours kept{24 * 30};        // a line vanishes when nobody changed it for so long
    seconds second_pass{60};    // after a deletion: the index may have been behind at the first
    hours tombstones_kept{24};  // longer than any cache of products lives
    currency_code shop_currency;
};

struct get_cart_request {};
BOOST_DESCRIBE_STRUCT(get_cart_request, (), ())

struct new_line {
    std::string product_id;
    std::int32_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(new_line, (), (product_id, quantity))

// Replaces the whole cart; twin lines are summed.
struct replace_cart_request {
    std::vector<new_line> items;
};
BOOST_DESCRIBE_STRUCT(replace_cart_request, (), (items))

struct set_quantity_request {
    std::string product_id;
    std::int32_t quantity = 0;  // 0 removes the line
};
BOOST_DESCRIBE_STRUCT(set_quantity_request, (), (product_id, quantity))

struct remove_line_request {
    std::string product_id;
};
BOOST_DESCRIBE_STRUCT(remove_line_request, (), (product_id))

struct checkout_request {
    json_text shipping_address;  // as an order takes it
    std::optional<std::string> payment_method;
    std::optional<std::string> reference;
};
BOOST_DESCRIBE_STRUCT(checkout_request, (), (shipping_address, payment_method, reference))

struct emptied_answer {};
BOOST_DESCRIBE_STRUCT(emptied_answer, (), ())

// The public operations. The cart is always the caller's own.
class api : public baskets {
 public:
    virtual task<result<cart>> get_cart(request_context, get_cart_request) = 0;
    virtual task<result<emptied_answer>> clear_cart(request_context, get_cart_request) = 0;
    virtual task<result<cart>> replace_cart(request_context, replace_cart_request) = 0;
    virtual task<result<cart>> add_line(request_context, new_line) = 0;
    virtual task<result<cart>> set_quantity(request_context, set_quantity_request) = 0;
    virtual task<result<emptied_answer>> remove_line(request_context, remove_line_request) = 0;
    virtual task<result<orders::order>> checkout(request_context, checkout_request) = 0;
};

// Thread rule: one instance a loop; mutable state is in the ports.
class cart_service final : public api {
 public:
    struct needs {
        key_value& items;
        products::stock_keeper& products;
        orders::book& orders;
        clock& time;
        idempotency_keys& keys;
    };
    cart_service(needs ports, cart_settings settings)
        : ports_(ports), store_(ports.items), settings_(settings) {}

    task<result<cart>> get_cart(request_context, get_cart_request) override;
    task<result<emptied_answer>> clear_cart(request_context, get_cart_request) override;
    task<result<cart>> replace_cart(request_context, replace_cart_request) override;
    task<result<cart>> add_line(request_context, new_line) override;
    task<result<cart>> set_quantity(request_context, set_quantity_request) override;
    task<result<emptied_answer>> remove_line(request_context, remove_line_request) override;
    task<result<orders::order>> checkout(request_context, checkout_request) override;
    task<result<void>> merge(std::string guest_id, std::string user_id) override;

    // What stands in the cart when the order is placed is what may leave it with the payment:
    // checkout noted it down in the order, and for orders that were placed past the cart it is
    // looked up.
    task<result<void>> on_order_created(delivery, orders::order_event);
    // The ordered quantities leave the cart; what was added later stays.
    task<result<void>> on_order_paid(delivery, orders::order_event);
    task<result<void>> on_product_deleted(delivery, products::product_deleted);
    // It may be put into carts again; a deletion before it that comes late changes nothing.
    task<result<void>> on_product_restored(delivery, products::product_restored);

    // Second passes over the carts of deleted products. Returns how many it made.
    task<result<int>> sweep(lane share);

 private:
    using catalogue = std::map<std::string, products::product, std::less<>>;
    task<result<catalogue>> quoted(request_context context, std::vector<std::string> ids);
    task<result<std::vector<line>>> live_lines(std::string user_id);
    task<result<cart>> show(request_context context);
    bool live(const line& of) const { return of.expires_at > ports_.time.now().unix_s(); }
    std::int64_t expiry() const { return (ports_.time.now() + settings_.kept).unix_s(); }
    line line_of(const std::string& user_id, const products::product& of, std::int64_t quantity,
                 const std::optional<line>& standing) const;

    // cart_changes.cpp
    enum class how : std::uint8_t { add, set };
    task<result<void>> put_in(request_context context, products::product product, std::int64_t n,
                              how meant, bool under_key);
    task<result<void>> replace_chunk(std::string user_id, std::span<const line> wanted,
                                     std::span<const std::string> unwanted);

    // cart_leaving.cpp
    // When each line was begun, in the order's order: by it the line is known again when the order
    // is paid, however many events come late, and no clock is compared with another.
    static std::optional<std::string> note_of(std::span<const line> ordered);
    static std::optional<cart_store::line_ages> read_note(const orders::order_event& of);
    using demand = std::vector<std::pair<std::string, std::int64_t>>;
    task<result<void>> take_chunk(std::optional<delivery> receipt, const orders::order_event& paid,
                                  std::span<const std::pair<std::string, std::int64_t>> bought,
                                  std::string guard);
    task<result<void>> move_lines(std::string user_id, std::span<const line> from);

    needs ports_;
    cart_store store_;
    cart_settings settings_;
};

}  // namespace stoa::carts

template <>
inline constexpr auto stoa::rules_of<stoa::carts::new_line> = std::to_array<stoa::rule>(
    {stoa::range("product_id", 1, 64), stoa::range("quantity", 1, stoa::carts::largest_quantity),
     stoa::refused("price"), stoa::refused("line_total"), stoa::refused("user_id")});
template <>
inline constexpr auto stoa::rules_of<stoa::carts::replace_cart_request> =
    std::to_array<stoa::rule>({stoa::range("items", 0, stoa::carts::most_lines),
                               stoa::refused("user_id"), stoa::refused("total_amount")});
template <>
inline constexpr auto stoa::rules_of<stoa::carts::set_quantity_request> = std::to_array<stoa::rule>(
    {stoa::range("product_id", 1, 64), stoa::range("quantity", 0, stoa::carts::largest_quantity),
     stoa::refused("price"), stoa::refused("user_id")});
template <>
inline constexpr auto stoa::rules_of<stoa::carts::remove_line_request> =
    std::to_array<stoa::rule>({stoa::range("product_id", 1, 64)});
template <>
inline constexpr auto stoa::rules_of<stoa::carts::checkout_request> = std::to_array<stoa::rule>(
    {stoa::range("shipping_address", 3, 4'096), stoa::range("reference", 1, 64),
     stoa::range("payment_method", 1, 64), stoa::refused("items"), stoa::refused("user_id"),
     stoa::refused("status"), stoa::refused("total_amount"), stoa::refused("currency")});
