// What a shop's Kafka is: where, how to get in, and which topics it must have. Each member names
// its setting; errors name the setting too.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/event_log.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace stoa {

// What is shown instead of a password, and how long it holds.
struct kafka_token {
    std::string text;
    timestamp expires_at;
    std::string of;  // whom it stands for; for librdkafka's log
};
// May block; called on threads of librdkafka, several at once.
using kafka_token_source = std::function<result<kafka_token>()>;

// The mechanism that shows AWS's brokers a token of `token`; in Kafka's own words OAUTHBEARER.
constexpr std::string_view msk_iam = "AWS_MSK_IAM";

struct kafka_options {
    std::string brokers;  // KAFKA_BOOTSTRAP_SERVERS: host:port,host:port
    std::string protocol =
        "PLAINTEXT";  // KAFKA_SECURITY_PROTOCOL: or SSL, SASL_PLAINTEXT, SASL_SSL
    // KAFKA_SASL_MECHANISM: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, AWS_MSK_IAM
    std::string mechanism;
    std::string username, password;          // KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD
    kafka_token_source token;                // with AWS_MSK_IAM
    std::string ca_file;                     // KAFKA_SSL_CA_FILE; empty: the system's
    std::string certificate_file, key_file;  // KAFKA_SSL_CERTIFICATE_FILE, KAFKA_SSL_KEY_FILE
    std::string client_id = "stoa";          // KAFKA_CLIENT_ID
    // KAFKA_GROUP_INSTANCE_ID: of this target and replica, `order-0`. A process that is back within
    // the session timeout takes its partitions again and nobody else moves. Empty: every start is a
    // new member.
    std::string instance_id;
    // KAFKA_TOPIC_PREFIX: before the names of topics and groups, so that shops can share a cluster.
    std::string prefix;
    std::vector<topic_spec> topics;  // with their dead letters; all others are refused
    bool dead_letters = true;        // false: who only appends needs no topics for them
    int replication = 3;             // KAFKA_REPLICATION_FACTOR
    int min_insync = 2;              // KAFKA_MIN_INSYNC_REPLICAS

    milliseconds first_contact{5'000};    // how long opening waits to learn what is wrong
    milliseconds deliver_within{10'000};  // an append is acknowledged or has failed
    milliseconds ask_within{5'000};       // any other question
    milliseconds session{6'000};          // a member unheard of for so long is replaced
    milliseconds revoke_within{3'000};    // for batches in work when their partition moves
    milliseconds commit_every{500};       // at most a second
    int events_in_flight = 20'000;        // appended and not yet acknowledged
    int waiting_events = 2'000;           // of a partition, fetched before they are asked for
    int waiting_bytes = 2 * 1024 * 1024;
};

// What is wrong with them by themselves: ill-formed addresses, unknown words, files that cannot be
// read, credentials without a protocol that sends them.
result<void> check(const kafka_options& options);

// For `stoa config` and logs; the password is never in it.
std::string described(const kafka_options& options);

// librdkafka's properties that are the same for every handle, in its own names.
std::vector<std::pair<std::string, std::string>> client_properties(const kafka_options& options);

// host and port of each address of a list; nothing where one is ill-formed.
struct host_port {
    std::string host;
    int port = 0;
};
result<std::vector<host_port>> read_addresses(std::string_view list);

}  // namespace stoa
