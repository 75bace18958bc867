// Products: the catalogue, its search, and the stock with its holds (design §5, steps 2 and 7).
#pragma once

#include "ports/blob.hpp"
#include "ports/clock.hpp"
#include "ports/sql_together.hpp"
#include "runtime/metrics.hpp"
#include "services/order/order_api.hpp"
#include "services/order/order_events.hpp"
#include "services/product/catalogue_index.hpp"
#include "services/product/product_api.hpp"
#include "services/product/product_cache.hpp"
#include "services/product/product_events.hpp"
#include "services/product/product_store.hpp"

#include <map>

namespace stoa::products {

struct list_products_request {
    std::optional<std::int32_t> skip, limit;
    std::optional<std::string> cursor;  // next_cursor of the page before; skip is then ignored
    std::optional<std::string> category;
    std::optional<money> min_price, max_price;
    std::optional<bool> in_stock;
    std::optional<std::string> sort;  // newest, price, -price, name
};
BOOST_DESCRIBE_STRUCT(list_products_request, (),
                      (skip, limit, cursor, category, min_price, max_price, in_stock, sort))
struct product_list {
    std::vector<product> products;
    std::int64_t total = 0;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(product_list, (), (products, total, next_cursor))

struct search_products_request {
    std::string q;
    std::optional<std::int32_t> skip, limit;
    std::optional<std::string> category;
    std::optional<money> min_price, max_price;
    std::optional<bool> in_stock;
};
BOOST_DESCRIBE_STRUCT(search_products_request, (),
                      (q, skip, limit, category, min_price, max_price, in_stock))
struct search_results {
    std::vector<product> results;
    std::int64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(search_results, (), (results, total))

struct get_product_request {
    std::string id;
};
BOOST_DESCRIBE_STRUCT(get_product_request, (), (id))

struct create_product_request {
    std::optional<std::string> sku;
    std::string name;
    std::optional<std::string> description, category;
    money price;
    std::optional<currency_code> currency;
    std::optional<std::int64_t> stock;  // also as stock_quantity
    std::optional<std::string> image_url;
};
BOOST_DESCRIBE_STRUCT(create_product_request, (),
                      (sku, name, description, category, price, currency, stock, image_url))

// Absent members stay as they are. `stock` is a recount: what was counted on the shelf.
struct update_product_request {
    std::string id;
    std::optional<std::string> sku, name, description, category;
    std::optional<money> price;
    std::optional<currency_code> currency;
    std::optional<std::int64_t> stock;
    std::optional<std::string> image_url;
};
BOOST_DESCRIBE_STRUCT(update_product_request, (),
                      (id, sku, name, description, category, price, currency, stock, image_url))

struct deleted_answer {};
BOOST_DESCRIBE_STRUCT(deleted_answer, (), ())

// Either a delta or a count, not both.
struct change_stock_request {
    std::string id;
    std::optional<std::int64_t> delta;     // received (+) or taken out (−)
    std::optional<std::int64_t> count;     // a recount
    std::optional<std::string> reference;  // counts once a product; else the Idempotency-Key does
};
BOOST_DESCRIBE_STRUCT(change_stock_request, (), (id, delta, count, reference))

struct stock_report {
    std::string product_id;
    std::int64_t on_hand = 0, reserved = 0, stock = 0;
    std::vector<stock_movement> movements;  // the latest 100
};
BOOST_DESCRIBE_STRUCT(stock_report, (), (product_id, on_hand, reserved, stock, movements))

struct reserve_request {
    std::string id;
    std::optional<std::string> order_id;  // else the Idempotency-Key names the hold
    std::int32_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(reserve_request, (), (id, order_id, quantity))
struct reserve_answer {
    std::string order_id, product_id;
    std::int32_t quantity = 0;
    hold_status status{};
};
BOOST_DESCRIBE_STRUCT(reserve_answer, (), (order_id, product_id, quantity, status))

struct end_hold_request {
    std::string order_id;
};
BOOST_DESCRIBE_STRUCT(end_hold_request, (), (order_id))
struct end_hold_answer {
    std::string order_id;
    std::string outcome;  // done, repeated, tombstone
};
BOOST_DESCRIBE_STRUCT(end_hold_answer, (), (order_id, outcome))

// The hold of an order as operators see it: what was reserved, and what came of it.
struct hold_report {
    std::string order_id;
    hold_status status{};
    timestamp created_at, updated_at, due_at;
    std::vector<held_line> lines;
    std::vector<stock_movement> movements;  // that name the order: sold, returned
};
BOOST_DESCRIBE_STRUCT(hold_report, (),
                      (order_id, status, created_at, updated_at, due_at, lines, movements))

struct related_products_request {
    std::string id;
    std::optional<std::int32_t> limit;  // 8 where none is given
};
BOOST_DESCRIBE_STRUCT(related_products_request, (), (id, limit))
// Those bought together with it first, by the number of orders; then others of its category, newest
// first. All can be sold now.
struct related_products {
    std::vector<product> products;
    std::int32_t bought_together = 0;  // how many of them, from the first on
};
BOOST_DESCRIBE_STRUCT(related_products, (), (products, bought_together))

struct list_categories_request {};
BOOST_DESCRIBE_STRUCT(list_categories_request, (), ())
struct category_list {
    std::vector<std::string> categories;
};
BOOST_DESCRIBE_STRUCT(category_list, (), (categories))

inline constexpr std::string_view images_bucket = "product-images";
inline constexpr std::size_t most_images = 20;  // of one product

struct image_list {
    std::vector<product_image> images;
};
BOOST_DESCRIBE_STRUCT(image_list, (), (images))

struct order_images_request {
    std::string id;
    std::vector<std::string> images;  // the ids of all of them, as they are to be shown
};
BOOST_DESCRIBE_STRUCT(order_images_request, (), (id, images))

struct delete_image_request {
    std::string id, image;
};
BOOST_DESCRIBE_STRUCT(delete_image_request, (), (id, image))

inline constexpr std::size_t most_documents = 20;                 // of one product
inline constexpr std::int64_t largest_document_bytes = 50 << 20;  // beside the pictures' files

struct document_list {
    std::vector<product_document> documents;  // by the time of their upload
};
BOOST_DESCRIBE_STRUCT(document_list, (), (documents))

struct delete_document_request {
    std::string id, document;
};
BOOST_DESCRIBE_STRUCT(delete_document_request, (), (id, document))

struct new_document {
    std::string name;  // as a file is called
    std::string content_type;
};

class api : public stock_keeper {
 public:
    virtual task<result<product_list>> list_products(request_context, list_products_request) = 0;
    virtual task<result<search_results>> search_products(request_context,
                                                         search_products_request) = 0;
    virtual task<result<product>> get_product(request_context, get_product_request) = 0;
    virtual task<result<product>> create_product(request_context, create_product_request) = 0;
    virtual task<result<product>> update_product(request_context, update_product_request) = 0;
    virtual task<result<deleted_answer>> delete_product(request_context, get_product_request) = 0;
    virtual task<result<stock_report>> get_stock(request_context, get_product_request) = 0;
    virtual task<result<stock_report>> change_stock(request_context, change_stock_request) = 0;
    virtual task<result<reserve_answer>> reserve(request_context, reserve_request) = 0;
    virtual task<result<end_hold_answer>> commit_reserved(request_context, end_hold_request) = 0;
    virtual task<result<end_hold_answer>> release_reserved(request_context, end_hold_request) = 0;
    virtual task<result<category_list>> list_categories(request_context,
                                                        list_categories_request) = 0;
    virtual task<result<related_products>> get_related(request_context,
                                                       related_products_request) = 0;
    virtual task<result<hold_report>> get_hold(request_context, end_hold_request) = 0;
    virtual task<result<image_list>> list_images(request_context, get_product_request) = 0;
    virtual task<result<image_list>> order_images(request_context, order_images_request) = 0;
    virtual task<result<deleted_answer>> delete_image(request_context, delete_image_request) = 0;
    virtual task<result<document_list>> list_documents(request_context, get_product_request) = 0;
    virtual task<result<deleted_answer>> delete_document(request_context,
                                                         delete_document_request) = 0;
};

// Without those that are not there.
using products_by_id = std::map<std::string, std::shared_ptr<const product>, std::less<>>;

struct product_settings {
    currency_code shop_currency;
    minutes hold_for{15};  // a reservation made by hand, without an order
    // How long a product is remembered that another process may change; 0: there is none.
    seconds remembered_for{0};
};

// Thread rule: one instance a loop; the index and the board are shared by all of them.
class product_service final : public api {
 public:
    struct needs {
        sql& db;
        catalogue_index& index;
        change_board& board;
        clock& time;
        random_source& random;
        orders::book* orders = nullptr;  // set by wiring: the two know each other
        blob_store* files = nullptr;     // pictures and documents; without, none can be uploaded
        // Whether this shop tells its own functions of new originals; else the bucket does.
        bool announces_originals = false;
    };
    product_service(needs ports, product_settings settings);
    void use(orders::book& orders) { ports_.orders = &orders; }

