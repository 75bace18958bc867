#include "simulation/people.hpp"

#include "base/json.hpp"
#include "base/problem.hpp"

namespace stoa::simulation {
namespace {

// For a little of several of these, never mind which: a client sees only definite and not.
constexpr int patience = 40;

}  // namespace

people::people(town& of, int customers, int orders_each)
    : town_(of), time_(of.in, town::outside), customers_(customers), orders_each_(orders_each) {
    town_.in.become_node(town::outside, &on_);
    spawn([this] { return open_shop(); });
    town_.in.park(town::outside, nanos(0), [] {});
}

void people::spawn(std::move_only_function<task<>()> body) {
    ++busy_;
    asio::co_spawn(
        on_,
        [](std::move_only_function<task<>()> run, int& busy) -> task<> {
            co_await run();
            --busy;
        }(std::move(body), busy_),
        [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
}

request_context people::as(role is, std::string user, std::string operation, std::string key) {
    request_context out;
    out.caller = {.is = is, .user_id = std::move(user)};
    out.operation = std::move(operation);
    out.request_id = "r";
    out.key_from_client = !key.empty();
    out.idempotency_key = key.empty() ? new_id(time_, town_.in.chance) : std::move(key);
    out.request_hash = 1;
    return out;
}

task<> people::pause(nanos longest) {
    co_await time_.sleep(
        std::chrono::duration_cast<milliseconds>(town_.in.between(nanos(0), longest)));
}

template <class T, class What>
task<people::answer<T>> people::ask(target to, request_context context, What what) {
    using pair = std::pair<result<T>, reply_note>;
    context.deadline = time_.ticks() + seconds(3);
    auto got = co_await town_.call<pair>(
        town::outside, to, [context, what](staff& s) -> task<result<pair>> {
            return [](staff& on, request_context c, What w) -> task<result<pair>> {
                c.reply = std::make_shared<reply_note>();
                auto value = co_await w(on, c);
                co_return pair(std::move(value), *c.reply);
            }(s, context, what);
        });
    if (!got) co_return answer<T>{std::unexpected(std::move(got).error()), {}};
    co_return answer<T>{std::move(got->first), std::move(got->second)};
}

template <class T, class What>
task<people::answer<T>> people::insist(target to, request_context context, What what) {
    for (int i = 0;; ++i) {
        auto got = co_await ask<T>(to, context, what);
        if (got.definite() || i == patience) co_return got;
        co_await pause(milliseconds(50 * (i + 1)));
    }
}

// One key, one answer: whoever asks, however often, reads the same status and the same bytes.
template <class T>
void people::remember(const request_context& context, const answer<T>& got) {
    if (!got.definite()) return;
    // Without stored bytes: a refusal that is not kept under the key (validation, sold out from
    // memory).
    if (got.note.body.empty()) return;
    auto& known = keys_[context.operation + '/' + context.idempotency_key];
    if (known.status == 0) {
        known.status = got.note.status;
        known.body = got.note.body;
        known.user_id = context.caller.user_id;
        return;
    }
    if (known.status != got.note.status || known.body != got.note.body)
        throw violation{"one key, two answers: " + context.idempotency_key + ": " +
                        std::to_string(known.status) + ' ' + known.body + " and then " +
                        std::to_string(got.note.status) + ' ' + got.note.body};
}

task<> people::open_shop() {
    const auto count = 1 + town_.in.chance.below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto name = "product-" + std::to_string(i);
        const auto price = static_cast<std::int64_t>(100 + town_.in.chance.below(5'000));
        const auto stock = static_cast<std::int64_t>(town_.in.chance.below(12));
        auto context = as(role::operator_, "operator", "CreateProduct", name);
        const products::create_product_request wanted{
            .sku = name, .name = name, .price = {price, {}}, .stock = stock};
        auto made = co_await insist<products::product>(
            target::product, context,
            [wanted](staff& s, const request_context& c) -> task<result<products::product>> {
                return s.products->create_product(c, wanted);
            });
        if (made.value) {
            catalogue_.push_back(*made.value);
            continue;
        }
        // Made, but the answer was lost: the sku is taken.
        auto listed = co_await insist<products::product_list>(
            target::product, context,
            [](staff& s, const request_context& c) -> task<result<products::product_list>> {
                return s.products->list_products(c, {});
            });
        if (listed.value)
            for (const auto& each : listed.value->products)
                if (each.sku == name) catalogue_.push_back(each);
    }
    if (catalogue_.empty()) co_return;
    for (int i = 0; i < customers_; ++i) spawn([this, i] { return shop_for(i); });
    spawn([this] { return keep_a_cart(customers_); });
    if (town_.in.chance.below(2)) spawn([this] { return come_home(0); });
    spawn([this] { return run_the_shop(); });
}

task<std::string> people::enroll(std::string name) {
    const users::register_request wanted{.email = name + "@example.com",
                                         .password = "correct horse 9",
                                         .first_name = name,
                                         .last_name = "Simulated"};
    auto got = co_await insist<users::signed_in>(
        target::user, as(role::anonymous, "", "Register", {}),
        [wanted](staff& s, const request_context& c) -> task<result<users::signed_in>> {
            return s.users->register_user(c, wanted);
        });
    // Taken: by ourselves, and the answer was lost.
    if (!got.value && got.value.error().kind == errc::conflict)
        got = co_await insist<users::signed_in>(
            target::user, as(role::anonymous, "", "Login", {}),
            [wanted](staff& s, const request_context& c) -> task<result<users::signed_in>> {
                return s.users->login(c, {wanted.email, wanted.password});
            });
    co_return got.value ? got.value->id : std::string();
}

// Signs in as the account and follows the link in its mail.
task<bool> people::prove_address(std::string user) {
    for (int i = 0; i < 10; ++i) {
        co_await pause(seconds(3));
        std::string token;
        for (int p = 0; p < 4; ++p)
            for (const auto& each :
                 town_.shared.events_of(std::string(users::topic::notifications), p)) {
                if (each.type != "email.verification_requested" || each.key != user) continue;
                token = from_json<users::email_verification_requested>(each.payload)->token;
            }
        if (token.empty()) continue;
        const auto got = co_await insist<users::nothing>(
            target::user, as(role::customer, user, "VerifyEmail", {}),
            [token](staff& s, const request_context& c) -> task<result<users::nothing>> {
                return s.users->verify_email(c, {token});
            });
        // Used: by ourselves, and the answer was lost.
        if (got.definite()) co_return true;
    }
    co_return false;
}

// Orders as a guest, then signs in to an account of its own with the guest's token.
task<> people::come_home(int guest) {
    const auto name = "guest-" + std::to_string(guest);
    const auto made = co_await insist<users::signed_in>(
        target::user, as(role::anonymous, "", "CreateGuest", {}),
        [](staff& s, const request_context& c) -> task<result<users::signed_in>> {
            return s.users->create_guest(c, {});
        });
    if (!made.value) co_return;
    const auto guest_id = made.value->id;
    co_await place_one(guest_id, name + "-0");
    const auto user = co_await enroll(name);
    if (user.empty()) co_return;
    // Another page of the guest's sends an order just before its token ends.
    spawn([this, guest_id, name]() -> task<> {
        const orders::create_order_request wanted{.items = {{catalogue_.front().id, 1}},
                                                  .shipping_address = {"\"Athens\""},
                                                  .payment_method = "credit_card"};
        (void)co_await ask<orders::order>(
            target::order, as(role::guest, guest_id, "CreateOrder", name + "-1"),
            [wanted](staff& s, const request_context& c) -> task<result<orders::order>> {
                return s.orders->create_order(c, wanted);
            });
    });
    auto context = as(role::guest, guest_id, "Login", {});
    const auto in = co_await insist<users::signed_in>(
        target::user, context,
        [name](staff& s, const request_context& c) -> task<result<users::signed_in>> {
            return s.users->login(c, {name + "@example.com", "correct horse 9"});
        });
    if (!in.value) co_return;
    if (!co_await prove_address(user)) co_return;
    guests_.push_back({.guest_id = guest_id, .user_id = user});
}

task<> people::shop_for(int customer) {
    const auto name = "customer-" + std::to_string(customer);
    const auto user = co_await enroll(name);
    if (user.empty()) co_return;
    for (int n = 0; n < orders_each_; ++n) {
        co_await pause(seconds(3));
        co_await place_one(user, name + '-' + std::to_string(n));
    }
}

task<> people::place_one(std::string user, std::string key) {
    auto& chance = town_.in.chance;
    orders::create_order_request wanted{.shipping_address = {"\"Athens\""}};
    const auto lines = 1 + chance.below(3);
    for (std::uint64_t i = 0; i < lines; ++i)
        wanted.items.push_back({catalogue_[chance.below(catalogue_.size())].id,
                                static_cast<std::int32_t>(1 + chance.below(3))});
    constexpr std::array methods{"credit_card", "credit_card", "tok_declined", "tok_slow"};
    if (chance.below(2)) wanted.payment_method = methods[chance.below(methods.size())];

    answer<orders::order> got{std::unexpected(error{}), {}};
    if (chance.below(3) == 0) {
        // By the cart.
        carts::replace_cart_request cart;
        for (const auto& each : wanted.items)
            cart.items.push_back({each.product_id, each.quantity});
        (void)co_await insist<carts::cart>(
            target::cart, as(role::customer, user, "ReplaceCart", key + "-cart"),
            [cart](staff& s, const request_context& c) -> task<result<carts::cart>> {
                return s.carts->replace_cart(c, cart);
            });
        const carts::checkout_request out{.shipping_address = {"\"Athens\""},
                                          .payment_method = wanted.payment_method};
        const auto context = as(role::customer, user, "Checkout", key);
        got = co_await insist<orders::order>(
            target::cart, context,
            [out](staff& s, const request_context& c) -> task<result<orders::order>> {
                return s.carts->checkout(c, out);
            });
        remember(context, got);
    } else {
        const auto context = as(role::customer, user, "CreateOrder", key);
        const auto place = [wanted](staff& s,
                                    const request_context& c) -> task<result<orders::order>> {
            return s.orders->create_order(c, wanted);
        };
        if (!town_.shared.quiet && town_.in.happens(town_.wrong.impatient)) {
            // The same request side by side, as a double click or a proxy's retry makes it.
            spawn([this, context, place]() -> task<> {
                co_await pause(milliseconds(300));
                const auto twin = co_await insist<orders::order>(target::order, context, place);
                remember(context, twin);
            });
        }
        got = co_await insist<orders::order>(target::order, context, place);
        remember(context, got);
    }
    if (got.note.status != 201) co_return;
    const auto placed = from_json<orders::order>(got.note.body);
    if (!placed) throw violation{"an order's answer is no order: " + got.note.body};
    acknowledged_.insert(placed->id);
    town_.in.trace("acknowledged", stable_hash(placed->id));
    if (town_.in.happens(town_.wrong.cancels))
        spawn([this, user, id = placed->id]() -> task<> {
            co_await pause(seconds(6));
            const auto context = as(role::customer, user, "CancelOrder", {});
            (void)co_await insist<orders::order>(
                target::order, context,
                [id](staff& s, const request_context& c) -> task<result<orders::order>> {
                    return s.orders->cancel_order(c, {.id = id, .reason = {}});
                });
        });
    if (chance.below(2))
        spawn([this, id = placed->id, total = placed->total_amount.minor] {
            return operate(id, total);
        });
    // Some forget to pay: the deadline ends their order.
    if (!wanted.payment_method && chance.below(6) == 0) co_return;
    co_await pay(user, *placed, key);
}

// Puts six units into the cart in two goes, each under a key, and orders them. What the customer
// does to the cart afterwards is meant for later: it stays when the order is paid.
task<> people::keep_a_cart(int customer) {
    const auto user = co_await enroll("customer-" + std::to_string(customer));
    if (user.empty()) co_return;
    auto& chance = town_.in.chance;
    const auto product_id = catalogue_[chance.below(catalogue_.size())].id;
    const auto add = [&](std::string key, std::int32_t units) {
        const carts::new_line line{product_id, units};
        return insist<carts::cart>(
            target::cart, as(role::customer, user, "AddLine", std::move(key)),
            [line](staff& s, const request_context& c) { return s.carts->add_line(c, line); });
    };
    for (int i = 0; i < 2; ++i) {
        const auto key = "cart-" + std::to_string(i);
        const auto got = co_await add(key, 3);
        remember(as(role::customer, user, "AddLine", key), got);
        // Deleted, or too much went wrong for too long.
        if (!got.value || deleted_.contains(product_id)) co_return;
    }
    co_await pause(seconds(2));
    const carts::checkout_request wanted{.shipping_address = {"\"Athens\""},
                                         .payment_method = "credit_card"};
    const auto context = as(role::customer, user, "Checkout", "cart-order");
    const auto got = co_await insist<orders::order>(
        target::cart, context,
        [wanted](staff& s, const request_context& c) { return s.carts->checkout(c, wanted); });
    remember(context, got);
    // A refusal that is not kept under its key says nothing of a duplicate that is still on its way
    // (docs/correctness.md).
    if (!got.definite() || got.note.body.empty()) co_return;
    cart_promise made{.user_id = user, .product_id = product_id, .if_paid = 6, .if_not = 6};
    if (got.note.status == 201) {
        made.order_id = from_json<orders::order>(got.note.body)->id;
        acknowledged_.insert(made.order_id);
        made.if_paid = 0;
        if (chance.below(2)) {
            const auto more = co_await add("cart-more", 4);
            if (!more.value) co_return;
            made.if_paid = 4, made.if_not = 10;
        } else {
            const carts::replace_cart_request anew{.items = {{product_id, 5}}};
            const auto said = co_await insist<carts::cart>(
                target::cart, as(role::customer, user, "ReplaceCart", {}),
                [anew](staff& s, const request_context& c) {
                    return s.carts->replace_cart(c, anew);
                });
            if (!said.value) co_return;
            made.if_paid = made.if_not = 5;
        }
    }
    carts_.push_back(made);
}

task<> people::pay(std::string user, orders::order placed, std::string key) {
    auto& chance = town_.in.chance;
    constexpr std::array methods{"credit_card", "credit_card", "tok_declined", "tok_slow"};
    for (int attempt = 0; attempt < 3; ++attempt) {
        co_await pause(seconds(2));
        payments::create_payment_request wanted{.order_id = placed.id,
                                                .amount = placed.total_amount,
                                                .method = methods[chance.below(methods.size())]};
        const auto context =
            as(role::customer, user, "CreatePayment", key + "-pay-" + std::to_string(attempt));
        const auto got = co_await insist<payments::payment>(
            target::payment, context,
            [wanted](staff& s, const request_context& c) -> task<result<payments::payment>> {
                return s.payments->create_payment(c, wanted);
            });
        remember(context, got);
        if (got.value || got.value.error().kind != errc::declined) co_return;
    }
}

// Ships, delivers and gives money back.
task<> people::operate(std::string order_id, std::int64_t total_minor) {
    auto& chance = town_.in.chance;
    const auto move = [&](const char* operation, auto what) {
        return insist<orders::order>(target::order, as(role::operator_, "op", operation, {}), what);
    };
    co_await pause(seconds(12));
    (void)co_await move("ShipOrder", [order_id](staff& s, const request_context& c) {
        return s.orders->ship_order(c, {order_id});
    });
    if (chance.below(2)) co_return;
    co_await pause(seconds(2));
    const auto context = as(role::operator_, "op", "RefundOrder", "refund-" + order_id);
    orders::refund_order_request wanted{.id = order_id};
    if (chance.below(2))
        wanted.amount = money{
            1 + static_cast<std::int64_t>(chance.below(static_cast<std::uint64_t>(total_minor))),
            {}};
    wanted.restock = chance.below(2) == 0;
    const auto refund = [wanted](staff& s,
                                 const request_context& c) -> task<result<orders::order>> {
        return s.orders->refund_order(c, wanted);
    };
    const auto got = co_await insist<orders::order>(target::order, context, refund);
    remember(context, got);
    if (!got.value) co_return;
    const auto again = co_await insist<orders::order>(target::order, context, refund);
    remember(context, again);
    if (!wanted.amount || chance.below(2)) co_return;
    // A second part, under a key of its own.
    const auto next = as(role::operator_, "op", "RefundOrder", "refund-again-" + order_id);
    remember(next, co_await insist<orders::order>(target::order, next, refund));
}

task<> people::run_the_shop() {
    auto& chance = town_.in.chance;
    for (int i = 0; i < 3; ++i) {
        co_await pause(seconds(6));
        const auto& one = catalogue_[chance.below(catalogue_.size())];
        const auto key = "stock-" + std::to_string(i);
        products::change_stock_request wanted{.id = one.id, .reference = key};
        if (chance.below(2)) wanted.delta = static_cast<std::int64_t>(chance.below(9)) - 3;
        else wanted.count = static_cast<std::int64_t>(chance.below(12));
        (void)co_await insist<products::stock_report>(
            target::product, as(role::operator_, "op", "ChangeStock", key),
            [wanted](staff& s, const request_context& c) -> task<result<products::stock_report>> {
                return s.products->change_stock(c, wanted);
            });
    }
    if (!town_.in.happens(town_.wrong.deletes)) co_return;
    const auto id = catalogue_[chance.below(catalogue_.size())].id;
    const auto gone = co_await insist<products::deleted_answer>(
        target::product, as(role::operator_, "op", "DeleteProduct", {}),
        [id](staff& s, const request_context& c) -> task<result<products::deleted_answer>> {
            return s.products->delete_product(c, {id});
        });
    if (!gone.value && gone.value.error().kind != errc::not_found) co_return;
    deleted_.insert(id);
    // Somebody's page is still open, and some process may still remember the product.
    for (int i = 0; i < 3; ++i) {
        co_await pause(seconds(6));
        const carts::new_line line{id, 1};
        (void)co_await insist<carts::cart>(
            target::cart, as(role::customer, "customer-0", "AddLine", "late-" + std::to_string(i)),
            [line](staff& s, const request_context& c) -> task<result<carts::cart>> {
                return s.carts->add_line(c, line);
            });
    }
}

}  // namespace stoa::simulation
