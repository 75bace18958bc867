// The shop in a simulated machine room: the production services, stores, consumers and sweepers on
// simulated ports. A house is one process with all services on two loops; a cluster has two
// processes a service, which call each other over a network that loses, delays and repeats.
#pragma once

#include "adapters/outbox/relay.hpp"
#include "services/cart/cart_operations.hpp"
#include "services/notification/notification_operations.hpp"
#include "services/order/order_operations.hpp"
#include "services/payment/payment_operations.hpp"
#include "services/product/product_operations.hpp"
#include "services/user/user_operations.hpp"
#include "simulation/fronts.hpp"

#include <boost/asio/co_spawn.hpp>

#include <array>

namespace stoa::simulation {

enum class target : std::uint8_t { user, product, order, payment, cart, notification };
inline constexpr std::array all_targets{target::user,    target::product, target::order,
                                        target::payment, target::cart,    target::notification};

class town;

// The services of one incarnation of a node; those that are not its targets are null.
struct staff {
    std::unique_ptr<loop> on;
    std::unique_ptr<supervisor> background;
    std::string epoch;
    std::unique_ptr<outboxed_items> outboxed;
    std::unique_ptr<relay> to_the_log;
    std::unique_ptr<idempotency_keys> keys;
    std::unique_ptr<users::directory> remote_users;
    std::unique_ptr<products::stock_keeper> remote_products;
    std::unique_ptr<orders::book> remote_orders;
    std::unique_ptr<payments::till> remote_payments;
    std::unique_ptr<users::user_service> users;
    std::unique_ptr<products::product_service> products;
    std::unique_ptr<orders::order_service> orders;
    std::unique_ptr<payments::payment_service> payments;
    std::unique_ptr<carts::cart_service> carts;
    std::unique_ptr<notifications::notification_service> notifications;
};

// A loop of a process; its seat and its clock stay where they are when the process dies.
struct node {
    node(world& in, store& shared, int id_, int process_, lane share_, std::vector<target> runs_)
        : id(id_),
          process(process_),
          share(share_),
          runs(std::move(runs_)),
          at{in, shared, id_},
          time(in, id_),
          random(in),
          items(at),
          rows(at),
          log(at) {}

    int id, process;
    lane share;
    std::vector<target> runs;
    seat at;
    node_clock time;
    node_random random;
    node_items items;
    node_rows rows;
    node_log log;
    std::unique_ptr<node_provider> provider;
    std::unique_ptr<node_blobs> blobs;
    std::unique_ptr<node_notifier> outside;
    std::unique_ptr<staff> now;  // null while it is down
};

// What is in memory of one process and shared by its loops.
struct shared_memory {
    products::catalogue_index index;
    products::change_board board;
};

class town {
 public:
    town(world& in, store& shared, const faults& wrong, metrics& measured);
    ~town();

    void start(int process);
    void crash(int process);
    // Brings up what is down, and stops everything that could go wrong.
    void calm();
    void set_disk_full(bool full);  // of every node: writes are refused, reads served
    void jump(microseconds by);     // the wall clock of some node
    int processes() const { return processes_; }
    bool up(int process) const;
    bool lives(std::string_view epoch) const;
    timestamp wall() const;  // as the first node's clock shows it

    // A call from one node to some node of the target; `what` runs there. unavailable or timeout
    // where it was lost, and then it may have been done or still be done.
    template <class T, class What>
    task<result<T>> call(int from, target to, What what);

    node* any_up(target of);

    store& shared;
    world& in;
    const faults& wrong;
    bank books;
    std::map<std::string, std::string> blobs;
    std::map<std::string, int> mails;

    static constexpr int outside = 1;  // the node of clients: never fails

 private:
    void add(int process, lane share, std::vector<target> runs);
    void hire(node& of);
    void connect_guests(node& of);
    void begin_work(node& of);

    std::unique_ptr<password_hasher> passwords_;
    std::unique_ptr<token_authority> tokens_;
    metrics& measured_;
    int processes_ = 0;
    int incarnations_ = 0;
    std::map<int, std::unique_ptr<shared_memory>> memory_;  // by process
    std::vector<std::unique_ptr<node>> nodes_;
};

namespace detail {
template <class T, class What, class Give>
task<> serve(town& of, staff& here, What what, Give give, nanos back, bool lost) {
    auto out = co_await what(here);
    if (lost) {
        of.in.sometimes("a reply between services was lost");
        co_return;
    }
    give(std::move(out), back);
}
}  // namespace detail

template <class T, class What>
task<result<T>> town::call(int from, target to, What what) {
    return answered<result<T>>(in, from, [this, from, to, what = std::move(what)](auto give) {
        const auto goes_wrong = [this](double p) { return !shared.quiet && in.happens(p); };
        const auto trip = [&] {
            return in.between(nanos(50'000), wrong.slowest_call + nanos(200'000));
        };
        in.park(from, seconds(4), [give] {
            give(std::unexpected(error{.kind = errc::timeout, .code = "simulated_timeout"}),
                 nanos(0));
        });
        auto* callee = any_up(to);
        if (!callee)
            return give(std::unexpected(error{.kind = errc::unavailable, .code = "nobody_there"}),
                        trip());
        if (goes_wrong(wrong.lose_request))
            return in.sometimes("a request between services was lost");
        const int times = goes_wrong(wrong.repeat_request) ? 2 : 1;
        for (int i = 0; i < times; ++i) {
            const bool lost = goes_wrong(wrong.lose_reply);
            in.park(callee->id, trip(), [this, callee, what, give, back = trip(), lost] {
                auto& here = *callee->now;
                asio::co_spawn(*here.on, detail::serve<T>(*this, here, what, give, back, lost),
                               [](std::exception_ptr thrown) {
                                   if (thrown) std::rethrow_exception(thrown);
                               });
            });
        }
    });
}

}  // namespace stoa::simulation