    task<result<quote>> quote_products(request_context, quote_request) override;
    task<result<hold_outcome>> hold(request_context, hold_request) override;
    task<result<product_list>> list_products(request_context, list_products_request) override;
    task<result<search_results>> search_products(request_context, search_products_request) override;
    task<result<product>> get_product(request_context, get_product_request) override;
    task<result<product>> create_product(request_context, create_product_request) override;
    task<result<product>> update_product(request_context, update_product_request) override;
    task<result<deleted_answer>> delete_product(request_context, get_product_request) override;
    task<result<stock_report>> get_stock(request_context, get_product_request) override;
    task<result<stock_report>> change_stock(request_context, change_stock_request) override;
    task<result<reserve_answer>> reserve(request_context, reserve_request) override;
    task<result<end_hold_answer>> commit_reserved(request_context, end_hold_request) override;
    task<result<end_hold_answer>> release_reserved(request_context, end_hold_request) override;
    task<result<category_list>> list_categories(request_context, list_categories_request) override;
    task<result<related_products>> get_related(request_context, related_products_request) override;
    task<result<hold_report>> get_hold(request_context, end_hold_request) override;
    task<result<catalogue_facts>> describe_catalogue(request_context);

    task<result<image_list>> list_images(request_context, get_product_request) override;
    task<result<image_list>> order_images(request_context, order_images_request) override;
    task<result<deleted_answer>> delete_image(request_context, delete_image_request) override;
    // An upload in two steps, with the original's bytes put at original_key() between them. A crash
    // there is mended by sweep_images(): what came whole is a picture, the rest is forgotten.
    task<result<std::string>> begin_image(request_context context, std::string product_id);
    task<result<product_image>> finish_image(request_context context, std::string product_id,
                                             std::string image, blob_info original);
    // Of an upload that does not come to its end: a picture where its original came whole.
    task<result<void>> settle_upload(std::string product_id, std::string image);
    // Before an original is put at original_key(folder, image) by other means than an upload: what
    // comes of an earlier one under that name is late from then on. The folder is an id or a sku.
    // Errors: product_not_found, too_many_images.
    task<result<void>> expect_original(std::string folder, std::string image,
                                       std::string sequencer);
    // Whether a folder of that name is that of an active product.
    task<result<bool>> sells(std::string folder);
    static std::string original_key(std::string_view folder, std::string_view image);
    task<result<void>> on_image_processed(delivery, image_processed);
    // Uploads that nobody finished, and files of deleted pictures. `all`: a process that has just
    // started and is the only one waits for nobody. Returns how many.
    task<result<int>> sweep_images(bool all);

