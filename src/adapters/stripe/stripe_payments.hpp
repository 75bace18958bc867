// The payment provider by Stripe: PaymentIntents that are made unconfirmed under the attempt's key,
// then confirmed once the shop has stored their id; captured with the confirmation.
//
// Only an intent whose id the shop has can be confirmed, so one that is made twice charges nothing.
// Confirming and cancelling carry no key: the intent's own state lets each happen once, and a key
// would bring back a stored 500 for a day.
#pragma once

#include "adapters/stripe/stripe_answers.hpp"

#include <functional>

namespace stoa::stripe {

// The version of Stripe's API that requests are made, and answers read, under.
inline constexpr std::string_view api_version = "2024-06-20";

struct options {
    std::string api_key;                             // STRIPE_API_KEY: sk_… or rk_…
    std::string api_url = "https://api.stripe.com";  // without a path
    milliseconds answer_within{10'000};              // each call
};
// `invalid`, naming stripe_api_key or stripe_api_url.
result<void> check_options(const options& with);

// Thread rule: any loop; `http` gives the calling loop's client.
class payments final : public payment_provider {
 public:
    using http_here = std::function<http_client&()>;
    payments(options with, http_here http);

    // `method` is what Stripe.js made of the card in the customer's browser: a PaymentMethod's id,
    // pm_… (or card_…, of older accounts).
    task<result<payment_intent>> create(std::string key, money amount, std::string method,
                                        std::string reference) override;
    task<result<payment_intent>> confirm(std::string intent_id) override;
    task<result<payment_intent>> get(std::string intent_id) override;
    task<result<payment_intent>> cancel(std::string intent_id) override;
    // Under its key also when the key is older than Stripe remembers keys: the intent's refunds are
    // looked through first. `unavailable` refund_pending while Stripe has not finished it.
    task<result<provider_refund>> refund(std::string key, std::string intent_id,
                                         money amount) override;

    // For `stoa doctor`: the key is good. What it is for: "live" or "test".
    task<result<std::string>> probe();

 private:
    task<result<http_response>> call(std::string method, std::string path, std::string form,
                                     std::string key = {});
    task<result<payment_intent>> read(http_response answer, std::string what);
    task<result<std::optional<payment_intent>>> search(std::string key);
    task<result<payment_intent>> end_unconfirmed(std::string intent_id, std::string why);
    task<result<std::optional<provider_refund>>> find_refund(std::string key, std::string intent_id,
                                                             money amount);

    options with_;
    http_here http_;
};

}  // namespace stoa::stripe
