// A notifier that sends nothing: each message goes to a mailbox file (mbox, RFC 4155, with quoted
// From_ lines), to be read with `mail -f FILE`. For a shop without a mail server, and to try one
// out.
#pragma once

#include "base/mail.hpp"
#include "ports/clock.hpp"
#include "ports/notifier.hpp"
#include "runtime/blocking_pool.hpp"

#include <cstdint>
#include <memory>

namespace stoa {

// Thread rule: any loop; the file is written on the pool, one message at a time. A mail program may
// read and rewrite the file meanwhile: it is locked and opened anew for each message.
class outbox_file final : public notifier {
 public:
    // Reads the ids of the messages that the file has (one short string each is kept) and cuts off
    // a last message that a crash left half-written. A message that would make the file longer than
    // `most_bytes` (0: as long as it gets) begins a new one, and the full one is kept as PATH.1
    // until the next is full: there are two at most, and the ids of two. Errors: unavailable, with
    // the system's reason.
    static result<std::unique_ptr<outbox_file>> open(std::string path, std::string from,
                                                     clock& time, blocking_pool& pool,
                                                     std::int64_t most_bytes = 0);

    // Durable when it returns. A message whose id the file, or the one before it, has had changes
    // nothing.
    task<result<void>> send(message what) override;

 private:
    struct shared;
    outbox_file(std::shared_ptr<shared> state, std::string from, clock& time, blocking_pool& pool)
        : state_(std::move(state)), from_(std::move(from)), time_(time), pool_(pool) {}

    std::shared_ptr<shared> state_;  // the pool's jobs may outlive this
    std::string from_;
    clock& time_;
    blocking_pool& pool_;
};

}  // namespace stoa
