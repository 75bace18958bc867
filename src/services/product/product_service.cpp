#include "services/product/product_service.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <functional>

namespace stoa::products {
namespace {

error no_such_product() {
    return {
        .kind = errc::not_found, .code = "product_not_found", .detail = "there is no such product"};
}

error sku_taken(std::string_view sku) {
    return {.kind = errc::conflict,
            .code = "sku_taken",
            .detail = "another product has the sku " + std::string(sku),
            .errors = {{"sku", "taken", "choose another one", {}}}};
}

error below_reserved() {
    return {.kind = errc::conflict,
            .code = "below_reserved",
            .detail = "less than what is reserved for open orders cannot be on hand"};
}

catalogue_filter filter_of(const std::optional<std::string>& category,
                           const std::optional<money>& from, const std::optional<money>& to,
                           const std::optional<bool>& in_stock) {
    catalogue_filter out{.category = category};
    if (from) out.min_price_minor = from->minor;
    if (to) out.max_price_minor = to->minor;
    if (in_stock.value_or(false)) out.in_stock = true;
    return out;
}

// A cursor names the last row of a page by the sort's own column and the id: <text or price>_<id>.
std::string cursor_after(const product& last, store::sort_order by) {
    switch (by) {
        case store::sort_order::newest:
            return rfc3339(last.created_at) + '_' + last.id;
        case store::sort_order::price_up:
        case store::sort_order::price_down:
            return std::to_string(last.price.minor) + '_' + last.id;
        case store::sort_order::name:
            return last.name + '_' + last.id;
    }
    return {};
}

std::string cursor_at(const list_place& last, store::sort_order by) {
    return (by == store::sort_order::name ? last.name : std::to_string(last.price_minor)) + '_' +
           last.id;
}

list_order order_of(store::sort_order by) {
    return by == store::sort_order::name         ? list_order::name
           : by == store::sort_order::price_down ? list_order::price_down
                                                 : list_order::price_up;
}

std::optional<store::listing::place> place_of(std::string_view cursor, store::sort_order by) {
    const auto cut = cursor.rfind('_');
    if (cut == std::string_view::npos || !is_uuid(cursor.substr(cut + 1))) return {};
    store::listing::place out{.text = std::string(cursor.substr(0, cut)),
                              .id = std::string(cursor.substr(cut + 1))};
    if (by == store::sort_order::price_up || by == store::sort_order::price_down) {
        const auto minor = read_minor(out.text, currency_code{{'J', 'P', 'Y'}});  // whole units
        if (!minor) return {};
        out.price = *minor;
    }
    if (by == store::sort_order::newest && !read_rfc3339(out.text)) return {};
    return out;
}

std::optional<store::sort_order> sort_of(const std::optional<std::string>& word) {
    if (!word || *word == "newest") return store::sort_order::newest;
    if (*word == "price") return store::sort_order::price_up;
    if (*word == "-price") return store::sort_order::price_down;
    if (*word == "name") return store::sort_order::name;
    return {};
}

}  // namespace

indexed_product to_indexed(const product& from) {
    return {.id = from.id,
            .sku = from.sku,
            .name = from.name,
            .category = from.category,
            .description = from.description,
            .price_minor = from.price.minor,
            .in_stock = from.stock > 0,
            .active = from.is_active,
            .created_seq = from.created_at.micros};
}

namespace {

std::vector<store::held> hold_together(transaction& t, std::span<const store::hold_try> tries) {
    auto out = store::hold_all(t, tries);
    for (std::size_t i = 0; i < tries.size(); ++i)
        for (const auto& each : out[i].left) tries[i].changes->touches(each.product_id);
    return out;
}

// Whoever asks for the same product is given the same one.
std::vector<products_by_id> read_together(currency_code shop, transaction& t,
                                          std::span<const std::vector<std::string>> asked) {
    t.shop_currency = shop;
    std::set<std::string_view> ids;
    for (const auto& each : asked) ids.insert(each.begin(), each.end());
    products_by_id found;
    for (auto& each : store::find_all(t, ids)) {
        auto id = each.id;
        found.emplace(std::move(id), std::make_shared<const product>(std::move(each)));
    }
    std::vector<products_by_id> out(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i)
        for (const auto& id : asked[i])
            if (const auto known = found.find(id); known != found.end()) out[i].insert(*known);
    return out;
}

}  // namespace

product_service::product_service(needs ports, product_settings settings)
    : ports_(ports),
      settings_(settings),
      cache_(ports.board, ports.time, settings.remembered_for),
      holds_(ports.db, hold_together),
      reads_(ports.db, std::bind_front(read_together, settings.shop_currency), 64,
             &sql::submit_read) {}

event product_service::event_of(std::string_view topic, const std::string& product_id,
                                std::int64_t version, std::string payload) const {
    return {.topic = std::string(topic),
            .key = product_id,
            .id = new_id(ports_.time, ports_.random),
            .type = std::string(topic),
            .version = version,
            .occurred_at = ports_.time.now(),
            .payload = std::move(payload)};
}

// --- reading
// ---------------------------------------------------------------------------------------------

// In the order asked for, null where there is none. Deleted products are found.
task<result<product_service::products_in_order>> product_service::find_all(
    std::vector<std::string> ids) {
    products_in_order out(ids.size());
    std::vector<std::pair<std::size_t, std::uint64_t>> missing;
    std::vector<std::string> asked;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if ((out[i] = cache_.find(ids[i]))) continue;
        missing.emplace_back(i, cache_.mark(ids[i]));
        asked.push_back(ids[i]);
    }
    if (missing.empty()) co_return out;
    STOA_CO_TRY(const auto found, co_await reads_.ask(std::move(asked)));
    for (const auto& [i, mark] : missing) {
        const auto known = found.find(ids[i]);
        if (known == found.end()) continue;
        out[i] = known->second;
        cache_.remember(known->second, mark);
    }
    co_return out;
}

