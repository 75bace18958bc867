// A recorded notification on its way out: one sender has it for a while, hands it to the outside
// under an id made of its event's, and remembers what came of it. Who dies between sending and
// remembering leaves it to the next one, who sends it again under the same id. Two hosts share it:
// the shop's notification service, and the function on AWS Lambda.
#pragma once

#include "ports/clock.hpp"
#include "ports/notifier.hpp"
#include "runtime/metrics.hpp"
#include "services/notification/notification_store.hpp"

namespace stoa::notifications {

class address_book {
 public:
    virtual ~address_book() = default;
    // Where its customer is reached by its channel; nothing, with the reason noted in `of`, where
    // there is nobody to write to.
    virtual task<result<std::optional<std::string>>> address_of(notification_record& of) = 0;
};

struct sender_settings {
    int most_tries = 10;
    seconds first_retry{30}, longest_retry{3'600};  // no first one: whoever calls again is the wait
    seconds send_within{60};  // a sender that has not answered by then is taken for gone
};

inline constexpr std::string_view being_sent = "being_sent";

// Metric: notifications_total{outcome}. Thread rule: one instance a loop.
class notification_sender {
 public:
    struct needs {
        key_value& items;
        address_book& people;
        notifier& outside;
        clock& time;
        random_source& random;
        metrics& measured;
    };
    notification_sender(needs ports, sender_settings settings);

    // A record as it is first written: due now, or skipped where there is nobody to write to. An
    // address that cannot be asked for now is for send() to find.
    task<notification_record> begin(notification_record fresh);
    // This sender's for a while.
    void hold(notification_record& of) const;
    // A record that is stored and skipped from its beginning.
    void count_skipped() const { skipped_.add(); }

    // The record, this sender's for a while; nothing where it has ended. `conflict`, code
    // being_sent: another one has it, or died over it, or its next try is not due.
    task<result<std::optional<notification_record>>> claim(std::string event_id,
                                                           std::string channel);
    // Sends what was claimed, and returns what is remembered of it: sent, skipped, failed, or
    // pending with the try that is due next.
    task<result<notification_record>> send(notification_record claimed);

 private:
    void remember_failure(notification_record& of, const error& why);
    task<result<notification_record>> finish(notification_record before, notification_record after);

    needs ports_;
    notification_store store_;
    sender_settings settings_;
    metric_counter sent_, skipped_, failed_, retried_;
};

}  // namespace stoa::notifications
