#include "simulation/world.hpp"

#include <algorithm>
#include <utility>

namespace stoa::simulation {

void world::push(std::int64_t due, std::uint64_t order) {
    due_[order] = due;
    heap_.push_back({due, order});
    std::ranges::push_heap(heap_, std::greater<>());
}

std::uint64_t world::park(int node, nanos wait, action what) {
    const auto order = next_order_++;
    held_.emplace(order, held{node, std::move(what)});
    push(now_.nanos + std::max<std::int64_t>(wait.count(), 0), order);
    return order;
}

std::uint64_t world::wait(int node, action what) {
    const auto order = next_order_++;
    held_.emplace(order, held{node, std::move(what)});
    return order;
}

bool world::wake(std::uint64_t id, nanos after) {
    if (!held_.contains(id)) return false;
    push(now_.nanos + std::max<std::int64_t>(after.count(), 0), id);
    return true;
}

instant world::next_due() const {
    return heap_.empty() ? instant{INT64_MAX} : instant{heap_.front().due};
}

bool world::step() {
    while (!heap_.empty()) {
        const auto next = heap_.front();
        std::ranges::pop_heap(heap_, std::greater<>());
        heap_.pop_back();
        const auto due = due_.find(next.order);
        if (due == due_.end() || due->second != next.due) continue;  // dropped, or woken earlier
        due_.erase(due);
        const auto found = held_.find(next.order);
        if (found == held_.end()) continue;
        auto running = std::move(found->second);
        held_.erase(found);
        now_.nanos = std::max(now_.nanos, next.due);
        ++steps_;
        running.what();
        running.what = nullptr;
        const auto on = loops_.find(running.node);
        if (on != loops_.end() && on->second) {
            on->second->restart();
            on->second->poll();
        }
        if (after_step) after_step();
        return true;
    }
    return false;
}

void world::become_node(int node, loop* on) { loops_[node] = on; }

void world::drop(int node) {
    loops_[node] = nullptr;
    std::vector<std::uint64_t> gone;
    for (const auto& [order, each] : held_)
        if (each.node == node) gone.push_back(order);
    std::ranges::sort(gone);
    for (const auto order : gone) {
        // Its destructor may drop or wake others: take it out first.
        auto dying = std::move(held_.at(order));
        held_.erase(order);
        due_.erase(order);
        dying.what = nullptr;
    }
}

void world::trace(std::string_view what, std::uint64_t detail) {
    const auto mix = [this](std::uint64_t v) {
        hash_ = (hash_ ^ v) * 0x100000001b3;
        hash_ ^= hash_ >> 29;
    };
    mix(stable_hash(what));
    mix(detail);
    mix(static_cast<std::uint64_t>(now_.nanos));
    if (narrate)
        narrate(std::to_string(now_.nanos / 1'000'000) + " ms  " + std::string(what) +
                (detail ? "  " + std::to_string(detail) : ""));
}

}  // namespace stoa::simulation
