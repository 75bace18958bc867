#include "services/product/product_remote.hpp"

namespace stoa::products {
namespace {

constexpr operation table[] = {
    serve<&product_rpcs::quote_products>(verb::post, "", "QuoteProducts")
        .allows(who::services)
        .says("What products cost now, and how many can be had."),
    serve<&product_rpcs::hold>(verb::post, "", "Hold")
        .allows(who::services)
        .says("Holds all lines of an order, or none."),
    serve<&product_rpcs::describe_catalogue>(verb::post, "", "DescribeCatalogue")
        .allows(who::services)
        .says("The categories, and how many products there are."),
};

}  // namespace

service rpcs_of(product_rpcs& implementation) { return {"products", table, &implementation}; }

task<result<quote>> product_rpcs::quote_products(request_context context, quote_request wanted) {
    co_return co_await products_.quote_products(std::move(context), std::move(wanted));
}

task<result<hold_outcome>> product_rpcs::hold(request_context context, hold_request wanted) {
    co_return co_await products_.hold(std::move(context), std::move(wanted));
}

task<result<catalogue_facts>> product_rpcs::describe_catalogue(request_context context,
                                                               describe_catalogue_request) {
    co_return co_await products_.describe_catalogue(std::move(context));
}

task<result<quote>> remote_stock::quote_products(request_context context, quote_request wanted) {
    co_return co_await products_.ask<quote>("QuoteProducts", std::move(context), std::move(wanted));
}

task<result<hold_outcome>> remote_stock::hold(request_context context, hold_request wanted) {
    co_return co_await products_.ask<hold_outcome>("Hold", std::move(context), std::move(wanted));
}

task<result<catalogue_facts>> remote_stock::describe_catalogue(request_context context) {
    co_return co_await products_.ask<catalogue_facts>("DescribeCatalogue", std::move(context),
                                                      describe_catalogue_request{});
}

}  // namespace stoa::products
