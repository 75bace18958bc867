#include "services/gateway/gateway_service.hpp"

#include <set>

namespace stoa::gateway {
namespace {

request_context as_service(const request_context& from) {
    auto out = from;
    out.caller = {.is = role::service};
    out.reply = std::make_shared<reply_note>();
    return out;
}

users::customer to_customer(users::user from) {
    auto name = from.name.value_or(from.first_name + ' ' + from.last_name);
    const auto begin = name.find_first_not_of(' ');
    name = begin == std::string::npos ? ""
                                      : name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
    return {.id = std::move(from.id),
            .name = std::move(name),
            .email = std::move(from.email),
            .phone = std::move(from.phone),
            .address = std::move(from.address),
            .active = from.active,
            .created_at = from.created_at,
            .updated_at = from.updated_at,
            .version = from.version};
}

// Notes a part that did not answer. One that said no (a user who is gone) is merely absent.
template <class T>
void note(std::vector<std::string>& missing, const char* part, const result<T>& answer) {
    if (!answer && broken(answer.error().kind)) missing.emplace_back(part);
}

}  // namespace

gateway_service::gateway_service(needs ports, gateway_settings settings)
    : ports_(std::move(ports)),
      settings_(std::move(settings)),
      users_(ports_.time, settings_.breaker),
      products_(ports_.time, settings_.breaker),
      payments_(ports_.time, settings_.breaker),
      notifications_(ports_.time, settings_.breaker),
      catalogue_(ports_.time, settings_.breaker) {}

task<result<order_details>> gateway_service::get_order_details(request_context context,
                                                               order_details_request wanted) {
    order_details out;
    // The order decides who may see: another's is absent. Without it there is nothing to tell.
    STOA_CO_TRY(out.order, co_await ports_.orders.get_order(context, {.id = std::move(wanted.id)}));
    const auto inside = as_service(context);
    const auto& order = out.order;

    auto ask_user = [&] { return ports_.users.get_user(inside, {.id = order.user_id}); };
    auto user = co_await guarded(users_, ask_user);
    note(out.missing, "customer", user);
    if (user) out.customer = to_customer(*std::move(user));

    products::quote_request quote;
    std::set<std::string_view> seen;
    for (const auto& line : order.items)
        if (seen.insert(line.product_id).second) quote.product_ids.push_back(line.product_id);
    auto ask_products = [&] { return ports_.products.quote_products(inside, std::move(quote)); };
    auto products = co_await guarded(products_, ask_products);
    note(out.missing, "products", products);
    if (products) out.products = std::move(products->products);

    auto ask_payments = [&] {
        return ports_.payments.list_payments(inside, {.order_id = order.id});
    };
    auto payments = co_await guarded(payments_, ask_payments);
    note(out.missing, "payments", payments);
    if (payments) out.payments = std::move(payments->payments);

    if (!context.caller.runs_the_shop()) co_return out;
    auto ask_notifications = [&] {
        return ports_.notifications.list_notifications(inside,
                                                       {.order_id = order.id, .limit = 100});
    };
    auto told = co_await guarded(notifications_, ask_notifications);
    note(out.missing, "notifications", told);
    if (told) out.notifications = std::move(told->notifications);
    co_return out;
}

task<result<shop>> gateway_service::get_shop(request_context context, shop_request) {
    shop out{.name = settings_.shop_name, .currency = settings_.shop_currency};
    auto ask = [&] { return ports_.catalogue(as_service(context)); };
    auto facts = co_await guarded(catalogue_, ask);
    if (!facts) {
        out.missing = {"categories", "counts"};
        co_return out;
    }
    out.counts = {facts->products, std::ssize(facts->categories)};
    out.categories = std::move(facts->categories);
    co_return out;
}

}  // namespace stoa::gateway
