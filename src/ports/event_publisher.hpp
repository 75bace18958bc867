// Appending to an event log, for whoever follows none.
#pragma once

#include "ports/event_log.hpp"

namespace stoa {

// Thread rule: any loop; completions come back on the caller's loop.
class event_publisher {
 public:
    virtual ~event_publisher() = default;
    // As event_log::append.
    virtual task<result<void>> append(std::vector<event> events) = 0;
};

// That of a shop that has the whole log.
class log_publisher final : public event_publisher {
 public:
    explicit log_publisher(event_log& to) : to_(to) {}
    task<result<void>> append(std::vector<event> events) override {
        return to_.append(std::move(events));
    }

 private:
    event_log& to_;
};

}  // namespace stoa
