// One simulated machine room: time, chance and every wait of every node, on one thread. A seed
// decides all of it; the same seed gives the same trace.
//
// What is substituted are the ports. A port call parks its handler here; the world takes the
// earliest parked action, runs it (it posts to its node's loop) and polls that loop until it rests.
// A crash happens between two actions, in an order that never lets a handler outlive what it refers
// to (see drop()).
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "runtime/task.hpp"
#include "support/manual_clock.hpp"

#include <functional>
#include <map>
#include <string_view>
#include <vector>

namespace stoa::simulation {

using nanos = std::chrono::nanoseconds;
using action = std::move_only_function<void()>;

class world {
 public:
    explicit world(std::uint64_t seed) : chance(seed) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    // Runs `what` for the node after `wait`; dropped with the node.
    std::uint64_t park(int node, nanos wait, action what);
    // Keeps `what` until wake() or the node's end.
    std::uint64_t wait(int node, action what);
    // Runs what was parked or waits, `after` from now. False: it has run, or went with its node.
    bool wake(std::uint64_t id, nanos after);

    // The earliest action; its node's loop then runs until it rests. False: nothing is parked.
    bool step();
    // When the next action is due; the far future where there is none.
    instant next_due() const;

    instant now() const { return now_; }
    // Nothing is due before.
    void rest_until(instant moment) { now_ = std::max(now_, moment); }
    void become_node(int node, loop* on);  // null: the node is gone

    // A crash, first half: the node's parked and waiting handlers die, each posting its frame's
    // unwinding to the node's loop. The caller then destroys the loop, and the services after it.
    void drop(int node);

    // Everything that can differ between two runs goes through here.
    void trace(std::string_view what, std::uint64_t detail = 0);
    std::uint64_t trace_hash() const { return hash_; }
    std::uint64_t steps() const { return steps_; }

    bool happens(double probability) {
        return static_cast<double>(chance.next() >> 11) * 0x1.0p-53 < probability;
    }
    nanos between(nanos shortest, nanos longest) {
        return nanos(chance.between(shortest.count(), longest.count()));
    }

    testing::seeded_random chance;

    // Rare states that a run must reach, by name: see report of `sometimes`.
    void sometimes(std::string_view state) {
        const auto found = reached_.find(state);
        if (found != reached_.end()) ++found->second;
        else reached_.emplace(state, 1);
    }
    const std::map<std::string, std::uint64_t, std::less<>>& reached() const { return reached_; }

    std::function<void()> after_step;                 // checks rules; may throw
    std::function<void(const std::string&)> narrate;  // set while a seed is being shown

 private:
    // An action's id: its number, which orders what is due at one moment, and its place in slots_.
    static constexpr int slot_bits = 20;
    static std::size_t slot_of(std::uint64_t id) { return id & ((1U << slot_bits) - 1); }
    struct parked {
        std::int64_t due;
        std::uint64_t id;
        friend auto operator<=>(const parked&, const parked&) = default;
    };
    struct slot {
        std::uint64_t id = 0;  // 0: free
        std::int64_t due = 0;
        int node = 0;
        action what;
    };
    std::uint64_t hold(int node, action what);
    slot take(std::uint64_t id);
    void push(std::int64_t due, std::uint64_t id);

    instant now_{0};
    std::uint64_t next_order_ = 1, steps_ = 0, hash_ = 0xcbf29ce484222325;
    // A woken action is pushed again; what is pushed and no longer held, or due at another moment
    // since, is passed over.
    std::vector<parked> heap_;
    std::vector<slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<loop*> loops_;  // by node
    std::map<std::string, std::uint64_t, std::less<>> reached_;
};

// co_await answered<T>(w, node, [=](auto give) { … give(value) … }): the caller waits as a handler
// of its own node; `give` may be called once, from any action, and does nothing once the node is
// gone.
template <class T, class Begin>
task<T> answered(world& in, int node, Begin begin) {
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>, void(T)>(
        [&in, node](auto handler, Begin start) {
            struct slot {
                std::optional<T> value;
            };
            auto kept = std::make_shared<slot>();
            const auto where = asio::get_associated_executor(handler);
            const auto id = in.wait(node, [h = std::move(handler), kept, where]() mutable {
                asio::post(where, [h = std::move(h), v = std::move(*kept->value)]() mutable {
                    h(std::move(v));
                });
            });
            start([&in, id, weak = std::weak_ptr(kept)](T value, nanos after) {
                auto still = weak.lock();
                if (!still || still->value) return;
                still->value = std::move(value);
                in.wake(id, after);
            });
        },
        use_task, std::move(begin));
}

}  // namespace stoa::simulation
