// A payment provider for tests, demos and development. Its intents stand in a store of its own,
// committed apart from the shop's, as a real provider's would: a crash between the two is a real
// case.
//
//   method                       what happens
//   credit_card, debit_card,     captured
//   bank_transfer, paypal, tok_ok
//   tok_declined                 declined: card_declined
//   tok_insufficient_funds       declined: insufficient_funds
//   tok_expired_card             declined: expired_card
//   tok_slow                     captured after three seconds
//   tok_timeout_before_capture   the first confirm is lost; the next one captures
//   tok_timeout_after_capture    captured, but the answer is lost
//   tok_500_then_ok              the first create fails, the next works
//   tok_double_webhook           captured, and the webhook comes twice
//   tok_refund_refused           captured; refunds are refused for good
#pragma once

#include "ports/clock.hpp"
#include "ports/key_value.hpp"
#include "ports/payment_provider.hpp"

#include <functional>

namespace stoa {

std::span<const kv_table> simulator_tables();

// Thread rule: any loop; its state is in the store.
class payment_simulator final : public payment_provider {
 public:
    struct settings {
        milliseconds slow{3'000};      // tok_slow
        milliseconds lost_after{300};  // how long a caller waits for an answer that is lost
    };
    // `webhook` is told the reference of an intent that changed; may be empty.
    payment_simulator(key_value& store, clock& time, random_source& random,
                      std::function<void(std::string)> webhook, settings timing);

    task<result<payment_intent>> create(std::string key, money amount, std::string method,
                                        std::string reference) override;
    task<result<payment_intent>> confirm(std::string intent_id) override;
    task<result<payment_intent>> get(std::string intent_id) override;
    task<result<payment_intent>> cancel(std::string intent_id) override;
    task<result<provider_refund>> refund(std::string key, std::string intent_id,
                                         money amount) override;

 private:
    task<result<payment_intent>> end(std::string intent_id, intent_status as, std::string why = {});
    task<result<bool>> first_time(std::string what);

    key_value& store_;
    clock& time_;
    random_source& random_;
    std::function<void(std::string)> webhook_;
    settings settings_;
};

}  // namespace stoa
