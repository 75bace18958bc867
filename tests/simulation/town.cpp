#include "simulation/town.hpp"

#include "transport/events/consumer.hpp"
#include "transport/events/sweepers.hpp"

#include <algorithm>

namespace stoa::simulation {
namespace {

// Neither is under test: what they cost in reality would be most of a seed.
class plain_passwords final : public password_hasher {
 public:
    task<result<std::string>> hash(std::string password) override { co_return "h:" + password; }
    task<result<bool>> verify(std::string password, std::string phc) override {
        co_return phc == "h:" + password;
    }
    bool needs_rehash(const std::string&) override { return false; }
};
class plain_tokens final : public token_authority {
 public:
    std::string sign(const token_claims& of) override { return of.user_id + '.' + of.session_id; }
    result<token_claims> verify(std::string_view, timestamp) override {
        return fail(errc::unauthenticated, "not_simulated");
    }
    std::string jwks() override { return "{}"; }
    std::string digest(std::string_view secret) override {
        return std::to_string(stable_hash(secret));
    }
};

// The other services over the network. What the answer's note says travels back with no call here:
// services read answers, not notes.
request_context over_the_wire(request_context context) {
    context.reply = std::make_shared<reply_note>();
    return context;
}

class remote_directory final : public users::directory {
 public:
    remote_directory(town& by, int from) : by_(by), from_(from) {}
    task<result<users::user>> get_user(request_context c, users::get_user_request r) override {
        return by_.call<users::user>(
            from_, target::user,
            [c = over_the_wire(std::move(c)), r](staff& s) { return s.users->get_user(c, r); });
    }
    task<result<principal>> authenticate(std::string) override {
        co_return fail(errc::unauthenticated, "not_simulated");
    }

 private:
    town& by_;
    int from_;
};

class remote_stock final : public products::stock_keeper {
 public:
    remote_stock(town& by, int from) : by_(by), from_(from) {}
    task<result<products::quote>> quote_products(request_context c,
                                                 products::quote_request r) override {
        return by_.call<products::quote>(from_, target::product,
                                         [c = over_the_wire(std::move(c)), r](staff& s) {
                                             return s.products->quote_products(c, r);
                                         });
    }
    task<result<products::hold_outcome>> hold(request_context c,
                                              products::hold_request r) override {
        return by_.call<products::hold_outcome>(
            from_, target::product,
            [c = over_the_wire(std::move(c)), r](staff& s) { return s.products->hold(c, r); });
    }

 private:
    town& by_;
    int from_;
};

class remote_book final : public orders::book {
 public:
    remote_book(town& by, int from) : by_(by), from_(from) {}
    // The answer's note is the caller's answer: it comes back with the order.
    task<result<orders::order>> create_order(request_context c,
                                             orders::create_order_request r) override {
        auto note = std::make_shared<reply_note>();
        auto answer_to = c.reply;
        c.reply = note;
        auto out = co_await by_.call<std::pair<orders::order, reply_note>>(
            from_, target::order, [c, r](staff& s) { return with_note(s, c, r); });
        if (!out) co_return std::unexpected(std::move(out).error());
        *answer_to = std::move(out->second);
        co_return std::move(out->first);
    }
    task<result<orders::order>> get_order(request_context c, orders::get_order_request r) override {
        return by_.call<orders::order>(
            from_, target::order,
            [c = over_the_wire(std::move(c)), r](staff& s) { return s.orders->get_order(c, r); });
    }
    task<result<orders::order_list>> list_orders(request_context c,
                                                 orders::list_orders_request r) override {
        return by_.call<orders::order_list>(
            from_, target::order,
            [c = over_the_wire(std::move(c)), r](staff& s) { return s.orders->list_orders(c, r); });
    }
    task<result<orders::order>> begin_attempt(request_context c,
                                              orders::begin_attempt_request r) override {
        return by_.call<orders::order>(from_, target::order,
                                       [c = over_the_wire(std::move(c)), r](staff& s) {
                                           return s.orders->begin_attempt(c, r);
                                       });
    }

