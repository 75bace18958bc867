// The queue port on SQS, by its JSON protocol.
#pragma once

#include "adapters/aws/aws_client.hpp"
#include "ports/queue.hpp"

#include <map>
#include <mutex>

namespace stoa {

struct sqs_options {
    std::string region;        // AWS_REGION
    std::string endpoint_url;  // AWS_ENDPOINT_URL_SQS, else AWS_ENDPOINT_URL; empty: Amazon's own
    std::string queue_prefix;  // before the shop's names; not before addresses
    milliseconds answer_within{30'000};
};

// For ensure_queues. A name that ends in .fifo is a queue that keeps order.
struct sqs_queue_spec {
    std::string name;
    seconds hidden{30};
    std::string dead_letters{};  // the queue for what was received too often; empty: none
    int receives = 5;
};

// A queue is named by its name or its address (SQS_QUEUE_URL). Thread rule: any loop; `http` gives
// the calling loop's client.
class sqs_queue final : public message_queue {
 public:
    sqs_queue(sqs_options options, aws::credentials_source& by, aws::http_here http, clock& time,
              random_source& random);

    task<result<std::string>> send(std::string queue, queue_message what) override;
    task<result<std::vector<received_message>>> receive(std::string queue, int most, seconds wait,
                                                        seconds hidden) override;
    task<result<void>> hide(std::string queue, std::string receipt, seconds hidden) override;
    task<result<void>> remove(std::string queue, std::string receipt) override;

    // Makes what is missing, for `stoa migrate`; dead-letter queues are named before those that use
    // them.
    task<result<void>> ensure_queues(std::vector<sqs_queue_spec> queues);
    // For a start: `internal` with code queue_missing, aws_refused.
    task<result<void>> check_queues(std::vector<std::string> queues);

 private:
    struct answer;
    task<result<answer>> call(std::string operation, std::string body, std::string queue);
    task<result<std::string>> address_of(std::string queue);
    task<result<std::string>> arn_of(std::string queue);

    sqs_options options_;
    aws::client client_;
    std::mutex mutex_;
    std::map<std::string, std::string> addresses_;  // under the mutex
};

}  // namespace stoa
