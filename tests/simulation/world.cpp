#include "simulation/world.hpp"

#include <algorithm>
#include <utility>

namespace stoa::simulation {

std::uint64_t world::hold(int node, action what) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const auto at = free_slots_.back();
    free_slots_.pop_back();
    const auto id = next_order_++ << slot_bits | at;
    slots_[at] = {.id = id, .due = INT64_MAX, .node = node, .what = std::move(what)};
    return id;
}

world::slot world::take(std::uint64_t id) {
    const auto at = slot_of(id);
    free_slots_.push_back(static_cast<std::uint32_t>(at));
    return std::exchange(slots_[at], {});
}

void world::push(std::int64_t due, std::uint64_t id) {
    slots_[slot_of(id)].due = due;
    heap_.push_back({due, id});
    std::ranges::push_heap(heap_, std::greater<>());
}

std::uint64_t world::park(int node, nanos wait, action what) {
    const auto id = hold(node, std::move(what));
    push(now_.nanos + std::max<std::int64_t>(wait.count(), 0), id);
    return id;
}

std::uint64_t world::wait(int node, action what) { return hold(node, std::move(what)); }

bool world::wake(std::uint64_t id, nanos after) {
    if (slots_[slot_of(id)].id != id) return false;
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
        const auto& held = slots_[slot_of(next.id)];
        if (held.id != next.id || held.due != next.due) continue;  // dropped, or woken earlier
        auto running = take(next.id);
        now_.nanos = std::max(now_.nanos, next.due);
        ++steps_;
        running.what();
        running.what = nullptr;
        const auto node = static_cast<std::size_t>(running.node);
        if (node < loops_.size() && loops_[node]) {
            loops_[node]->restart();
            loops_[node]->poll();
        }
        if (after_step) after_step();
        return true;
    }
    return false;
}

void world::become_node(int node, loop* on) {
    const auto at = static_cast<std::size_t>(node);
    if (loops_.size() <= at) loops_.resize(at + 1);
    loops_[at] = on;
}

void world::drop(int node) {
    become_node(node, nullptr);
    std::vector<std::uint64_t> gone;
    for (const auto& each : slots_)
        if (each.id != 0 && each.node == node) gone.push_back(each.id);
    std::ranges::sort(gone);
    for (const auto id : gone)
        // Its destructor may drop or wake others: it is taken out first.
        if (slots_[slot_of(id)].id == id) take(id).what = nullptr;
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
