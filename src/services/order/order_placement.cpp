// POST /orders: the order, its hold, and the one transaction in which both are settled. Each step
// may be the process's last; what goes on afterwards is said beside it.
#include "base/json.hpp"
#include "base/planted.hpp"
#include "base/problem.hpp"
#include "runtime/crash_point.hpp"
#include "services/order/order_service.hpp"
#include "services/order/order_state.hpp"

#include <algorithm>
#include <map>

namespace stoa::orders {
namespace {

// The address as one string or as an object with the members that a parcel needs.
struct address {
    std::string street, city, country;
    std::optional<std::string> state, zip;
};
BOOST_DESCRIBE_STRUCT(address, (), (street, city, country, state, zip))
struct written_address {
    std::string lines;
};
BOOST_DESCRIBE_STRUCT(written_address, (), (lines))

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

problems check_address(const json_text& given) {
    if (given.text.starts_with('"')) {
        written_address read;
        auto wrong = read_json("{\"lines\":" + given.text + '}', type_of<written_address>, &read);
        for (auto& p : wrong) p.where = "shipping_address";
        if (wrong.empty() && is_blank(read.lines))
            wrong.push_back({"shipping_address", "required", "where the parcel goes", {}});
        return wrong;
    }
    address read;
    auto wrong = read_json(given.text, type_of<address>, &read);
    if (wrong.empty())
        for (const auto& [name, text] :
             {std::pair{"street", &read.street}, std::pair{"city", &read.city},
              std::pair{"country", &read.country}})
            if (is_blank(*text)) wrong.push_back({name, "required", "a parcel needs it", {}});
    for (auto& p : wrong)
        p.where = p.where.empty() ? "shipping_address" : "shipping_address." + p.where;
    return wrong;
}

// A line's names are at most 264 bytes, six times that where all are escaped.
constexpr std::size_t lines_always_fit = 150;
constexpr std::size_t largest_answer_bytes = 380'000;

principal the_shop() { return {.is = role::service}; }

request_context as_service(request_context context) {
    context.caller = the_shop();
    context.reply = std::make_shared<reply_note>();
    return context;
}

error refusal_of(const order& refused, const products::hold_outcome& outcome) {
    const auto first = outcome.refused.empty() ? products::refusal::product_unavailable
                                               : outcome.refused.front().why;
    error out{.kind = errc::conflict, .code = std::string(word_of(first))};
    for (const auto& line : outcome.refused) {
        const auto at = std::ranges::find(refused.items, line.product_id, &order_line::product_id);
        const auto index = at == refused.items.end() ? 0 : at - refused.items.begin();
        problem p{.where = "items[" + std::to_string(index) + "]",
                  .code = std::string(word_of(line.why))};
        if (line.why == products::refusal::out_of_stock) {
            p.available = line.available;
            p.detail = std::to_string(line.available) + " available";
        } else if (line.why == products::refusal::price_changed && line.price) {
            p.detail =
                "the price is now " + money_text(*line.price) + "; look at it and order again";
        } else {
            p.detail = "this product is no longer sold";
        }
        out.errors.push_back(std::move(p));
    }
    out.detail = first == products::refusal::out_of_stock ? "some items are not in stock as asked"
                 : first == products::refusal::price_changed
                     ? "a price has changed since it was quoted"
                     : "some items are no longer sold";
    return out;
}

}  // namespace

result<void> order_service::check_user(const request_context& context,
                                       const create_order_request& wanted) const {
    if (!wanted.user_id || *wanted.user_id == context.caller.user_id) {
        if (context.caller.user_id.empty())
            return fail(
                invalid_request({{"user_id", "required", "say for whom the order is", {}}}));
        return {};
    }
    if (context.caller.runs_the_shop()) return {};
    return fail(
        invalid_request({{"user_id", "not_settable", "orders are placed for yourself", {}}}));
}

task<result<order>> order_service::create_order(request_context context,
                                                create_order_request wanted) {
    const auto started = ports_.time.ticks();
    auto answer = co_await place(std::move(context), std::move(wanted));
    latency_.observe(std::chrono::duration<double>(ports_.time.ticks() - started).count());
    co_return answer;
}

task<result<order>> order_service::place(request_context context, create_order_request wanted) {
    STOA_CO_TRY_VOID(check_user(context, wanted));
    // The key first: a replay must answer the same even where the catalogue has changed since.
    STOA_CO_TRY(auto known, co_await ports_.keys.look_up(context));
    if (known && known->state == idempotency_state::done)
        co_return order{};  // context.reply has the bytes
    if (known) co_return co_await resume(std::move(context), *std::move(known));

    auto priced = co_await price(context, std::move(wanted));
    if (!priced) {
        // A request with the same key may have been taken meanwhile, and the units that this one
        // missed may be those that the other holds for the very same order: then that is the
        // answer.
        STOA_CO_TRY(known, co_await ports_.keys.look_up(context));
        if (known && known->state == idempotency_state::done) co_return order{};
        if (known) co_return co_await resume(std::move(context), *std::move(known));
        co_return std::unexpected(std::move(priced).error());
    }
    auto& pending = *priced;
    write_set in;
    if (!planted(planted_bug::order_without_its_key)) ports_.keys.begin(in, context, pending.id);
    store_.insert(in, pending);
    STOA_CO_TRY(const auto outcome, co_await store_.commit(std::move(in)));
    if (!outcome.committed()) co_return fail(request_in_progress());
    crash_point("order_written");
    // Dies here: a retry with the key resumes; without one the sweeper cancels after two minutes.
    co_return co_await hold_and_settle(std::move(context), std::move(pending));
}

// Checks everything that can be wrong with the request and prices it. Writes nothing: such failures
// are not stored under the key.
task<result<order_record>> order_service::price(request_context context,
                                                create_order_request wanted) {
    auto wrong = check_address(wanted.shipping_address);
    const auto user_id = wanted.user_id.value_or(context.caller.user_id);
    auto user = co_await ports_.users.get_user(as_service(context), {.id = user_id});
    if (!user && user.error().kind == errc::not_found)
        wrong.push_back({"user_id", "unknown_user", "there is no such user", {}});
    else if (!user)
        co_return fail(errc::unavailable, "user_service_unavailable",
                       "the order was not taken: users cannot be checked now; try again");

    products::quote_request asked;
    std::map<std::string_view, std::int64_t> demand;
    for (const auto& line : wanted.items) {
        if (demand[line.product_id] == 0) asked.product_ids.push_back(line.product_id);
        demand[line.product_id] += line.quantity;
    }
    STOA_CO_TRY(const auto quoted,
                co_await ports_.products.quote_products(as_service(context), asked));
    std::map<std::string_view, const products::product*> catalogue;
    for (const auto& each : quoted.products) catalogue[each.id] = &each;

    order_record out;
    out.currency =
        quoted.products.empty() ? settings_.shop_currency : quoted.products.front().currency;
    out.total_amount = out.captured_amount = out.refunded_amount = {0, out.currency};
    products::hold_outcome refused{.status = products::hold_status::refused};
    for (std::size_t i = 0; i < wanted.items.size(); ++i) {
        const auto& line = wanted.items[i];
        const auto where = "items[" + std::to_string(i) + "].product_id";
        const auto found = catalogue.find(line.product_id);
        if (found == catalogue.end()) {
            wrong.push_back({where, "unknown_product", "there is no such product", {}});
            continue;
        }
        const auto& product = *found->second;
        if (product.currency != out.currency) {
            wrong.push_back({where, "mixed_currencies", "an order has one currency", {}});
            continue;
        }
        const auto sum = checked_multiply(product.price.minor, line.quantity);
        const auto total = sum ? checked_add(out.total_amount.minor, *sum) : std::nullopt;
        if (!total || *total > products::largest_amount_minor) {
            wrong.push_back({"items[" + std::to_string(i) + "].quantity",
                             "out_of_range",
                             "the order's total would be too large",
                             {}});
            continue;
        }
        out.total_amount.minor = *total;
        out.items.push_back({.product_id = product.id,
                             .sku = product.sku,
                             .name = product.name,
                             .quantity = line.quantity,
                             .price = product.price,
                             .line_total = {*sum, out.currency}});
        // Sold out is told from memory, before any write: a flash sale's losers cost little.
        const auto needed = std::exchange(demand[line.product_id], -1);
        if (needed > 0 && !product.is_active)
            refused.refused.push_back(
                {.product_id = product.id, .why = products::refusal::product_unavailable});
        else if (needed > product.stock)
            refused.refused.push_back({.product_id = product.id,
                                       .why = products::refusal::out_of_stock,
                                       .available = product.stock});
    }
    if (!wrong.empty()) co_return fail(invalid_request(std::move(wrong)));
    if (!refused.refused.empty()) co_return fail(refusal_of(out, refused));

    // What is stored of it twice, as an item and as the answer, must have room in one (400 KB).
    if (out.items.size() > lines_always_fit && to_json<order>(out).size() > largest_answer_bytes)
        co_return fail(invalid_request({{"items",
                                         "too_long",
                                         "the names of so many products make the order too large; "
                                         "order them in two parts",
                                         {}}}));

    const auto now = ports_.time.now();
    out.id = out.order_id = new_id(ports_.time, ports_.random);
    out.user_id = user_id;
    out.status = order_status::pending;
    out.shipping_address = std::move(wanted.shipping_address);
    out.reference = std::move(wanted.reference);
    out.payment_method = std::move(wanted.payment_method);
    out.cart_note = std::move(wanted.cart_note);
    out.scope_key = idempotency_keys::scope_key(context);
    out.created_at = out.updated_at = now;
    out.payment_due_at = now + settings_.payment_for;
    out.due_at = now + settings_.pending_for;
    co_return out;
}

// A request with this key died, or still runs past its lease: go on with its order. Safe at any
// step, since each is conditional.
task<result<order>> order_service::resume(request_context context, idempotency_record from) {
    write_set in;
    ports_.keys.take_over(in, context, from);
    STOA_CO_TRY(const auto taken, co_await store_.commit(std::move(in)));
    if (!taken.committed()) co_return fail(request_in_progress());
    crash_point("order_key_taken_over");
    STOA_CO_TRY(auto found, co_await store_.get(from.subject));
    if (!found)
        co_return fail(errc::internal, "order_missing", "the key names an order that is not there");
    if (found->status != order_status::pending)
        co_return co_await answer_of_winner(std::move(context), from.subject);
    co_return co_await hold_and_settle(std::move(context), *std::move(found));
}

task<result<order>> order_service::hold_and_settle(request_context context, order_record pending) {
    products::hold_request asked{.order_id = pending.id,
                                 .deadline = pending.payment_due_at.value_or(pending.created_at)};
    for (const auto& line : pending.items)
        asked.lines.push_back({line.product_id, line.quantity, line.price, pending.currency});
    auto outcome = co_await ports_.products.hold(as_service(context), std::move(asked));
    // No answer: nothing is known of the hold. The key stays open; a retry asks again and reads the
    // outcome.
    if (!outcome)
        co_return fail({.kind = errc::unavailable,
                        .code = "stock_unavailable",
                        .detail =
                            "the order is not settled yet; send the same request with the same "
                            "Idempotency-Key again",
                        .retry_after_s = 1});
    crash_point("order_held");
    // Dies here: the hold stands under the order id; a retry reads it, the sweeper's cancel
    // releases it.
    co_return co_await settle(std::move(context), std::move(pending), *std::move(outcome));
}

task<result<order>> order_service::settle(request_context context, order_record pending,
                                          products::hold_outcome outcome) {
    auto after = pending;
    write_set in;
    in.under(context.traceparent);
    std::optional<error> refusal;
    if (outcome.status == products::hold_status::held) {
        become(after, order_status::awaiting_payment);
        in.publish(order_event_of(after, "order.created"));
        in.publish(payment_request_of(after));
    } else {
        refusal = refusal_of(after, outcome);
        become(after, order_status::cancelled);
        after.reason = refusal->code;
    }
    after.scope_key.reset();
    after.updated_at = ports_.time.now();
    store_.save(in, pending, after);  // sets the version that the answer shows
    auto body = refusal ? problem_json(*refusal, context.request_id) : to_json<order>(after);
    const int status = refusal ? http_status(refusal->kind) : 201;
    ports_.keys.complete(in, *pending.scope_key, status,
                         planted(planted_bug::stored_answer_differs) ? body + ' ' : body);
    if (planted(planted_bug::order_event_goes_before_its_state)) {
        write_set early;
        early.events = std::exchange(in.events, {});
        STOA_CO_TRY_VOID(co_await store_.commit(std::move(early)));
    }
    STOA_CO_TRY(const auto outcome_of_write, co_await store_.commit(std::move(in)));
    if (!outcome_of_write.committed())
        co_return co_await answer_of_winner(std::move(context), pending.id);
    crash_point("order_settled");
    *context.reply = {.status = status, .body = std::move(body)};
    if (!refusal) created_.add();
    co_return static_cast<order&&>(after);
}

// Another request with the same key settled the order first: its stored answer is this one's too.
task<result<order>> order_service::answer_of_winner(request_context context, std::string id) {
    STOA_CO_TRY(auto stored, co_await ports_.keys.look_up(context));
    if (stored && stored->state == idempotency_state::done) co_return order{};
    STOA_CO_TRY(auto found, co_await store_.get(std::move(id)));
    if (!found) co_return fail(errc::internal, "order_missing", "the order vanished");
    co_return static_cast<order&&>(*found);
}

}  // namespace stoa::orders
