#include "services/product/product_image_store.hpp"

#include "base/json.hpp"

namespace stoa::products::store {
namespace {

#define IMAGE_COLUMNS                                                              \
    "SELECT product_id, id, folder, position, status, image, source, due_at FROM " \
    "product_images "

struct shown {
    std::vector<product_image> images;
};
BOOST_DESCRIBE_STRUCT(shown, (), (images))

std::string list_json(const std::vector<product_image>& images) {
    const auto whole = to_json(shown{images});  // {"images":[…]}
    const auto from = whole.find('[');
    return whole.substr(from, whole.size() - from - 1);
}

}  // namespace

std::vector<image_row> images_of(transaction& t, std::string_view product_id) {
    return t.query<image_row>(
        IMAGE_COLUMNS "WHERE product_id = ?1 ORDER BY product_id, position, id", product_id);
}

std::optional<image_row> find_image(transaction& t, std::string_view product_id,
                                    std::string_view id) {
    return t.first<image_row>(IMAGE_COLUMNS "WHERE product_id = ?1 AND id = ?2", product_id, id);
}

std::vector<image_row> images_due(transaction& t, timestamp now, int limit) {
    return t.query<image_row>(IMAGE_COLUMNS
                              "WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2",
                              now, limit);
}

void put_image(transaction& t, const image_row& row) {
    t.execute(
        "INSERT INTO product_images (product_id, id, folder, position, status, image, source, "
        "due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (product_id, id) DO UPDATE "
        "SET folder = ?3, position = ?4, status = ?5, image = ?6, source = ?7, due_at = ?8",
        row.product_id, row.id, row.folder, row.position, row.status, to_json(row.image),
        to_json(row.source), row.due_at);
}

void forget_image(transaction& t, const image_row& row) {
    t.execute("DELETE FROM product_images WHERE product_id = ?1 AND id = ?2", row.product_id,
              row.id);
}

bool show_images(transaction& t, std::string_view product_id, timestamp now) {
    std::vector<product_image> images;
    for (auto& each : images_of(t, product_id)) {
        if (each.status == image_status::uploading || each.status == image_status::deleted)
            continue;
        each.image.status = each.status;
        images.push_back(std::move(each.image));
    }
    return t.execute(
               "UPDATE products SET images = ?2, updated_at = ?3, version = version + 1 WHERE id = "
               "?1 AND images <> ?2",
               product_id, list_json(images), now) == 1;
}

}  // namespace stoa::products::store