task<result<product>> product_service::get_product(request_context, get_product_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_product());
    if (const auto known = cache_.find(wanted.id)) {
        if (!known->is_active) co_return fail(no_such_product());
        co_return *known;
    }
    std::vector<std::string> one{std::move(wanted.id)};
    STOA_CO_TRY(const auto found, co_await find_all(std::move(one)));
    if (!found.front() || !found.front()->is_active) co_return fail(no_such_product());
    co_return *found.front();
}

task<result<quote>> product_service::quote_products(request_context, quote_request wanted) {
    STOA_CO_TRY(const auto found, co_await find_all(std::move(wanted.product_ids)));
    quote out;
    for (const auto& each : found)
        if (each) out.products.push_back(*each);
    co_return out;
}

task<result<product_list>> product_service::list_products(request_context,
                                                          list_products_request wanted) {
    const auto by = sort_of(wanted.sort);
    if (!by)
        co_return fail(
            invalid_request({{"sort", "not_one_of", "newest, price, -price or name", {}}}));
    store::listing what{.category = wanted.category,
                        .in_stock = wanted.in_stock.value_or(false),
                        .by = *by,
                        .skip = wanted.skip.value_or(0),
                        .limit = wanted.limit.value_or(10)};
    if (wanted.min_price) what.min_price = wanted.min_price->minor;
    if (wanted.max_price) what.max_price = wanted.max_price->minor;
    if (wanted.cursor && !(what.after = place_of(*wanted.cursor, *by)))
        co_return fail(invalid_request(
            {{"cursor", "format", "use a next_cursor as a list of this sort gave it", {}}}));
    const auto limit = what.limit;
    STOA_CO_TRY(auto page, co_await page_of(std::move(what)));
    const bool full = std::ssize(page.ids) == limit;
    STOA_CO_TRY(const auto found, co_await find_all(std::move(page.ids)));
    product_list out;
    out.products.reserve(found.size());
    for (const auto& each : found)
        if (each && each->is_active) out.products.push_back(*each);
    out.total = static_cast<std::int64_t>(ports_.index.count(
        filter_of(wanted.category, wanted.min_price, wanted.max_price, wanted.in_stock)));
    if (full && page.cursor) out.next_cursor = std::move(page.cursor);
    else if (full && !out.products.empty())
        out.next_cursor = cursor_after(out.products.back(), *by);
    co_return out;
}

// Lists by price and by name come from the index where it cannot be behind the store: it is changed
// before whoever changed a product is answered, but other processes tell of their changes later,
// and of those of stock not at all (ADR 0022).
task<result<product_service::listed>> product_service::page_of(store::listing what) {
    const auto limit = static_cast<std::size_t>(what.limit);
    const bool alone = settings_.remembered_for == seconds(0);
    listed out;
    if (alone && what.by != store::sort_order::newest) {
        std::optional<list_place> after;
        if (what.after) after = {what.after->price, what.after->text, what.after->id};
        catalogue_filter filter{.category = what.category,
                                .min_price_minor = what.min_price,
                                .max_price_minor = what.max_price};
        if (what.in_stock) filter.in_stock = true;
        auto page = ports_.index.list(filter, order_of(what.by), after,
                                      after ? 0 : static_cast<std::size_t>(what.skip), limit);
        if (page.last) out.cursor = cursor_at(*page.last, what.by);
        out.ids = std::move(page.ids);
        co_return out;
    }
    auto read = [what = std::move(what)](transaction& t) -> result<listed> {
        return listed{store::list(t, what)};
    };
    co_return co_await ports_.db.read(std::move(read));
}

