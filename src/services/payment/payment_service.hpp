// Payments: one head item an order, on which submit, close and capture exclude each other (design
// §5, steps 4 and 5). Three ways in (payment.requested, POST /payments, ProcessPayment), one
// machine. The provider is the only one who knows whether money moved: an outcome that did not
// arrive is asked for, never guessed.
#pragma once

#include "ports/clock.hpp"
#include "ports/idempotency.hpp"
#include "ports/payment_provider.hpp"
#include "runtime/metrics.hpp"
#include "runtime/supervisor.hpp"
#include "services/order/order_api.hpp"
#include "services/order/order_events.hpp"
#include "services/payment/payment_api.hpp"
#include "services/payment/payment_events.hpp"
#include "services/payment/payment_store.hpp"

#include <functional>
#include <set>

namespace stoa::payments {

struct payment_settings {
    std::optional<std::int64_t> review_above_minor;  // payment_review_above; absent: never
    milliseconds answer_within{10'000};              // POST /payments answers 202 after it
    seconds take_up_after{5};  // a submitted attempt of a process that is gone
    seconds first_retry{1}, longest_retry{300};
    hours key_lives{20};  // a provider's key is not used again after it
    int in_flight = 256;  // attempts driven at once, an instance
};

struct decide_review_request {
    std::string id;  // of the payment
    bool approve = false;
};
BOOST_DESCRIBE_STRUCT(decide_review_request, (), (id, approve))

// A webhook only wakes the reconciler: what it says about money is not believed but asked for.
struct webhook_request {
    std::string order_id;
};
BOOST_DESCRIBE_STRUCT(webhook_request, (), (order_id))
struct webhook_answer {
    bool received = true;
};
BOOST_DESCRIBE_STRUCT(webhook_answer, (), (received))

// What an item keeps of the trace it was asked for under; nothing where there is none.
inline std::optional<std::string> kept_trace(const std::string& traceparent) {
    return traceparent.empty() ? std::nullopt : std::optional(traceparent);
}

class api : public till {
 public:
    virtual task<result<payment>> decide_review(request_context, decide_review_request) = 0;
    virtual task<result<webhook_answer>> receive_webhook(request_context, webhook_request) = 0;
};

// Thread rule: one instance a loop. Background work runs on the supervisor, which is stopped before
// this dies.
class payment_service final : public api {
 public:
    struct needs {
        key_value& items;
        orders::book& orders;
        payment_provider& provider;
        clock& time;
        random_source& random;
        idempotency_keys& keys;
        supervisor& background;
        metrics& measured;
        std::string epoch;  // of this process
    };
    payment_service(needs ports, payment_settings settings);

    task<result<payment>> create_payment(request_context, create_payment_request) override;
    task<result<payment>> get_payment(request_context, get_payment_request) override;
    task<result<payment_list>> list_payments(request_context, list_payments_request) override;
    task<result<payment>> decide_review(request_context, decide_review_request) override;
    task<result<webhook_answer>> receive_webhook(request_context, webhook_request) override;

    // Consumers only record; a bounded worker talks to the provider, so that a slow one blocks no
    // partition.
    task<result<void>> on_payment_requested(delivery, orders::payment_requested);
    task<result<void>> on_close_requested(delivery, orders::close_requested);
    task<result<void>> on_refund_requested(delivery, orders::refund_requested);

    // Takes up what is due: attempts of processes that are gone, unknown outcomes, refunds. Returns
    // how many.
    task<result<int>> sweep(lane share);

    // Drives an order's payment until it rests or must wait; the worker's body, also called by
    // tests.
    task<result<void>> drive(std::string order_id);

 private:
    struct settled {
        payment_head head;
        bool fresh = false;  // this call submitted it
    };
    using edit = std::function<result<bool>(payment_head& now, write_set& in)>;
    task<result<std::optional<payment_head>>> change(std::string order_id, edit how,
                                                     std::optional<delivery> receipt = {});

    void wake(std::string order_id);  // drive it in the background
    void wake_refund(std::string id);
    task<> drive_in_background(std::string order_id);
    task<> drive_refund_in_background(std::string id);

    // payment_requests.cpp
    task<result<payment>> pay(request_context context, create_payment_request wanted,
                              orders::order order, std::int32_t attempt);
    task<result<payment>> answer(request_context context, std::string order_id,
                                 std::int32_t attempt, bool fresh);
    task<result<payment_head>> ensure_head(const request_context& context,
                                           const orders::order& order, std::string method);
    task<result<bool>> name_method(const request_context& context, std::string order_id,
                                   std::int32_t attempt, std::string method);
    payment_head head_for(const orders::order& order) const;

    // payment_worker.cpp
    task<result<void>> submit(payment_head head);
    payment submitted(payment_head& head) const;
    bool has_room() const;
    task<result<void>> ask_provider(payment_head head);
    task<result<payment_intent>> find_intent(payment_head& head);
    task<result<void>> settle(payment_head head, payment_intent told);
    task<result<void>> remember_unknown(payment_head head, const error& why);
    task<result<void>> drive_refund(std::string id);
    void close(payment_head& now, write_set& in) const;
    event event_of(const payment_head& now, std::string_view topic, std::string payload) const;
    milliseconds backoff(std::int32_t tries);

    needs ports_;
    payment_store store_;
    payment_settings settings_;
    std::set<std::string>
        driving_;  // orders and refunds that a background task of this instance drives
    metric_counter captured_, declined_, unknown_;
};

}  // namespace stoa::payments
