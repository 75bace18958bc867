// Who uses the simulated shop: customers who ask again until they are answered, and an operator.
// They keep what they were told, which the rules then hold the shop to.
#pragma once

#include "simulation/town.hpp"

namespace stoa::simulation {

// One idempotency key, as its client sees it.
struct told {
    std::string user_id;
    int status = 0;  // of the first definite answer; 0: none came
    std::string body;
    bool gave_up = false;
};

// What a customer's cart must hold of a product in the end, as its one order was paid or not.
struct cart_promise {
    std::string user_id, product_id, order_id;  // no order id: none was acknowledged
    std::int64_t if_paid = 0, if_not = 0;
};

// A guest whose orders an account has, once it has shown that it reads its mail.
struct guest_promise {
    std::string guest_id, user_id;
};

class people {
 public:
    people(town& of, int customers, int orders_each);
    ~people() { town_.in.drop(town::outside); }
    people(const people&) = delete;
    people& operator=(const people&) = delete;

    bool done() const { return busy_ == 0; }
    const std::map<std::string, told>& keys() const { return keys_; }
    // Orders acknowledged with 201, and what was seen of them since.
    const std::set<std::string>& acknowledged() const { return acknowledged_; }
    const std::set<std::string>& deleted_products() const { return deleted_; }
    const std::vector<cart_promise>& carts() const { return carts_; }
    const std::vector<guest_promise>& guests() const { return guests_; }

 private:
    template <class T>
    struct answer {
        result<T> value;
        reply_note note;
        bool definite() const {
            if (value) return true;
            const auto kind = value.error().kind;
            return kind != errc::unavailable && kind != errc::timeout &&
                   kind != errc::storage_full && value.error().code != "request_in_progress" &&
                   value.error().code != "order_not_settled" && kind != errc::rate_limited;
        }
    };
    template <class T, class What>
    task<answer<T>> ask(target to, request_context context, What what);
    // Asks until the answer is definite or patience ends.
    template <class T, class What>
    task<answer<T>> insist(target to, request_context context, What what);
    template <class T>
    void remember(const request_context& context, const answer<T>& got);

    void spawn(std::move_only_function<task<>()> body);
    task<> open_shop();
    task<> shop_for(int customer);
    task<> place_one(std::string user, std::string key);
    // A new account's id; empty where it could not be had.
    task<std::string> enroll(std::string name);
    task<> come_home(int guest);
    task<bool> prove_address(std::string user);
    task<> keep_a_cart(int customer);
    task<> pay(std::string user, orders::order placed, std::string key);
    task<> run_the_shop();
    task<> operate(std::string order_id, std::int64_t total_minor);
    task<> pause(nanos longest);
    request_context as(role is, std::string user, std::string operation, std::string key);

    town& town_;
    node_clock time_;
    loop on_;
    int customers_, orders_each_;
    int busy_ = 0;
    std::vector<products::product> catalogue_;
    std::map<std::string, told> keys_;
    std::set<std::string> acknowledged_, deleted_;
    std::vector<cart_promise> carts_;
    std::vector<guest_promise> guests_;
};

}  // namespace stoa::simulation
