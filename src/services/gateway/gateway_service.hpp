// Answers that are put together from several services, for pages that would otherwise ask them all.
#pragma once

#include "services/gateway/circuit_breaker.hpp"
#include "services/notification/notification_api.hpp"
#include "services/order/order_api.hpp"
#include "services/payment/payment_api.hpp"
#include "services/product/product_api.hpp"
#include "services/user/user_api.hpp"

#include <functional>

namespace stoa::gateway {

struct order_details_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(order_details_request, (), (id))

// A part whose service does not answer is absent and named in `missing`; the rest stands.
struct order_details {
    orders::order order;
    std::optional<users::customer> customer;
    std::optional<std::vector<products::product>> products;  // as they are now
    std::optional<std::vector<payments::payment>> payments;
    std::optional<std::vector<notifications::notification>> notifications;  // for operators
    std::vector<std::string> missing;
};
BOOST_DESCRIBE_STRUCT(order_details, (),
                      (order, customer, products, payments, notifications, missing))

struct shop_request {};
BOOST_DESCRIBE_STRUCT(shop_request, (), ())

struct shop_counts {
    std::int64_t products = 0, categories = 0;
};
BOOST_DESCRIBE_STRUCT(shop_counts, (), (products, categories))

struct shop {
    std::string name;
    currency_code currency;
    std::optional<std::vector<std::string>> categories;
    std::optional<shop_counts> counts;
    std::vector<std::string> missing;
};
BOOST_DESCRIBE_STRUCT(shop, (), (name, currency, categories, counts, missing))

class api {
 public:
    virtual ~api() = default;
    virtual task<result<order_details>> get_order_details(request_context,
                                                          order_details_request) = 0;
    virtual task<result<shop>> get_shop(request_context, shop_request) = 0;
};

struct gateway_settings {
    std::string shop_name = "Stoa";
    currency_code shop_currency;
    breaker_settings breaker;
};

// Thread rule: one instance a loop.
class gateway_service final : public api {
 public:
    struct needs {
        orders::book& orders;
        users::directory& users;
        products::stock_keeper& products;
        payments::till& payments;
        notifications::journal& notifications;
        // Public reads of the product service, which its api does not offer to other services.
        std::function<task<result<products::catalogue_facts>>(request_context)> catalogue;
        clock& time;
    };
    gateway_service(needs ports, gateway_settings settings);

    task<result<order_details>> get_order_details(request_context, order_details_request) override;
    task<result<shop>> get_shop(request_context, shop_request) override;

 private:
    needs ports_;
    gateway_settings settings_;
    circuit_breaker users_, products_, payments_, notifications_, catalogue_;
};

}  // namespace stoa::gateway
