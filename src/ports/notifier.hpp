#pragma once

#include "runtime/task.hpp"

#include <string>

namespace stoa {

struct message {
    std::string id;       // made of the event's id and the channel: receivers drop a second one
    std::string channel;  // email
    std::string to;
    std::string subject;
    std::string body;  // plain text, UTF-8
};

// At least once: a message whose answer was lost is sent again under the same id.
class notifier {
 public:
    virtual ~notifier() = default;
    virtual task<result<void>> send(message what) = 0;
};

}  // namespace stoa
