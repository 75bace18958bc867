// Who moves the money, as `payments` says: the simulator or Stripe; and the way by which it tells
// news of an order.
#pragma once

#include "apps/stoa/settings.hpp"
#include "ports/clock.hpp"
#include "ports/key_value.hpp"
#include "ports/payment_provider.hpp"
#include "runtime/loops.hpp"
#include "services/payment/payment_service.hpp"
#include "transport/http/message.hpp"

#include <memory>

namespace stoa {

// Thread rule: made and destroyed by the main thread, before the loops go; the port from any loop.
class provider_wiring {
 public:
    struct needs {
        loop_set& loops;
        clock& time;
        random_source& random;
        key_value& items;                       // of the simulator
        std::function<void(std::string)> news;  // of an order, by its id; from any loop
    };
    // Errors name the setting. Nothing is asked of the provider yet.
    static result<std::unique_ptr<provider_wiring>> open(const settings& from, needs ports);
    virtual ~provider_wiring() = default;
    virtual payment_provider& provider() = 0;
};

// Whether the settings of the chosen provider can be right; asks nobody.
result<void> check_provider_settings(const settings& from);

// POST /api/v1/payments/webhooks/stripe, open to anybody: the signature says that it is Stripe. It
// only makes the shop ask again: the order's id is all that is believed. Without
// `stripe_webhook_secret` every call is refused. `payments` is null where a gateway passes it on.
http::route stripe_webhook_page(const settings& from, clock& time, payments::api* payments);

}  // namespace stoa