task<result<search_results>> product_service::search_products(request_context,
                                                              search_products_request wanted) {
    const auto page = ports_.index.search(
        wanted.q, filter_of(wanted.category, wanted.min_price, wanted.max_price, wanted.in_stock),
        static_cast<std::size_t>(wanted.skip.value_or(0)),
        static_cast<std::size_t>(wanted.limit.value_or(10)));
    search_results out{.total = static_cast<std::int64_t>(page.total)};
    STOA_CO_TRY(const auto found, co_await find_all(page.ids));
    for (const auto& each : found)
        if (each && each->is_active) out.results.push_back(*each);
    co_return out;
}

task<result<catalogue_facts>> product_service::describe_catalogue(request_context context) {
    STOA_CO_TRY(auto known, co_await list_categories(std::move(context), {}));
    co_return catalogue_facts{std::move(known.categories),
                              static_cast<std::int64_t>(ports_.index.count({}))};
}

task<result<category_list>> product_service::list_categories(request_context,
                                                             list_categories_request) {
    category_list out;
    STOA_CO_TRY(out.categories,
                co_await ports_.db.read([](transaction& t) -> result<std::vector<std::string>> {
                    return store::categories(t);
                }));
    co_return out;
}

task<result<std::vector<indexed_product>>> product_service::page_for_index(std::string after) {
    auto read = [after = std::move(after)](transaction& t) -> result<std::vector<product>> {
        return store::page_by_id(t, after, 1'000);
    };
    STOA_CO_TRY(const auto page, co_await ports_.db.read(std::move(read)));
    std::vector<indexed_product> out;
    out.reserve(page.size());
    for (const auto& each : page) out.push_back(to_indexed(each));
    co_return out;
}

// --- changing the catalogue
// ------------------------------------------------------------------------------

void product_service::products_changed(const std::vector<product>& now, std::uint64_t change) {
    for (const auto& each : now) {
        auto indexed = to_indexed(each);
        indexed.change = change;
        ports_.index.upsert(indexed);
    }
}

task<result<void>> product_service::reread(std::string id) {
    ports_.board.changed(id);
    const auto change = ports_.board.next_number();
    auto read = [id](transaction& t) -> result<std::optional<product>> {
        return store::find(t, id);
    };
    STOA_CO_TRY(const auto now, co_await ports_.db.read(std::move(read)));
    if (now) products_changed({*now}, change);
    co_return result<void>{};
}

namespace {

// What an import would refuse too, so that every catalogue can be exported and imported again.
template <class Wanted>
problems check_words(const Wanted& wanted) {
    problems out;
    const auto check = [&](std::string_view where, const std::optional<std::string>& text,
                           bool may_be_blank) {
        if (!text) return;
        const auto control = [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        };
        const bool lines = where == "description";  // which may have some
        if (std::ranges::any_of(*text, [&](char c) {
                return control(c) && !(lines && (c == '\n' || c == '\r' || c == '\t'));
            }))
            out.push_back({std::string(where), "format", "must not have control characters", {}});
        else if (!may_be_blank && text->find_first_not_of(' ') == std::string::npos)
            out.push_back({std::string(where), "required", "must not be blank", {}});
        else if (where == "sku" && (text->starts_with(' ') || text->ends_with(' ')))
            out.push_back({std::string(where), "format", "must not begin or end with a space", {}});
    };
    check("sku", wanted.sku, false);
    check("name", wanted.name, false);
    check("description", wanted.description, true);
    check("category", wanted.category, true);
    const auto& url = wanted.image_url;
    // Pages show it as a picture's source: an address of the web, or a path of this shop.
    const auto scheme = url ? url->find(':') : std::string::npos;
    const bool web = url && (url->starts_with("https://") || url->starts_with("http://"));
    if (url && !web && scheme != std::string::npos && scheme < url->find('/'))
        out.push_back({"image_url", "format", "must be an http or https address, or a path", {}});
    return out;
}

}  // namespace

task<result<product>> product_service::create_product(request_context context,
                                                      create_product_request wanted) {
    if (auto wrong = check_words(wanted); !wrong.empty())
        co_return fail(invalid_request(std::move(wrong)));
    product fresh;
    fresh.id = new_id(ports_.time, ports_.random);
    fresh.sku = wanted.sku.value_or("SKU-" + fresh.id.substr(24));
    fresh.name = std::move(wanted.name);
    fresh.description = wanted.description.value_or("");
    fresh.category = wanted.category.value_or("");
    fresh.price = wanted.price;
    fresh.currency = wanted.price.currency;
    fresh.image_url = std::move(wanted.image_url);
    fresh.created_at = fresh.updated_at = ports_.time.now();
    const auto stock = wanted.stock.value_or(0);
    auto told = event_of(topic::changed, fresh.id, 1, to_json(product_changed{fresh.id, 1}));
    told.traceparent = context.traceparent;
    const idempotent_answers answers(store::answers, context, fresh.created_at);
    auto write = [fresh, stock, told = std::move(told), answers,
                  reference = context.request_id](transaction& t) -> result<keyed<product>> {
        STOA_TRY(auto before, answers.find<product>(t));
        if (before) return *std::move(before);
        if (!store::insert(t, fresh)) return fail(sku_taken(fresh.sku));
        if (stock > 0)
            (void)store::move_stock(t, {.product_id = fresh.id,
                                        .delta = stock,
                                        .reason = movement_reason::initial,
                                        .reference = reference,
                                        .at = fresh.created_at});
        t.publish(told);
        return answers.keep(t, *store::find(t, fresh.id));
    };
    STOA_CO_TRY(auto made, co_await ports_.db.commit(std::move(write)));
    context.reply->replayed = made.replayed;
    if (!made.replayed) products_changed({made.answer}, 0);  // any change of it is a later one
    co_return std::move(made.answer);
}

task<result<product>> product_service::update_product(request_context context,
                                                      update_product_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_product());
    if (auto wrong = check_words(wanted); !wrong.empty())
        co_return fail(invalid_request(std::move(wrong)));
    const auto now = ports_.time.now();
    auto told = event_of(topic::changed, wanted.id, 0, {});
    told.traceparent = context.traceparent;
    const auto changes = begin_change();
    auto write = [wanted, now, told = std::move(told), context,
                  changes](transaction& t) mutable -> result<product> {
        changes->touches(wanted.id);
        auto to = store::find(t, wanted.id);
        if (!to || !to->is_active) return fail(no_such_product());
        if (!context.matches(to->version))
            return fail(
                errc::precondition_failed, "version_differs",
                "the product is at version " + std::to_string(to->version) + "; read it again");
        if (wanted.sku && *wanted.sku != to->sku && store::find_by_sku(t, *wanted.sku))
            return fail(sku_taken(*wanted.sku));
        if (wanted.sku) to->sku = *wanted.sku;
        if (wanted.name) to->name = *wanted.name;
        if (wanted.description) to->description = *wanted.description;
        if (wanted.category) to->category = *wanted.category;
        if (wanted.price) to->price = *wanted.price, to->currency = wanted.price->currency;
        else if (wanted.currency && *wanted.currency != to->currency)
            return fail(
                invalid_request({{"price", "required", "a new currency needs its price", {}}}));
        if (wanted.image_url) to->image_url = *wanted.image_url;
        to->updated_at = now;
        if (wanted.stock) {
            const auto counted = store::recount_stock(t,
                                                      {.product_id = to->id,
                                                       .reason = movement_reason::recount,
                                                       .reference = context.request_id,
                                                       .at = now},
                                                      *wanted.stock);
            if (counted == store::moved::below_reserved) return fail(below_reserved());
        }
        store::update(t, *to, 0);
        auto after = *store::find(t, to->id);
        told.version = after.version;
        told.payload = to_json(product_changed{after.id, after.version});
        t.publish(told);
        return after;
    };
    STOA_CO_TRY(auto made, co_await ports_.db.commit(std::move(write)));
    products_changed({made}, changes->number());
    co_return made;
}

