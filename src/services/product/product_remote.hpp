// The product service from another process: what it answers there, and its api from here.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/product/product_service.hpp"

namespace stoa::products {

struct describe_catalogue_request {};
BOOST_DESCRIBE_STRUCT(describe_catalogue_request, (), ())

// Thread rule: its service's.
class product_rpcs {
 public:
    explicit product_rpcs(product_service& of) : products_(of) {}
    task<result<quote>> quote_products(request_context, quote_request);
    task<result<hold_outcome>> hold(request_context, hold_request);
    task<result<catalogue_facts>> describe_catalogue(request_context, describe_catalogue_request);

 private:
    product_service& products_;
};
service rpcs_of(product_rpcs& implementation);

// Thread rule: a loop's own.
class remote_stock final : public stock_keeper {
 public:
    explicit remote_stock(remote_service& products) : products_(products) {}
    task<result<quote>> quote_products(request_context, quote_request) override;
    task<result<hold_outcome>> hold(request_context, hold_request) override;
    task<result<catalogue_facts>> describe_catalogue(request_context context);

 private:
    remote_service& products_;
};

}  // namespace stoa::products
