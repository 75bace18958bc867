// What the tests of the Kafka adapter share: names of their own, a store, a broker that a test may
// stop, and consumers that write down what they got.
#pragma once

#include "adapters/kafka/kafka_event_log.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "engines/engine_address.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <sys/types.h>

#include <csignal>
#include <set>

namespace stoa::testing {

constexpr topic_spec kafka_test_topics[] = {{.name = "news", .partitions = 4}};

// A prefix that no other test of any run has.
std::string new_kafka_prefix();
// The shared broker's (STOA_TEST_KAFKA), with topics of this test's own.
kafka_options kafka_test_options(const std::string& brokers = engine_address("STOA_TEST_KAFKA"));
void make_topics(const kafka_options& options);

inline event told_event(std::string key, int n, std::string payload = R"({"text":"fine"})") {
    return {.topic = "news",
            .key = key,
            .id = key + "-" + std::to_string(n),
            .type = "news.told",
            .version = n,
            .occurred_at = {1'790'000'000'000'000 + n},
            .payload = std::move(payload)};
}

// A store with the tables that an event log and its consumers need.
inline constexpr kv_table effects_table{.name = "effects", .hash = "key"};
struct kafka_test_store {
    explicit kafka_test_store(const std::string& directory);
    key_value& items() { return shop->items(); }
    system_clock time;
    std::unique_ptr<sqlite_shop> shop;
};

// A broker of the test's own: deploy/local/kafka.sh in a folder that goes with it.
class kafka_broker {
 public:
    // `properties` are lines for server.properties where PORT stands for the broker's port and
    // PORT+2 … for those behind it; `format` further words for the formatting; `java` a source
    // file, by its whole path, of classes that the properties name.
    explicit kafka_broker(std::string properties = {}, std::string format = {},
                          std::string java = {});
    ~kafka_broker();
    kafka_broker(const kafka_broker&) = delete;
    kafka_broker& operator=(const kafka_broker&) = delete;

    void start();
    void wait_until_ready();
    void stop(int how = SIGTERM);
    void send(int signal) const;
    std::string address(int behind = 0) const {
        return "127.0.0.1:" + std::to_string(port_ + behind);
    }
    int port() const { return port_; }
    const std::string& folder() const { return folder_.path(); }

 private:
    temporary_directory folder_;
    int port_ = 0;
    pid_t pid_ = 0;
    std::string format_, java_;
};

// run_until() for what changes on other threads: looks again though no handler ran.
inline bool eventually(test_loop& on, const std::function<bool()>& holds,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        on.on().run_one_for(std::chrono::milliseconds(20));
    }
    return true;
}

// Takes and acknowledges on the test's loop until it is destroyed.
class kafka_listener {
 public:
    kafka_listener(test_loop& on, event_log& log, std::string group, lane share = {});
    ~kafka_listener() { stop(); }
    void stop();

    std::vector<delivery> got;
    std::set<std::string> ids;
    // From now on a batch that comes is kept, until it may go on.
    void hold() { holds_ = true; }
    void go_on();
    bool has_one_in_hand() const { return in_hand_; }

 private:
    using steady = std::chrono::steady_clock;
    task<> run();

    test_loop& loop_;
    std::unique_ptr<subscription> from_;
    asio::cancellation_signal cancel_;
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> may_go_on_;
    bool ended_ = false, holds_ = false, in_hand_ = false;
};

}  // namespace stoa::testing
