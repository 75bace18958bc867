// The invariants of design §6, looked at from outside the services: at every step for what the step
// touched, and at rest for everything. They read the stored items and rows by their documented
// names and share no code with the services' own checks.
#pragma once

#include "simulation/people.hpp"
#include "simulation/town.hpp"

namespace stoa::simulation {

class rules {
 public:
    rules(store& shared, town& of);

    // Nothing where all at-rest rules hold; else what does not.
    std::optional<std::string> at_rest(const people& who);

 private:
    void order_changed(const item* before, const item* after);
    void payment_changed(const item* before, const item* after);
    void lease_changed(const item* before, const item* after);
    void key_changed(const item* before, const item* after);
    void rows_changed();
    void published(const event& what);

    std::optional<std::string> orders_at_rest();
    std::optional<std::string> order_at_rest(const item& order);
    std::optional<std::string> hold_at_rest(const item& order);
    std::optional<std::string> holds_at_rest();
    std::optional<std::string> keys_at_rest();
    std::optional<std::string> events_at_rest();
    std::optional<std::string> mails_at_rest();
    std::optional<std::string> guests_at_rest(const people& who);
    std::optional<std::string> carts_at_rest(const people& who);

    store& shared_;
    town& town_;
    // By order: how often its state asked for an event of that type, and how often one was written.
    std::map<std::pair<std::string, std::string>, int> owed_, written_;
    std::map<std::string, std::string> order_of_key_;
    std::set<std::string> was_cancelling_, was_paid_;
};

}  // namespace stoa::simulation