 private:
    static task<result<std::pair<orders::order, reply_note>>> with_note(
        staff& s, request_context c, orders::create_order_request r) {
        c.reply = std::make_shared<reply_note>();
        auto out = co_await s.orders->create_order(c, r);
        if (!out) co_return std::unexpected(std::move(out).error());
        co_return std::pair(*std::move(out), *c.reply);
    }
    town& by_;
    int from_;
};

class remote_till final : public payments::till {
 public:
    remote_till(town& by, int from) : by_(by), from_(from) {}
    task<result<payments::payment>> create_payment(request_context c,
                                                   payments::create_payment_request r) override {
        return by_.call<payments::payment>(from_, target::payment,
                                           [c = over_the_wire(std::move(c)), r](staff& s) {
                                               return s.payments->create_payment(c, r);
                                           });
    }
    task<result<payments::payment>> get_payment(request_context c,
                                                payments::get_payment_request r) override {
        return by_.call<payments::payment>(from_, target::payment,
                                           [c = over_the_wire(std::move(c)), r](staff& s) {
                                               return s.payments->get_payment(c, r);
                                           });
    }
    task<result<payments::payment_list>> list_payments(request_context c,
                                                       payments::list_payments_request r) override {
        return by_.call<payments::payment_list>(from_, target::payment,
                                                [c = over_the_wire(std::move(c)), r](staff& s) {
                                                    return s.payments->list_payments(c, r);
                                                });
    }

