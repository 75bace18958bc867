// Which keys of a group are parked and behind which dead letters, as items of the consumer's own
// store: Kafka keeps the letters, but cannot say which of them still count.
#pragma once

#include "adapters/kafka/kafka_record.hpp"
#include "ports/dead_letters.hpp"
#include "ports/key_value.hpp"

#include <map>
#include <mutex>
#include <set>

namespace stoa {

// consumer: the group. place: `key/topic/key` for a parked key, with the number of its letters;
// `letter/topic/key/partition/offset` for each of them. Long keys stand there by their hash.
inline constexpr kv_table parked_table{
    .name = "ecommerce-parked", .hash = "consumer", .range = "place"};

// One that still counts. `where` is the event's place in its own topic.
struct parked_letter {
    std::string group, topic, key, event_id;
    int partition = 0;
    std::int64_t offset = 0;
    std::int64_t letter_offset = 0;  // in `<topic>.dlq`, in the partition of the same number
    std::string code, detail;
    int attempts = 0;
    timestamp at;
};

// Thread rule: any loop.
class kafka_parking {
 public:
    explicit kafka_parking(key_value& items) : items_(items) {}

    // What the group has parked, known by heart from now on: no event costs a read, but those of
    // parked keys. `assignment` is the hub's: a newer one means reading it all again, since the
    // partitions' last owner may have parked more.
    task<result<void>> know(std::string group, std::int64_t assignment);
    void unknow(const std::string& group);
    // Without know() it asks the store.
    task<result<bool>> parked(std::string group, std::string topic, std::string key);
    // Whether this event is a letter already.
    task<result<bool>> has(std::string group, std::string topic, std::string key, int partition,
                           std::int64_t offset);
    task<result<void>> add(parked_letter one);
    // Counts another attempt on a letter.
    task<result<void>> again(parked_letter one);
    // Of one key by partition and offset; of all keys of the topic where `key` is empty.
    task<result<std::vector<parked_letter>>> letters(std::string group, std::string topic,
                                                     std::string key, int max);
    // With a key's last letter the key is unparked.
    task<result<void>> forget(std::string group, std::string topic, std::string key, int partition,
                              std::int64_t offset);
    task<result<std::vector<parked_key>>> keys(std::string group);

 private:
    struct known {
        std::int64_t assignment = -1;
        std::set<std::string> places;
    };
    std::optional<bool> by_heart(const std::string& group, const std::string& place);

    key_value& items_;
    std::mutex mutex_;
    std::map<std::string, known, std::less<>> known_;
};

}  // namespace stoa
