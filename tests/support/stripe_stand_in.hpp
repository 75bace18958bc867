// Stripe as its documentation describes it, as far as PaymentIntents and refunds go, with state:
// keys that bring back stored answers, cards that are declined, intents that let each thing happen
// once. What stripe-mock cannot be: it forgets everything.
#pragma once

#include "ports/http_client.hpp"

#include <deque>
#include <map>

namespace stoa::testing {

// Cards: pm_ok, pm_declined (insufficient_funds), pm_stolen, pm_expired, pm_3ds (wants the
// customer), pm_no_refund, pm_slow (processing until settle()); others are unknown. Thread rule:
// one loop.
class stripe_stand_in final : public http_client {
 public:
    enum class fault : std::uint8_t {
        none,
        lost_before,  // nothing happened, and no answer came
        lost_after,   // it happened, and no answer came
        stored_500,   // a failure, which the key remembers; nothing happened
        stored_500_after,
        status_429,
        status_409,
        status_401,
        garbage,
    };
    // For the next request whose path ends so.
    void next(std::string path_end, fault what) { faults_.push_back({std::move(path_end), what}); }
    void settle(const std::string& id) { intents_.at(id).status = "succeeded"; }
    std::int64_t captured() const;
    std::int64_t refunded() const;
    std::size_t intents() const { return intents_.size(); }
    void forget_keys() { stored_.clear(); }  // a day later

    task<result<http_response>> send(http_request what, milliseconds) override;

    std::vector<http_request> asked;

 private:
    struct intent {
        std::string id, status = "requires_confirmation", card, order_id, key, error_code, decline;
        std::int64_t amount = 0;
        std::string currency;
    };
    struct refund {
        std::string id, intent, key, status = "succeeded";
        std::int64_t amount = 0;
        std::string currency;
    };
    struct stored {
        std::string form;
        http_response answer;
    };
    using fields = std::map<std::string, std::string, std::less<>>;
    static fields read_form(std::string_view form);
    static std::string decoded(std::string_view text);
    static http_response json(int status, std::string body);
    static http_response refuse(int status, std::string type, std::string code,
                                std::string decline = {});
    static std::string text_of(const intent& of);
    static std::string text_of(const refund& of);
    http_response answer(const http_request& what, std::string_view path, const fields& form);
    http_response make(const fields& form);
    http_response confirm(intent& it);
    http_response give_back(const fields& form);

    std::deque<std::pair<std::string, fault>> faults_;
    std::map<std::string, intent, std::less<>> intents_;
    std::map<std::string, refund, std::less<>> refunds_;
    std::map<std::string, stored, std::less<>> stored_;
    int next_id_ = 1;
};

}  // namespace stoa::testing
