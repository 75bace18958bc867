#include "apps/stoa/wiring_provider.hpp"

#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/stripe/stripe_payments.hpp"
#include "adapters/stripe/stripe_webhook.hpp"
#include "runtime/log.hpp"
#include "transport/http/client.hpp"

#include <algorithm>

namespace stoa {
namespace {

stripe::options stripe_options(const settings& from) {
    return {.api_key = from.text("stripe_api_key"), .api_url = from.text("stripe_api_url")};
}

class simulator_wiring final : public provider_wiring {
 public:
    explicit simulator_wiring(needs ports)
        : simulator_(ports.items, ports.time, ports.random, std::move(ports.news), {}) {}
    payment_provider& provider() override { return simulator_; }

 private:
    payment_simulator simulator_;
};

class stripe_wiring final : public provider_wiring {
 public:
    stripe_wiring(const settings& from, loop_set& loops)
        : stripe_(stripe_options(from), [this]() -> http_client& {
              return *clients_[static_cast<std::size_t>(std::max(0, loop_set::here()))];
          }) {
        for (int i = 0; i < loops.size(); ++i)
            clients_.push_back(std::make_unique<http::async_client>(
                loops.at(i), http::client_settings{.connections_per_origin = 256,
                                                   .ca_file = from.text("stripe_ca_file")}));
    }
    payment_provider& provider() override { return stripe_; }

 private:
    std::vector<std::unique_ptr<http::async_client>> clients_;  // one a loop
    stripe::payments stripe_;
};

}  // namespace

result<void> check_provider_settings(const settings& from) {
    if (from.text("payments") != "stripe") return {};
    STOA_TRY_VOID(stripe::check_options(stripe_options(from)));
    if (auto fits = http::check_url(from.text("stripe_api_url")); !fits)
        return fail(errc::invalid, "bad_setting", "`stripe_api_url`: " + fits.error().detail);
    for (const auto& secret : from.list("stripe_webhook_secret"))
        if (!secret.starts_with("whsec_"))
            return fail(errc::invalid, "bad_setting",
                        "`stripe_webhook_secret` must be what Stripe shows as the endpoint's "
                        "signing secret (whsec_…), several by commas while it is changed");
    return {};
}

result<std::unique_ptr<provider_wiring>> provider_wiring::open(const settings& from, needs ports) {
    STOA_TRY_VOID(check_provider_settings(from));
    if (from.text("payments") == "stripe")
        return std::make_unique<stripe_wiring>(from, ports.loops);
    return std::make_unique<simulator_wiring>(std::move(ports));
}

http::route stripe_webhook_page(const settings& from, clock& time, payments::api* payments) {
    http::route out{.method = verb::post,
                    .path = "/api/v1/payments/webhooks/stripe",
                    .name = "StripeWebhook",
                    .caller = who::anyone,
                    .summary =
                        "Stripe's news of a payment, signed by it (Stripe-Signature). It "
                        "only makes the shop ask Stripe again."};
    out.answer = [secrets = from.list("stripe_webhook_secret"), &time, payments](
                     request_context context, http::request got,
                     http::route::parameters) -> task<http::response> {
        const auto genuine =
            stripe::check_signature(got.find("stripe-signature"), got.body, secrets, time.now());
        if (!genuine) {
            log_warning("webhook_refused", {{"code", genuine.error().code}});
            co_return http::problem_response(genuine.error(), context.request_id);
        }
        const auto told = stripe::read_news(got.body);
        if (!told) co_return http::problem_response(told.error(), context.request_id);
        // News of no order of ours are taken all the same, or Stripe sends them for days.
        if (!told->order_id.empty() && told->order_id.size() <= 64) {
            context.caller = {.is = role::service};
            const auto woken = co_await payments->receive_webhook(context, {told->order_id});
            if (!woken) co_return http::problem_response(woken.error(), context.request_id);
        }
        http::response answer;
        answer.set_body(R"({"received":true})");
        co_return answer;
    };
    return out;
}

}  // namespace stoa
