// A product's pictures: what was uploaded, and what the function image_resize made of it.
#include "base/ids.hpp"
#include "base/json.hpp"
#include "ports/function.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/product/product_image_store.hpp"
#include "services/product/product_service.hpp"

#include <algorithm>

namespace stoa::products {
namespace {

constexpr minutes upload_within{10};
// Longer than any event is kept: until then a late one must not bring a deleted picture back.
constexpr hours deleted_for{24 * 15};

error no_such_product() {
    return {
        .kind = errc::not_found, .code = "product_not_found", .detail = "there is no such product"};
}
error no_such_image() {
    return {.kind = errc::not_found,
            .code = "image_not_found",
            .detail = "the product has no such picture"};
}

std::int64_t next_position(const std::vector<store::image_row>& all) {
    return all.empty() ? 1 : all.back().position + 1;
}
bool is_shown(const store::image_row& row) {
    return row.status != image_status::uploading && row.status != image_status::deleted;
}
result<void> has_room(const std::vector<store::image_row>& all) {
    const auto standing = std::ranges::count_if(
        all, [](const auto& each) { return each.status != image_status::deleted; });
    if (standing < static_cast<std::ptrdiff_t>(most_images)) return {};
    return fail(errc::conflict, "too_many_images",
                "a product has at most " + std::to_string(most_images) + " pictures");
}
std::optional<product> in_folder(transaction& t, const std::string& name) {
    return is_uuid(name) ? store::find(t, name) : store::find_by_sku(t, name);
}
// Of a deleted picture: of an original that it had, or of an earlier one. An upload's name is the
// shop's own, and is not given twice.
bool is_late(const image_processed& told, const store::image_row& deleted) {
    if (is_uuid(deleted.id)) return true;
    if (told.sequencer.empty() || deleted.source.sequencer.empty())
        return told.etag == deleted.source.etag;
    return !functions::comes_before(deleted.source.sequencer, told.sequencer);
}

}  // namespace

std::string product_service::original_key(std::string_view folder, std::string_view image) {
    return "originals/" + std::string(folder) + '/' + std::string(image);
}

// Runs `change` on an active product in one transaction. Where it changed what is shown, caches are
// told.
template <class Change>
task<result<product>> product_service::change_images(request_context context, std::string id,
                                                     Change change) {
    if (!is_uuid(id)) co_return fail(no_such_product());
    auto told = event_of(topic::changed, id, 0, {});
    told.traceparent = context.traceparent;
    const auto changes = begin_change();
    auto write = [id, change, told, now = ports_.time.now(),
                  changes](transaction& t) mutable -> result<std::pair<product, bool>> {
        const auto before = store::find(t, id);
        if (!before || !before->is_active) return fail(no_such_product());
        STOA_TRY_VOID(change(t, *before));
        const bool differs = store::show_images(t, id, now);
        if (differs) changes->touches(id);
        auto after = *store::find(t, id);
        if (differs) {
            told.version = after.version;
            told.payload = to_json(product_changed{after.id, after.version});
            t.publish(told);
        }
        return std::pair{std::move(after), differs};
    };
    STOA_CO_TRY(auto done, co_await ports_.db.commit(std::move(write)));
    if (done.second) products_changed({done.first}, changes->number());
    co_return std::move(done.first);
}

task<result<std::string>> product_service::begin_image(request_context context,
                                                       std::string product_id) {
    const auto image = new_id(ports_.time, ports_.random);
    auto begin = [image, due = ports_.time.now() + upload_within](
                     transaction& t, const product& of) -> result<void> {
        const auto all = store::images_of(t, of.id);
        STOA_TRY_VOID(has_room(all));
        store::put_image(t, {.product_id = of.id,
                             .id = image,
                             .folder = of.id,
                             .position = next_position(all),
                             .status = image_status::uploading,
                             .image = {.id = image},
                             .source = {},
                             .due_at = due});
        return {};
    };
    STOA_CO_TRY_VOID(
        co_await change_images(std::move(context), std::move(product_id), std::move(begin)));
    crash_point("image_begun");
    co_return image;
}

task<result<product_image>> product_service::finish_image(request_context context,
                                                          std::string product_id, std::string image,
                                                          blob_info original) {
    crash_point("image_stored");
    auto announced = event_of(topic::objects_created, product_id, 0,
                              to_json(object_announced{std::string(images_bucket), original.key,
                                                       original.etag, original.size_bytes}));
    announced.traceparent = context.traceparent;
    auto finish = [image, announced, tell = ports_.announces_originals, etag = original.etag](
                      transaction& t, const product& of) -> result<void> {
        auto row = store::find_image(t, of.id, image);
        if (!row || row->status == image_status::deleted) return fail(no_such_image());
        if (row->status != image_status::uploading) return {};
        row->status = image_status::processing;
        row->source.etag = etag;
        row->due_at.reset();
        store::put_image(t, *row);
        if (tell) t.publish(announced);
        return {};
    };
    STOA_CO_TRY(const auto now, co_await change_images(std::move(context), std::move(product_id),
                                                       std::move(finish)));
    crash_point("image_announced");
    const auto found = std::ranges::find(now.images, image, &product_image::id);
    if (found == now.images.end()) co_return fail(no_such_image());
    co_return *found;
}

task<result<bool>> product_service::sells(std::string folder) {
    auto read = [folder](transaction& t) -> result<bool> {
        const auto found = in_folder(t, folder);
        return found && found->is_active;
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<void>> product_service::expect_original(std::string folder, std::string image,
                                                    std::string sequencer) {
    auto expect = [folder, image, sequencer,
                   due = ports_.time.now() + upload_within](transaction& t) -> result<bool> {
        const auto of = in_folder(t, folder);
        if (!of || !of->is_active) return fail(no_such_product());
        const auto before = store::find_image(t, of->id, image);
        if (before && before->status != image_status::deleted) return true;  // shown meanwhile
        const auto all = store::images_of(t, of->id);
        STOA_TRY_VOID(has_room(all));
        store::put_image(t, {.product_id = of->id,
                             .id = image,
                             .folder = folder,
                             .position = next_position(all),
                             .status = image_status::uploading,
                             .image = {.id = image},
                             .source = {.etag = {}, .sequencer = sequencer},
                             .due_at = due});
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(expect)));
    co_return result<void>{};
}

task<result<image_list>> product_service::list_images(request_context context,
                                                      get_product_request wanted) {
    STOA_CO_TRY(auto found, co_await get_product(std::move(context), std::move(wanted)));
    co_return image_list{std::move(found.images)};
}

task<result<image_list>> product_service::order_images(request_context context,
                                                       order_images_request wanted) {
    auto order = [ids = wanted.images](transaction& t, const product& of) -> result<void> {
        auto all = store::images_of(t, of.id);
        std::erase_if(all, [](const auto& each) { return !is_shown(each); });
        const auto same = std::ranges::is_permutation(ids, all, {}, {}, &store::image_row::id);
        if (!same)
            return fail(invalid_request(
                {{"images", "not_all", "must name each of the product's pictures once", {}}}));
        for (auto& each : all) {
            each.position = 1 + (std::ranges::find(ids, each.id) - ids.begin());
            store::put_image(t, each);
        }
        return {};
    };
    STOA_CO_TRY(auto now,
                co_await change_images(std::move(context), std::move(wanted.id), std::move(order)));
    co_return image_list{std::move(now.images)};
}

task<result<deleted_answer>> product_service::delete_image(request_context context,
                                                           delete_image_request wanted) {
    auto erase = [image = wanted.image, now = ports_.time.now()](
                     transaction& t, const product& of) -> result<void> {
        auto row = store::find_image(t, of.id, image);
        if (!row || !is_shown(*row)) return fail(no_such_image());
        row->status = image_status::deleted;
        row->due_at = now;  // its files are swept
        store::put_image(t, *row);
        return {};
    };
    STOA_CO_TRY_VOID(
        co_await change_images(std::move(context), std::move(wanted.id), std::move(erase)));
    co_return deleted_answer{};
}

task<result<void>> product_service::on_image_processed(delivery what, image_processed told) {
    auto changed = event_of(topic::changed, {}, 0, {});
    changed.traceparent = what.message.traceparent;
    const auto changes = begin_change();
    auto apply = [what, told, changed, now = ports_.time.now(),
                  changes](transaction& t) mutable -> result<std::optional<product>> {
        if (!t.receive(what)) return std::nullopt;
        const auto of = in_folder(t, told.folder);
        if (!of) return std::nullopt;  // a picture of nothing that is sold here
        auto row = store::find_image(t, of->id, told.image);
        const bool deleted = row && row->status == image_status::deleted;
        if (deleted && is_late(told, *row)) {
            row->due_at = now;  // variants came after their picture was deleted
            row->image.problem.reset();
            store::put_image(t, *row);
            return std::nullopt;
        }
        if (!row || deleted) {
            const auto all = store::images_of(t, of->id);
            row = store::image_row{.product_id = of->id,
                                   .id = told.image,
                                   .folder = told.folder,
                                   .position = next_position(all),
                                   .image = {.id = told.image},
                                   .source = {}};
            if (const auto room = has_room(all); !room) {
                log_warning(
                    "picture_not_taken",
                    {{"product", of->id}, {"picture", told.image}, {"code", room.error().code}});
                row->status = image_status::deleted;
                row->source = {told.etag, told.sequencer};
                row->due_at = now;  // its files are swept
                store::put_image(t, *row);
                return std::nullopt;
            }
        } else if (functions::comes_before(told.sequencer, row->source.sequencer)) {
            return std::nullopt;
        }
        row->status = told.variants.empty() ? image_status::refused : image_status::ready;
        row->image = {.id = told.image,
                      .width = told.width,
                      .height = told.height,
                      .variants = std::move(told.variants),
                      .problem = std::move(told.problem)};
        row->source = {told.etag, told.sequencer};
        row->due_at.reset();
        store::put_image(t, *row);
        if (!store::show_images(t, of->id, now)) return std::nullopt;
        changes->touches(of->id);
        auto after = store::find(t, of->id);
        changed.key = after->id;
        changed.version = after->version;
        changed.payload = to_json(product_changed{after->id, after->version});
        t.publish(changed);
        return after;
    };
    STOA_CO_TRY(const auto now, co_await ports_.db.commit(std::move(apply)));
    crash_point("image_shown");
    if (now) products_changed({*now}, changes->number());
    co_return result<void>{};
}

// --- sweeping
// -------------------------------------------------------------------------------------

task<result<void>> product_service::settle_upload(std::string product_id, std::string image) {
    auto find = [product_id, image](transaction& t) -> result<std::optional<store::image_row>> {
        return store::find_image(t, product_id, image);
    };
    STOA_CO_TRY(const auto upload, co_await ports_.db.read(std::move(find)));
    const auto key = original_key(upload ? upload->folder : product_id, image);
    STOA_CO_TRY(const auto there, co_await ports_.files->list(std::string(images_bucket), key));
    const auto found = std::ranges::find(there, key, &blob_info::key);
    if (found != there.end()) {
        const auto done = co_await finish_image({}, product_id, image, *found);
        if (done || done.error().kind != errc::not_found)
            co_return done ? result<void>{} : std::unexpected(done.error());
        // The product was deleted meanwhile.
        STOA_CO_TRY_VOID(co_await ports_.files->erase(std::string(images_bucket), key));
    }
    auto forget = [product_id, image](transaction& t) -> result<bool> {
        const auto row = store::find_image(t, product_id, image);
        if (row && row->status == image_status::uploading) store::forget_image(t, *row);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(forget)));
    co_return result<void>{};
}

// With an etag: unless another original was put under the name since.
task<result<void>> product_service::erase_files(std::string folder, std::string image,
                                                std::string etag) {
    const std::string bucket(images_bucket);
    const auto key = original_key(folder, image);
    STOA_CO_TRY(const auto there, co_await ports_.files->list(bucket, key));
    const auto original = std::ranges::find(there, key, &blob_info::key);
    if (original != there.end() && !etag.empty() && original->etag != etag)
        co_return result<void>{};
    STOA_CO_TRY_VOID(co_await ports_.files->erase(bucket, key));
    STOA_CO_TRY(const auto variants,
                co_await ports_.files->list(bucket, "variants/" + folder + '/' + image + '/'));
    for (const auto& each : variants)
        STOA_CO_TRY_VOID(co_await ports_.files->erase(bucket, each.key));
    co_return result<void>{};
}

task<result<int>> product_service::sweep_images(bool all) {
    if (!ports_.files) co_return 0;
    const auto now = ports_.time.now();
    const auto until = all ? now + upload_within : now;
    auto read = [until](transaction& t) -> result<std::vector<store::image_row>> {
        return store::images_due(t, until, 50);
    };
    STOA_CO_TRY(const auto due, co_await ports_.db.read(std::move(read)));
    for (const auto& row : due) {
        if (row.status == image_status::uploading) {
            STOA_CO_TRY_VOID(co_await settle_upload(row.product_id, row.id));
            continue;
        }
        // The first time its files go; the second, long after, its row.
        const bool first = !row.image.problem || *row.image.problem != "erased";
        if (first)
            STOA_CO_TRY_VOID(
                co_await erase_files(row.folder, row.id, is_uuid(row.id) ? "" : row.source.etag));
        auto settle = [row, first, now](transaction& t) -> result<bool> {
            auto latest = store::find_image(t, row.product_id, row.id);
            if (!latest || latest->due_at != row.due_at) return false;
            if (!first) return store::forget_image(t, row), true;
            latest->image.problem = "erased";
            latest->due_at = now + deleted_for;
            store::put_image(t, *latest);
            return true;
        };
        STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(settle)));
    }
    co_return static_cast<int>(due.size());
}

}  // namespace stoa::products