task<result<deleted_answer>> product_service::delete_product(request_context context,
                                                             get_product_request wanted) {
    if (!is_uuid(wanted.id)) co_return fail(no_such_product());
    const auto now = ports_.time.now();
    auto gone =
        event_of(topic::deleted, wanted.id, 0, to_json(product_deleted{wanted.id}, naming::camel));
    auto told = event_of(topic::changed, wanted.id, 0, {});
    gone.traceparent = told.traceparent = context.traceparent;
    const auto changes = begin_change();
    auto write = [=, context = std::move(context)](transaction& t) mutable -> result<product> {
        changes->touches(wanted.id);
        auto to = store::find(t, wanted.id);
        if (!to || !to->is_active) return fail(no_such_product());
        if (!context.matches(to->version))
            return fail(
                errc::precondition_failed, "version_differs",
                "the product is at version " + std::to_string(to->version) + "; read it again");
        to->is_active = false;
        to->updated_at = now;
        store::update(t, *to, 0);
        auto after = *store::find(t, to->id);
        gone.version = told.version = after.version;
        told.payload = to_json(product_changed{after.id, after.version});
        t.publish(gone);
        t.publish(told);
        return after;
    };
    STOA_CO_TRY(auto made, co_await ports_.db.commit(std::move(write)));
    products_changed({made}, changes->number());
    co_return deleted_answer{};
}

}  // namespace stoa::products
