// What other services may ask of products. Callers are services: customers never reach these by
// HTTP, except through the operations of product_operations.cpp that say so.
#pragma once

#include "base/context.hpp"
#include "runtime/task.hpp"
#include "services/product/product.hpp"

namespace stoa::products {

struct quote_request {
    std::vector<std::string> product_ids;
};
BOOST_DESCRIBE_STRUCT(quote_request, (), (product_ids))

// Deleted products are quoted too, with is_active false; unknown ids are left out.
struct quote {
    std::vector<product> products;
};
BOOST_DESCRIBE_STRUCT(quote, (), (products))

struct hold_line {
    std::string product_id;
    std::int32_t quantity = 0;
    money price;  // as quoted: another one now is price_changed
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(hold_line, (), (product_id, quantity, price, currency))

struct hold_request {
    std::string order_id;
    std::vector<hold_line> lines;  // the same product may stand twice: demand is summed
    timestamp deadline;            // of the order; product's sweeper asks order about holds past it
};
BOOST_DESCRIBE_STRUCT(hold_request, (), (order_id, lines, deadline))

enum class refusal : std::uint8_t { none, out_of_stock, product_unavailable, price_changed };
BOOST_DESCRIBE_ENUM(refusal, none, out_of_stock, product_unavailable, price_changed)

// Why a product of the hold could not be had.
struct refused_line {
    std::string product_id;
    refusal why{};
    std::int64_t available = 0;
    std::optional<money> price;  // now
    std::optional<currency_code> currency;
};
BOOST_DESCRIBE_STRUCT(refused_line, (), (product_id, why, available, price, currency))

// All lines or none. The outcome is stored under the order id and any repeat reads it.
struct hold_outcome {
    hold_status status{};
    std::vector<refused_line> refused;
};
BOOST_DESCRIBE_STRUCT(hold_outcome, (), (status, refused))

// What a storefront's first page wants of the catalogue.
struct catalogue_facts {
    std::vector<std::string> categories;
    std::int64_t products = 0;
};
BOOST_DESCRIBE_STRUCT(catalogue_facts, (), (categories, products))

class stock_keeper {
 public:
    virtual ~stock_keeper() = default;
    virtual task<result<quote>> quote_products(request_context, quote_request) = 0;
    virtual task<result<hold_outcome>> hold(request_context, hold_request) = 0;
};

}  // namespace stoa::products
