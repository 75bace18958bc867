// A product's documents: manuals, data sheets, certificates. They are kept as they came.
#include "base/ids.hpp"
#include "runtime/crash_point.hpp"
#include "services/product/product_document_store.hpp"
#include "services/product/product_service.hpp"

#include <algorithm>

namespace stoa::products {
namespace {

constexpr minutes upload_within{10};

error no_such_product() {
    return {
        .kind = errc::not_found, .code = "product_not_found", .detail = "there is no such product"};
}
error no_such_document() {
    return {.kind = errc::not_found,
            .code = "document_not_found",
            .detail = "the product has no such document"};
}

bool sold(transaction& t, std::string_view id) {
    const auto of = store::find(t, id);
    return of && of->is_active;
}

product_document shown(const store::document_row& row) {
    return {.id = row.id,
            .name = row.name,
            .content_type = row.content_type,
            .size_bytes = row.size_bytes,
            .url = "/api/v1/products/" + row.product_id + "/documents/" + row.id,
            .created_at = row.created_at};
}

}  // namespace

std::string product_service::document_key(std::string_view product_id, std::string_view document) {
    return "documents/" + std::string(product_id) + '/' + std::string(document);
}

task<result<std::string>> product_service::begin_document(request_context, std::string product_id,
                                                          new_document what) {
    if (!is_uuid(product_id)) co_return fail(no_such_product());
    const auto id = new_id(ports_.time, ports_.random);
    const auto now = ports_.time.now();
    auto begin =
        [row = store::document_row{.product_id = std::move(product_id),
                                   .id = id,
                                   .name = std::move(what.name),
                                   .content_type = std::move(what.content_type),
                                   .created_at = now,
                                   .due_at = now + upload_within}](transaction& t) -> result<bool> {
        if (!sold(t, row.product_id)) return fail(no_such_product());
        const auto all = store::documents_of(t, row.product_id);
        const auto standing = std::ranges::count_if(
            all, [](const auto& each) { return each.status != store::document_status::deleted; });
        if (standing >= static_cast<std::ptrdiff_t>(most_documents))
            return fail(errc::conflict, "too_many_documents",
                        "a product has at most " + std::to_string(most_documents) + " documents");
        store::put_document(t, row);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(begin)));
    crash_point("document_begun");
    co_return id;
}

task<result<product_document>> product_service::finish_document(std::string product_id,
                                                                std::string document,
                                                                blob_info file) {
    crash_point("document_stored");
    auto finish = [product_id, document,
                   size = file.size_bytes](transaction& t) -> result<product_document> {
        auto row = store::find_document(t, product_id, document);
        if (!row || row->status == store::document_status::deleted) return fail(no_such_document());
        row->status = store::document_status::ready;
        row->size_bytes = size;
        row->due_at.reset();
        store::put_document(t, *row);
        return shown(*row);
    };
    STOA_CO_TRY(auto made, co_await ports_.db.commit(std::move(finish)));
    crash_point("document_kept");
    co_return made;
}

task<result<document_list>> product_service::list_documents(request_context,
                                                            get_product_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_product());
    auto read = [id = wanted.id](transaction& t) -> result<document_list> {
        if (!sold(t, id)) return fail(no_such_product());
        document_list out;
        for (const auto& each : store::documents_of(t, id))
            if (each.status == store::document_status::ready) out.documents.push_back(shown(each));
        return out;
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<product_document>> product_service::find_document(std::string product_id,
                                                              std::string document) {
    auto read = [product_id, document](transaction& t) -> result<product_document> {
        const auto row = store::find_document(t, product_id, document);
        if (!row || row->status != store::document_status::ready || !sold(t, product_id))
            return fail(no_such_document());
        return shown(*row);
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<deleted_answer>> product_service::delete_document(request_context,
                                                              delete_document_request wanted) {
    auto erase = [wanted, now = ports_.time.now()](transaction& t) -> result<bool> {
        auto row = store::find_document(t, wanted.id, wanted.document);
        if (!row || row->status != store::document_status::ready) return fail(no_such_document());
        row->status = store::document_status::deleted;
        row->due_at = now;  // its file is swept
        store::put_document(t, *row);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(erase)));
    co_return deleted_answer{};
}

task<result<void>> product_service::settle_document(std::string product_id, std::string document) {
    const auto key = document_key(product_id, document);
    STOA_CO_TRY(const auto there, co_await ports_.files->list(std::string(images_bucket), key));
    const auto found = std::ranges::find(there, key, &blob_info::key);
    if (found != there.end()) {
        const auto done = co_await finish_document(product_id, document, *found);
        if (done || done.error().kind != errc::not_found)
            co_return done ? result<void>{} : std::unexpected(done.error());
        STOA_CO_TRY_VOID(co_await ports_.files->erase(std::string(images_bucket), key));
    }
    auto forget = [product_id, document](transaction& t) -> result<bool> {
        const auto row = store::find_document(t, product_id, document);
        if (row && row->status == store::document_status::uploading)
            store::forget_document(t, *row);
        return true;
    };
    STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(forget)));
    co_return result<void>{};
}

task<result<int>> product_service::sweep_documents(bool all) {
    if (!ports_.files) co_return 0;
    const auto until = ports_.time.now() + (all ? upload_within : minutes(0));
    auto read = [until](transaction& t) -> result<std::vector<store::document_row>> {
        return store::documents_due(t, until, 50);
    };
    STOA_CO_TRY(const auto due, co_await ports_.db.read(std::move(read)));
    for (const auto& row : due) {
        if (row.status == store::document_status::uploading) {
            STOA_CO_TRY_VOID(co_await settle_document(row.product_id, row.id));
            continue;
        }
        STOA_CO_TRY_VOID(co_await ports_.files->erase(std::string(images_bucket),
                                                      document_key(row.product_id, row.id)));
        auto forget = [row](transaction& t) -> result<bool> {
            store::forget_document(t, row);
            return true;
        };
        STOA_CO_TRY_VOID(co_await ports_.db.commit(std::move(forget)));
    }
    co_return static_cast<int>(due.size());
}

}  // namespace stoa::products
