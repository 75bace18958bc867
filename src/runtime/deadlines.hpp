// One coarse wheel of deadlines a loop instead of a timer per request: arming and disarming move a
// list node.
#pragma once

#include "runtime/task.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <array>
#include <chrono>

namespace stoa {

// Something with a deadline; lives in at most one wheel. Destroying it disarms it.
class deadline_entry {
 public:
    deadline_entry() = default;
    virtual ~deadline_entry() { disarm(); }
    deadline_entry(const deadline_entry&) = delete;
    deadline_entry& operator=(const deadline_entry&) = delete;

    void disarm() {
        if (!next_) return;
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }
    bool armed() const { return next_ != nullptr; }

 protected:
    virtual void on_deadline() = 0;  // on the loop; already disarmed

 private:
    friend class deadline_wheel;
    deadline_entry* next_ = nullptr;
    deadline_entry* previous_ = nullptr;
    std::uint32_t rounds_ = 0;
};

// Thread rule: its loop's thread. Fires up to one tick late, never early.
class deadline_wheel {
 public:
    explicit deadline_wheel(loop& on);
    ~deadline_wheel();
    deadline_wheel(const deadline_wheel&) = delete;
    deadline_wheel& operator=(const deadline_wheel&) = delete;

    static constexpr std::chrono::milliseconds tick{100};
    void arm(deadline_entry& entry, std::chrono::milliseconds after);
    void stop() { timer_.cancel(); }

 private:
    struct sentinel final : deadline_entry {
        sentinel();
        void on_deadline() override {}
    };
    void schedule();
    void turn();

    using steady = std::chrono::steady_clock;
    boost::asio::basic_waitable_timer<steady, boost::asio::wait_traits<steady>, loop::executor_type>
        timer_;
    std::array<sentinel, 128> slots_;
    std::size_t now_ = 0;
};

}  // namespace stoa