    task<result<document_list>> list_documents(request_context, get_product_request) override;
    task<result<deleted_answer>> delete_document(request_context, delete_document_request) override;
    // In two steps as a picture, with the bytes put at document_key() of the pictures' bucket.
    task<result<std::string>> begin_document(request_context context, std::string product_id,
                                             new_document what);
    task<result<product_document>> finish_document(std::string product_id, std::string document,
                                                   blob_info file);
    task<result<void>> settle_document(std::string product_id, std::string document);
    // One that can be handed out. Errors: document_not_found.
    task<result<product_document>> find_document(std::string product_id, std::string document);
    static std::string document_key(std::string_view product_id, std::string_view document);
    task<result<int>> sweep_documents(bool all);  // as sweep_images

    // paid: commit; cancelled: release or return; refunded with restock: return.
    task<result<void>> on_order_event(delivery, orders::order_event);

    // Holds past their order's deadline: order says whether they still stand. Returns how many were
    // released.
    task<result<int>> sweep();

    // Every active product, for the index at start: pages of a thousand after `after` (by id).
    task<result<std::vector<indexed_product>>> page_for_index(std::string after);
    // What a writer of many products at once (an import) tells when a batch is stored; `change` is
    // the number of its transaction's change, which has told what it touches.
    void products_changed(const std::vector<product>& now, std::uint64_t change);
    std::shared_ptr<change_board::change> begin_change() const {
        return std::make_shared<change_board::change>(ports_.board);
    }
    // Another process has changed it.
    task<result<void>> reread(std::string id);

