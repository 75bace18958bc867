// Products as one loop remembers them, and the board on which every loop of the process writes what
// it changed. A remembered product is served only while its place on the board has not moved since
// it was read, so `stock` is no older than the last commit that its loop has gone on from. Where
// other processes change products too, it is remembered for a while only: a hold decides by the
// store anyway.
#pragma once

#include "ports/clock.hpp"
#include "services/product/product.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace stoa::products {

// Thread rule: any thread.
class change_board {
 public:
    std::uint64_t at(std::string_view product_id) const {
        return place(product_id).load(std::memory_order_acquire);
    }
    void changed(std::string_view product_id) {
        place(product_id).fetch_add(1, std::memory_order_acq_rel);
    }
    void all_changed() {
        for (auto& each : places_) each.fetch_add(1, std::memory_order_acq_rel);
    }

 private:
    std::atomic<std::uint64_t>& place(std::string_view id) {
        return places_[std::hash<std::string_view>()(id) % places_.size()];
    }
    const std::atomic<std::uint64_t>& place(std::string_view id) const {
        return const_cast<change_board*>(this)->place(id);
    }
    std::array<std::atomic<std::uint64_t>, 4096> places_{};
};

// Thread rule: one loop. Bounded: a full cache starts anew, which costs a read a product.
class product_cache {
 public:
    // `keep`: 0: until it is changed.
    product_cache(change_board& board, clock& time, seconds keep, std::size_t limit = 8192)
        : board_(board), time_(time), keep_(keep), limit_(limit) {}

    // Null: not remembered, or changed since.
    std::shared_ptr<const product> find(const std::string& id) const {
        const auto found = entries_.find(id);
        if (found == entries_.end() || found->second.seen != board_.at(id)) return nullptr;
        if (keep_ > seconds(0) && time_.ticks() >= found->second.until) return nullptr;
        return found->second.value;
    }
    // Read the mark before the store is read: a change in between then makes the entry stale at
    // once.
    std::uint64_t mark(std::string_view id) const { return board_.at(id); }
    void remember(product value, std::uint64_t mark) {
        if (entries_.size() >= limit_) entries_.clear();
        auto id = value.id;
        const auto until = keep_ > seconds(0) ? time_.ticks() + keep_ : instant{};
        entries_[std::move(id)] = {std::make_shared<const product>(std::move(value)), mark, until};
    }

 private:
    struct entry {
        std::shared_ptr<const product> value;
        std::uint64_t seen = 0;
        instant until{};
    };
    change_board& board_;
    clock& time_;
    seconds keep_;
    std::size_t limit_;
    std::unordered_map<std::string, entry> entries_;
};

}  // namespace stoa::products
