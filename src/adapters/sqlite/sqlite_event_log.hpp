// The event_log port on the shop's SQLite file. The outbox is the log: an event gets its offset in
// the transaction that changes the state.
#pragma once

#include "adapters/sqlite/log_state.hpp"
#include "adapters/sqlite/sqlite_file.hpp"
#include "adapters/sqlite/sqlite_sql.hpp"
#include "ports/dead_letters.hpp"

namespace stoa {

class sqlite_event_log final : public event_log, public dead_letter_store {
 public:
    sqlite_event_log(sqlite_sql& database, sqlite_readers& readers, log_state& state)
        : database_(database), readers_(readers), state_(state) {}

    task<result<void>> append(std::vector<event> events) override;
    // Subscriptions die before the log and before the loop that waits on them; each is used on one
    // loop.
    result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                    std::vector<std::string> topics,
                                                    lane share) override;
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override;
    task<result<std::vector<topic_position>>> positions(std::string topic) override;
    task<result<std::vector<group_lag>>> lags() override;
    task<result<void>> park(delivery what, error cause, int attempts) override;
    task<result<bool>> is_parked(std::string group, std::string topic, std::string key) override;

    // For metrics, at once and from any thread: durable events since the shop began, and what
    // groups have not done.
    std::vector<std::pair<std::string, std::int64_t>> published_now();
    std::vector<group_lag> lags_now();

    task<result<std::vector<parked_key>>> parked_keys(std::string group) override;
    task<result<std::vector<dead_letter>>> dead_letters(std::string group, std::string topic,
                                                        std::string key, int max) override;
    task<result<void>> redriven(delivery what) override;

    // Deletes at most `max` events that are older than their topic's `keep` and done by every
    // group; how many.
    task<result<int>> trim(timestamp now, int max);

 private:
    friend class sqlite_subscription;
    result<std::vector<delivery>> read_now(const log_partition& of, const std::string& group,
                                           std::int64_t from, std::int64_t until, int max);
    result<std::vector<dead_letter>> dead_letters_now(const std::string& group,
                                                      const std::string& topic,
                                                      const std::string& key, int max);
    result<std::vector<parked_key>> parked_keys_now(const std::string& group);
    result<bool> is_parked_now(const std::string& group, const std::string& topic,
                               const std::string& key);

    sqlite_sql& database_;
    sqlite_readers& readers_;
    log_state& state_;
};

}  // namespace stoa
