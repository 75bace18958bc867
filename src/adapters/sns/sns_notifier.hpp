// A notifier by SNS: text messages to telephones, and everything else to a topic, whose subscribers
// (addresses of e-mail, queues, functions) are Amazon's to know.
#pragma once

#include "adapters/aws/aws_client.hpp"
#include "ports/notifier.hpp"

namespace stoa {

struct sns_options {
    std::string region;        // AWS_REGION
    std::string endpoint_url;  // AWS_ENDPOINT_URL_SNS, else AWS_ENDPOINT_URL; empty: Amazon's own
    std::string topic_arn;     // SNS_TOPIC_ARN
    milliseconds attempt_within{5'000};
    milliseconds answer_within{20'000};
};

// Thread rule: any loop; `http` gives the calling loop's client. Errors: `invalid` where the
// message or its recipient is refused for good, `unavailable` for what may pass, `internal` with
// code topic_missing, aws_refused, sns_refused.
class sns_notifier final : public notifier {
 public:
    sns_notifier(sns_options options, aws::credentials_source& by, aws::http_here http, clock& time,
                 random_source& random);

    // Channel sms: to the number in `to` (+4915112345678). Any other: to the topic, with the
    // attributes message_id, channel and to, by which subscriptions filter. On a topic that keeps
    // order (….fifo) messages of one recipient stay in order, and one id is published once.
    task<result<void>> send(message what) override;

    // For a start: the topic is there and may be looked at.
    task<result<void>> check();
    // For `stoa migrate` against local servers: the topic's ARN, made if it was missing.
    task<result<std::string>> ensure_topic(std::string name);
    // For tests and local set-ups: what is published to the topic goes to this queue, as it is.
    task<result<void>> subscribe_queue(std::string queue_arn);

 private:
    task<result<std::string>> call(std::string form);

    sns_options options_;
    aws::client client_;
};

// As SNS takes it: ASCII on one line, fewer than 100 characters; others become question marks.
std::string sns_subject(std::string_view subject);

}  // namespace stoa
