#include "services/product/product_operations.hpp"

namespace stoa::products {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::list_products>(get, "/api/v1/products", "ListProducts")
        .also_at("/products")
        .allows(anyone)
        .says("The catalogue, filtered and sorted, a page at a time."),
    serve<&api::search_products>(get, "/api/v1/products/search", "SearchProducts")
        .also_at("/products/search")
        .allows(anyone)
        .says("Ranked search; the last word is also a prefix, one typo is forgiven."),
    serve<&api::list_categories>(get, "/api/v1/categories", "ListCategories")
        .also_at("/categories")
        .allows(anyone)
        .says("The categories that products are in."),
    serve<&api::get_product>(get, "/api/v1/products/{id}", "GetProduct")
        .also_at("/products/{id}")
        .allows(anyone)
        .says("One product."),
    serve<&api::get_related>(get, "/api/v1/products/{id}/related", "GetRelatedProducts")
        .allows(anyone)
        .says("What was bought together with it lately, filled up from its category."),
    serve<&api::create_product>(post, "/api/v1/products", "CreateProduct")
        .also_at("/products")
        .answers(201)
        .allows(operators)
        .takes_idempotency_key()
        .says("Adds a product."),
    serve<&api::update_product>(put, "/api/v1/products/{id}", "UpdateProduct")
        .also_at("/products/{id}")
        .allows(operators)
        .says("Changes what is given; If-Match guards the version."),
    serve<&api::delete_product>(erase, "/api/v1/products/{id}", "DeleteProduct")
        .also_at("/products/{id}")
        .answers(204)
        .allows(operators)
        .says("Takes a product off the shelf; orders that stand keep it."),
    serve<&api::get_stock>(get, "/api/v1/products/{id}/stock", "GetStock")
        .allows(operators)
        .says("What is on hand and reserved, with the latest movements."),
    serve<&api::change_stock>(post, "/api/v1/products/{id}/stock", "ChangeStock")
        .allows(operators)
        .takes_idempotency_key()
        .says("Books a delta or a recount as a movement."),
    serve<&api::list_images>(get, "/api/v1/products/{id}/images", "ListProductImages")
        .allows(anyone)
        .says("A product's pictures in the order in which they are shown, with their sizes."),
    serve<&api::order_images>(put, "/api/v1/products/{id}/images", "OrderProductImages")
        .allows(operators)
        .says("Puts the pictures in another order: names all of them."),
    serve<&api::delete_image>(erase, "/api/v1/products/{id}/images/{image}", "DeleteProductImage")
        .answers(204)
        .allows(operators)
        .says("Takes a picture away, its original and its sizes."),
    serve<&api::list_documents>(get, "/api/v1/products/{id}/documents", "ListProductDocuments")
        .allows(anyone)
        .says("A product's documents, such as manuals and data sheets, with their addresses."),
    serve<&api::delete_document>(erase, "/api/v1/products/{id}/documents/{document}",
                                 "DeleteProductDocument")
        .answers(204)
        .allows(operators)
        .says("Takes a document away."),
    serve<&api::reserve>(post, "/api/v1/products/{id}/reserve", "ReserveProduct")
        .also_at("/products/{id}/reserve")
        .allows(services)
        .takes_idempotency_key()
        .says("Holds units for an order."),
    serve<&api::get_hold>(get, "/api/v1/holds/{order_id}", "GetHold")
        .allows(operators)
        .says("What an order holds or held, with the movements of stock it caused."),
    serve<&api::commit_reserved>(post, "/api/v1/holds/{order_id}/commit", "CommitHold")
        .allows(services)
        .says("The order is paid: its units leave the stock."),
    serve<&api::release_reserved>(post, "/api/v1/holds/{order_id}/release", "ReleaseHold")
        .allows(services)
        .says("The order is over: its units can be sold again."),
};

constexpr event_handler events[] = {
    on_event<&product_service::on_order_event>(orders::topic::orders, "order.paid"),
    on_event<&product_service::on_order_event>(orders::topic::orders, "order.cancelled"),
    on_event<&product_service::on_order_event>(orders::topic::orders, "order.refunded"),
    on_event<&product_service::on_image_processed>(topic::images_processed,
                                                   topic::images_processed),
};

}  // namespace

service operations_of(api& implementation) { return {"products", table, &implementation}; }
service operations_elsewhere() { return {"products", table, nullptr}; }
event_consumer events_of(product_service& implementation) {
    return {"product", events, &implementation};
}

}  // namespace stoa::products
