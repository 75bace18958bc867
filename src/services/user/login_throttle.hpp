// How often a password may be tried. At most 20 guesses an account and hour are hashed from
// addresses that have never signed in to it, together; an address that has keeps a budget of its
// own, so that a stranger's guesses do not lock the owner out. From the sixth guess of an address
// on, each must wait twice as long as the one before. Accounts that do not exist are counted in the
// same way: the answers must not differ.
#pragma once

#include "ports/clock.hpp"
#include "ports/key_value.hpp"

namespace stoa::users {

// Counters are rows of the sessions table, gone an hour after the first guess. Thread rule: any
// loop.
class login_throttle {
 public:
    static constexpr std::int64_t hashed_an_hour = 20;
    static constexpr std::int64_t free_guesses = 5;  // of one address, before it must wait

    // Keys are digests: neither addresses nor e-mails are stored.
    struct names {
        std::string account, pair;  // of the e-mail; of the e-mail and the client's address
    };

    login_throttle(key_value& items, clock& time) : items_(items), time_(time) {}

    // Counts the guess before it is hashed, so that parallel ones cannot pass together. Errors:
    // rate_limited too_many_attempts with Retry-After.
    task<result<void>> reserve(names of);
    // The password was right: the address is known from now on, its guesses are forgotten.
    task<result<void>> succeeded(names of);

 private:
    task<result<void>> take(std::string name, bool delays);
    task<result<bool>> is_known(std::string pair);

    key_value& items_;
    clock& time_;
};

}  // namespace stoa::users