 private:
    using products_in_order = std::vector<std::shared_ptr<const product>>;
    task<result<products_in_order>> find_all(std::vector<std::string> ids);
    void stock_changed(const std::vector<store::stock_left>& left, std::uint64_t change);
    struct listed {
        std::vector<std::string> ids;
        std::optional<std::string> cursor = {};  // behind them; else the last product gives it
    };
    task<result<listed>> page_of(store::listing what);
    template <class Change>
    task<result<product>> change_images(request_context context, std::string id, Change change);
    task<result<void>> erase_files(std::string folder, std::string image, std::string etag);
    event event_of(std::string_view topic, const std::string& product_id, std::int64_t version,
                   std::string payload) const;
    task<result<end_hold_answer>> end_hold(std::string order_id, bool commit);

    needs ports_;
    product_settings settings_;
    product_cache cache_;
    sql_together<store::hold_try, store::held> holds_;
    sql_together<std::vector<std::string>, products_by_id> reads_;
};

indexed_product to_indexed(const product& from);

}  // namespace stoa::products

template <>
inline constexpr auto stoa::rules_of<stoa::products::list_products_request> =
    std::to_array<stoa::rule>({stoa::range("skip", 0, 10'000), stoa::range("limit", 1, 100),
                               stoa::range("category", 1, 100),
                               stoa::range("min_price", 0, stoa::products::largest_amount_minor),
                               stoa::range("max_price", 0, stoa::products::largest_amount_minor)});
template <>
inline constexpr auto stoa::rules_of<stoa::products::search_products_request> =
    std::to_array<stoa::rule>(
        {stoa::range("q", 1, 256), stoa::range("skip", 0, 10'000), stoa::range("limit", 1, 100)});
template <>
inline constexpr auto stoa::rules_of<stoa::products::create_product_request> =
    std::to_array<stoa::rule>(
        {stoa::range("sku", 1, 64), stoa::range("name", 1, 200),
         stoa::range("description", 0, 10'000), stoa::range("category", 0, 100),
         stoa::range("price", 0, stoa::products::largest_amount_minor),
         stoa::range("stock", 0, stoa::products::largest_stock), stoa::range("image_url", 0, 2'000),
         stoa::alias("stock_quantity", "stock"), stoa::refused("id"), stoa::refused("version"),
         stoa::refused("created_at"), stoa::refused("updated_at"), stoa::refused("images"),
         stoa::refused("is_active"), stoa::refused("reserved")});
template <>
inline constexpr auto stoa::rules_of<stoa::products::update_product_request> =
    std::to_array<stoa::rule>(
        {stoa::range("sku", 1, 64), stoa::range("name", 1, 200),
         stoa::range("description", 0, 10'000), stoa::range("category", 0, 100),
         stoa::range("price", 0, stoa::products::largest_amount_minor),
         stoa::range("stock", 0, stoa::products::largest_stock), stoa::range("image_url", 0, 2'000),
         stoa::alias("stock_quantity", "stock"), stoa::refused("created_at"),
         stoa::refused("images"), stoa::refused("is_active"), stoa::refused("reserved")});
template <>
inline constexpr auto stoa::rules_of<stoa::products::change_stock_request> =
    std::to_array<stoa::rule>(
        {stoa::range("delta", -stoa::products::largest_stock, stoa::products::largest_stock),
         stoa::range("count", 0, stoa::products::largest_stock), stoa::range("reference", 1, 200)});
template <>
inline constexpr auto stoa::rules_of<stoa::products::order_images_request> =
    std::to_array<stoa::rule>({stoa::range("images", 1, stoa::products::most_images)});
template <>
inline constexpr auto stoa::rules_of<stoa::products::reserve_request> =
    std::to_array<stoa::rule>({stoa::range("quantity", 1, stoa::products::largest_quantity),
                               stoa::range("order_id", 1, 128)});
template <>
inline constexpr auto stoa::rules_of<stoa::products::related_products_request> =
    std::to_array<stoa::rule>({stoa::range("limit", 1, 24)});
