#include "services/product/catalogue_apply.hpp"

#include "base/json.hpp"
#include "services/product/product_events.hpp"
#include "services/product/product_store.hpp"

namespace stoa::products {
namespace {

// What a row did.
struct row_effect {
    bool made = false, moved = false, counted = false;
    bool restored = false;  // a deleted product is sold again
    product after{};        // of a made or moved one
};

class row_applier {
 public:
    row_applier(transaction& t, const row_batch& batch) : t_(t), batch_(batch) {}

    std::optional<bad_row> apply(const import_row& row, const std::string& fresh_id,
                                 row_effect& did) {
        const auto before = store::find_by_sku(t_, row.sku);
        const bool recount = row.stock && !applied_before(row);
        if (!before) {
            make(row, fresh_id, recount, did);
            return {};
        }
        const auto shelf = recount ? store::shelf_of(t_, before->id) : std::nullopt;
        if (shelf && *row.stock < shelf->reserved)
            return bad_row{row.row, row.line, "stock", "below_reserved",
                           std::to_string(shelf->reserved) + " are reserved for open orders"};
        change(row, *before, did);
        if (!recount) return {};
        const auto booked = store::recount_stock(t_, movement_of(row, before->id), *row.stock);
        // A count that finds what was there is booked, but changed nothing.
        did.counted = booked == store::moved::applied && (!shelf || shelf->on_hand != *row.stock);
        remember(row);
        return {};
    }

 private:
    bool applied_before(const import_row& row) {
        return !batch_.file.empty() &&
               t_.number("SELECT 1 FROM imported_rows WHERE file_hash = ?1 AND row_number = ?2",
                         batch_.file, row.row)
                   .has_value();
    }
    void remember(const import_row& row) {
        if (!batch_.file.empty())
            t_.send("INSERT INTO imported_rows (file_hash, row_number) VALUES (?1, ?2)",
                    batch_.file, row.row);
    }
    store::movement_request movement_of(const import_row& row, std::string product_id) const {
        const auto reference =
            batch_.file.empty() ? "rows:" + batch_.source : "import:" + batch_.file.substr(0, 16);
        return {.product_id = std::move(product_id),
                .reason = movement_reason::recount,
                .reference = reference + ':' + std::to_string(row.row),
                .at = batch_.now};
    }
    void take_over(const import_row& row, product& to) const {
        to.name = row.name;
        to.price = row.price;
        to.currency = row.price.currency;
        to.is_active = true;
        if (row.description) to.description = *row.description;
        if (row.category) to.category = *row.category;
        if (row.image_url) to.image_url = row.image_url;
    }
    void make(const import_row& row, const std::string& fresh_id, bool counted, row_effect& did) {
        auto& to = did.after;
        to.id = fresh_id;
        to.sku = row.sku;
        to.created_at = to.updated_at = batch_.now;
        take_over(row, to);
        did.made = true;
        if (counted) to.stock = *row.stock;
        store::insert_counted(t_, to);
        if (!counted) return;
        auto what = movement_of(row, to.id);
        what.delta = *row.stock;
        store::note_movement(t_, what);
        did.counted = true;
        remember(row);
    }
    void change(const import_row& row, const product& before, row_effect& did) {
        auto& to = did.after;
        to = before;
        take_over(row, to);
        did.moved = to_json(before) != to_json(to);
        did.restored = !before.is_active;
        to.updated_at = batch_.now;
        if (did.moved) store::update(t_, to, 0);
    }

    transaction& t_;
    const row_batch& batch_;
};

event told(const row_batch& batch, std::string_view topic, std::string_view type,
           const std::string& id, const product& about, std::string payload) {
    return {.topic = std::string(topic),
            .key = about.id,
            .id = id,
            .type = std::string(type),
            .version = about.version,
            .occurred_at = batch.now,
            .payload = std::move(payload)};
}

}  // namespace

batch_outcome apply_rows(transaction& t, const row_batch& batch) {
    batch_outcome out;
    row_applier rows(t, batch);
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        row_effect did;
        if (auto bad = rows.apply(batch.rows[i], batch.ids[i], did)) {
            out.bad.push_back(*std::move(bad));
            continue;
        }
        const bool updated = did.moved || (did.counted && !did.made);
        (did.made ? out.created : updated ? out.updated : out.unchanged) += 1;
        out.recounted += did.counted;
        if (!did.made && !updated) continue;
        auto after = did.made ? std::move(did.after) : *store::find_by_sku(t, batch.rows[i].sku);
        if (did.made || did.moved)
            t.publish(told(batch, topic::changed, topic::changed, batch.changed[i], after,
                           to_json(product_changed{after.id, after.version})));
        if (did.restored)
            t.publish(told(batch, topic::deleted, restored_type, batch.restored[i], after,
                           to_json(product_restored{after.id}, naming::camel)));
        out.changed.push_back(std::move(after));
    }
    return out;
}

}  // namespace stoa::products