 private:
    town& by_;
    int from_;
};

constexpr seconds sweep_every{2};

}  // namespace

town::town(world& in_, store& shared_, const faults& wrong_, metrics& measured)
    : shared(shared_),
      in(in_),
      wrong(wrong_),
      passwords_(std::make_unique<plain_passwords>()),
      tokens_(std::make_unique<plain_tokens>()),
      measured_(measured) {
    for (const auto* each :
         {&users::sessions_table, &idempotency_table, &carts::carts_table, &carts::guards_table,
          &orders::orders_table, &orders::counters_table, &payments::payments_table,
          &notifications::notifications_table, &outbox_table, &inbox_table, &leases_table})
        shared.declare(*each);
    if (wrong.kind == town_kind::house) {
        const std::vector<target> all(all_targets.begin(), all_targets.end());
        for (int i = 0; i < 2; ++i) add(0, lane{i, 2}, all);
        processes_ = 1;
    } else {
        for (const auto each : all_targets)
            for (int i = 0; i < 2; ++i) add(processes_++, lane{i, 2}, {each});
    }
    // The provider's webhook wakes whoever drives payments; it may be lost.
    books.webhook = [this](const std::string& order_id) {
        if (!shared.quiet && in.happens(wrong.provider_fails)) return;
        if (auto* to = any_up(target::payment))
            in.park(to->id, in.between(nanos(1'000'000), milliseconds(300)), [to, order_id] {
                to->now->background->spawn("webhook", [to, order_id]() -> task<> {
                    request_context context;
                    context.caller = {.is = role::service};
                    (void)co_await to->now->payments->receive_webhook(context, {order_id});
                });
            });
    };
    for (int p = 0; p < processes_; ++p) start(p);
}

town::~town() {
    for (int p = 0; p < processes_; ++p) crash(p);
}

void town::add(int process, lane share, std::vector<target> runs) {
    constexpr int first = 10;
    auto made = std::make_unique<node>(in, shared, first + static_cast<int>(nodes_.size()), process,
                                       share, std::move(runs));
    made->provider = std::make_unique<node_provider>(made->at, books);
    made->blobs = std::make_unique<node_blobs>(made->at, blobs);
    made->outside = std::make_unique<node_notifier>(made->at, mails);
    nodes_.push_back(std::move(made));
}

bool town::up(int process) const {
    for (const auto& each : nodes_)
        if (each->process == process) return each->now != nullptr;
    return false;
}

bool town::lives(std::string_view epoch) const {
    return std::ranges::any_of(
        nodes_, [&](const auto& each) { return each->now && each->now->epoch == epoch; });
}

timestamp town::wall() const { return nodes_.front()->time.now(); }

node* town::any_up(target of) {
    std::vector<node*> all;
    for (const auto& each : nodes_)
        if (each->now && std::ranges::find(each->runs, of) != each->runs.end())
            all.push_back(each.get());
    return all.empty() ? nullptr : all[in.chance.below(all.size())];
}

void town::start(int process) {
    if (up(process)) return;
    memory_[process] = std::make_unique<shared_memory>();
    ++incarnations_;
    for (auto& each : nodes_)
        if (each->process == process) hire(*each);
    for (auto& each : nodes_)
        if (each->process == process) connect_guests(*each);
    for (auto& each : nodes_)
        if (each->process == process) begin_work(*each);
}

// The services as wiring makes them, each edge in the process or over the network.
void town::hire(node& of) {
    of.now = std::make_unique<staff>();
    auto& s = *of.now;
    s.on = std::make_unique<loop>(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);  // one thread: no locks
    in.become_node(of.id, s.on.get());
    s.background = std::make_unique<supervisor>(*s.on);
    s.epoch = "epoch-" + std::to_string(incarnations_);
    const bool alone = wrong.kind == town_kind::house;
    const auto runs = [&](target t) { return std::ranges::find(of.runs, t) != of.runs.end(); };
    if (!alone) s.outboxed = std::make_unique<outboxed_items>(of.items, of.time);
    key_value& items = alone ? static_cast<key_value&>(of.items) : *s.outboxed;
    s.keys = std::make_unique<idempotency_keys>(items, of.time, s.epoch, alone);
    s.remote_users = std::make_unique<remote_directory>(*this, of.id);
    s.remote_products = std::make_unique<remote_stock>(*this, of.id);
    s.remote_orders = std::make_unique<remote_book>(*this, of.id);
    s.remote_payments = std::make_unique<remote_till>(*this, of.id);
    if (runs(target::user))
        s.users = std::make_unique<users::user_service>(
            users::user_service::needs{of.rows, items, *passwords_, *tokens_, of.time, of.random},
            users::user_settings{.adopt_again = seconds(10)});
    users::directory& directory =
        s.users ? static_cast<users::directory&>(*s.users) : *s.remote_users;
    auto& memory = *memory_.at(of.process);
    if (runs(target::product))
        s.products = std::make_unique<products::product_service>(
            products::product_service::needs{of.rows, memory.index, memory.board, of.time,
                                             of.random},
            products::product_settings{});
    products::stock_keeper& stock = s.products ? *s.products : *s.remote_products;
    if (runs(target::order))
        s.orders = std::make_unique<orders::order_service>(
            orders::order_service::needs{.items = items,
                                         .users = directory,
                                         .products = stock,
                                         .time = of.time,
                                         .random = of.random,
                                         .keys = *s.keys,
                                         .measured = measured_},
            orders::order_settings{
                .pending_for = seconds(8), .payment_for = seconds(20), .cancel_wait = seconds(2)});
    orders::book& book = s.orders ? static_cast<orders::book&>(*s.orders) : *s.remote_orders;
    if (runs(target::payment))
        s.payments = std::make_unique<payments::payment_service>(
            payments::payment_service::needs{items, book, *of.provider, of.time, of.random, *s.keys,
                                             *s.background, measured_, s.epoch},
            payments::payment_settings{.answer_within = seconds(3),
                                       .take_up_after = seconds(3),
                                       .longest_retry = seconds(4)});
    if (s.orders)
        s.orders->use(s.payments ? static_cast<payments::till&>(*s.payments) : *s.remote_payments);
    if (s.products) s.products->use(book);
    if (runs(target::cart))
        s.carts = std::make_unique<carts::cart_service>(
            carts::cart_service::needs{items, stock, book, of.time, *s.keys},
            carts::cart_settings{.second_pass = seconds(4)});
    if (runs(target::notification))
        s.notifications = std::make_unique<notifications::notification_service>(
            notifications::notification_service::needs{items, directory, book, *of.outside,
                                                       *of.blobs, of.time, of.random, *s.background,
                                                       measured_},
            notifications::notification_settings{.sending = {.most_tries = 1'000,
                                                             .first_retry = seconds(1),
                                                             .longest_retry = seconds(4),
                                                             .send_within = seconds(5)}});
}

// What the user service asks of others when a guest comes home, in the process or over the network.
void town::connect_guests(node& of) {
    auto& s = *of.now;
    if (!s.users) return;
    s.users->on_merge([this, &of](std::string guest, std::string user) -> task<result<void>> {
        if (of.now->carts) return of.now->carts->merge(std::move(guest), std::move(user));
        return call<void>(of.id, target::cart,
                          [guest, user](staff& there) { return there.carts->merge(guest, user); });
    });
    s.users->on_adopt(
        [this, &of](std::string guest, std::string user) -> task<result<users::adopted>> {
            if (of.now->orders) return of.now->orders->adopt(std::move(guest), std::move(user));
            return call<users::adopted>(of.id, target::order, [guest, user](staff& there) {
                return there.orders->adopt(guest, user);
            });
        });
}

void town::begin_work(node& of) {
    auto& s = *of.now;
    std::vector<event_consumer> groups;
    if (s.products) groups.push_back(products::events_of(*s.products));
    if (s.orders) groups.push_back(orders::events_of(*s.orders));
    if (s.payments) groups.push_back(payments::events_of(*s.payments));
    if (s.carts) groups.push_back(carts::events_of(*s.carts));
    if (s.notifications) groups.push_back(notifications::events_of(*s.notifications));
    for (const auto& each : groups) {
        const auto begun = start_consumer(
            each, of.log, of.time, of.random, measured_, *s.background, of.share,
            {.batch = 16, .first_wait = milliseconds(20), .longest_wait = milliseconds(2'000)});
        if (!begun) throw violation{"a consumer did not start: " + begun.error().code};
    }
    // Two processes are enough to have somebody take over.
    if (s.outboxed && s.orders) {
        s.to_the_log = std::make_unique<relay>(of.items, of.log, of.time, of.random, s.epoch,
                                               relay_settings{.round = milliseconds(50),
                                                              .longest_round = milliseconds(800),
                                                              .lease_for = milliseconds(4'000)});
        s.to_the_log->start(*s.background);
    }
    const auto sweep = [&](const char* name, auto round) {
        start_sweeper(*s.background, of.time, name, sweep_every, round);
    };
    if (s.orders) sweep("orders", [&of, &s] { return s.orders->sweep(of.share); });
    if (s.payments) sweep("payments", [&of, &s] { return s.payments->sweep(of.share); });
    if (s.carts) sweep("carts", [&of, &s] { return s.carts->sweep(of.share); });
    if (s.notifications)
        sweep("notifications", [&of, &s] { return s.notifications->sweep(of.share); });
    if (s.users && of.share.index == 0) sweep("guest orders", [&s] { return s.users->sweep(); });
    if (s.products && of.share.index == 0) sweep("holds", [&s] { return s.products->sweep(); });
    in.park(of.id, nanos(0), [] {});  // its loop begins to run
}

// In this order only: parked handlers, then the loop, then what their frames referred to.
void town::crash(int process) {
    std::vector<node*> dying;
    for (auto& each : nodes_)
        if (each->process == process && each->now) dying.push_back(each.get());
    for (auto* each : dying) in.drop(each->id);
    for (auto* each : dying) each->now->on.reset();
    for (auto* each : dying) each->now.reset();
    memory_.erase(process);
}

void town::set_disk_full(bool full) {
    for (auto& each : nodes_) each->at.disk_full = full;
}

void town::jump(microseconds by) {
    auto& one = *nodes_[in.chance.below(nodes_.size())];
    // One machine, one clock.
    for (auto& each : nodes_)
        if (each->process == one.process) each->time.offset += by;
}

void town::calm() {
    shared.quiet = true;
    for (auto& each : nodes_) {
        each->at.disk_full = false;
        each->time.offset = microseconds(0);
    }
    for (int p = 0; p < processes_; ++p) start(p);
}

}  // namespace stoa::simulation
