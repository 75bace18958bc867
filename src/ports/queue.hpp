// Queues of messages for one of several receivers: what leaves the shop for others' work, beside
// the event log. At least once: receivers drop a message that they know.
#pragma once

#include "base/time.hpp"
#include "runtime/task.hpp"

#include <string>
#include <vector>

namespace stoa {

struct queue_message {
    std::string body;  // UTF-8 text, 256 KiB at most
    // Of a queue that keeps order, else empty: messages of a group come one after another, and a
    // second one of an id within five minutes is dropped.
    std::string group{}, dedup_id{};
};

struct received_message {
    std::string id, body;
    std::string receipt;  // of this receipt: stale once the message was received again
    int receives = 1;     // how often it has been handed out, this time included
};

// Thread rule: any loop. Errors: `invalid` (message), `unavailable`, `internal` with code
// queue_missing, `conflict` with code receipt_stale.
class message_queue {
 public:
    virtual ~message_queue() = default;
    // The message's id.
    virtual task<result<std::string>> send(std::string queue, queue_message what) = 0;
    // Waits up to `wait` for a first message. What comes is hidden from others for `hidden`, then
    // handed out again unless it was removed. Empty: none came. `most`: 1 to 10.
    virtual task<result<std::vector<received_message>>> receive(std::string queue, int most,
                                                                seconds wait, seconds hidden) = 0;
    // Hidden for so long from now; 0: handed out again at once.
    virtual task<result<void>> hide(std::string queue, std::string receipt, seconds hidden) = 0;
    // It is done. A message that is gone is fine.
    virtual task<result<void>> remove(std::string queue, std::string receipt) = 0;
};

}  // namespace stoa
