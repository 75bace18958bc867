// Products as one loop remembers them, and the board on which every loop of the process writes what
// it is about to change. A remembered product is served only while its place on the board is as it
// was when it was read and no change of it is under way: from before a transaction is committed
// until the one that waits for it has gone on, pages read the store. So nobody is served what is
// older than anything that the process has told already. Where other processes change products too,
// a product is remembered for a while only: a hold decides by the store anyway.
#pragma once

#include "ports/clock.hpp"
#include "services/product/product.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace stoa::products {

// Thread rule: any thread.
class change_board {
 public:
    class change;

    // What has happened at a product's place so far.
    std::uint64_t at(std::string_view product_id) const {
        return place(product_id).load(std::memory_order_acquire);
    }
    // Whether nothing was changing there.
    static bool settled(std::uint64_t mark) { return mark % one_change == 0; }
    void changed(std::string_view product_id) {
        place(product_id).fetch_add(one_change, std::memory_order_acq_rel);
    }
    void all_changed() {
        for (auto& each : places_) each.fetch_add(one_change, std::memory_order_acq_rel);
    }
    // Greater than all before. Taken inside a transaction, or before the store is read, it says
    // which of two views of a product is the later one.
    std::uint64_t next_number() { return numbers_.fetch_add(1, std::memory_order_acq_rel) + 1; }

 private:
    // A place counts changes, and below that those under way.
    static constexpr std::uint64_t one_change = 1 << 20;

    std::atomic<std::uint64_t>& place(std::string_view id) {
        return places_[std::hash<std::string_view>()(id) % places_.size()];
    }
    const std::atomic<std::uint64_t>& place(std::string_view id) const {
        return const_cast<change_board*>(this)->place(id);
    }
    std::array<std::atomic<std::uint64_t>, 4096> places_{};
    std::atomic<std::uint64_t> numbers_{0};
};

// The products that one transaction changes. Its closure owns it together with the use case that
// waits, so that it stands until both have let go of it.
class change_board::change {
 public:
    explicit change(change_board& of) : board_(of) {}
    ~change() {
        for (auto* each : places_) each->fetch_add(one_change - 1, std::memory_order_acq_rel);
    }
    change(const change&) = delete;
    change& operator=(const change&) = delete;

    // Inside the transaction, on the engine's thread; again where that is repeated.
    void touches(std::string_view product_id) {
        auto& where = board_.place(product_id);
        places_.push_back(&where);
        where.fetch_add(one_change + 1, std::memory_order_acq_rel);
        number_ = board_.next_number();
    }
    // Of the last run of the transaction, once it is over; 0 where it touched nothing.
    std::uint64_t number() const { return number_; }

 private:
    change_board& board_;
    std::uint64_t number_ = 0;
    std::vector<std::atomic<std::uint64_t>*> places_;
};

// Thread rule: one loop. Bounded: a full cache starts anew, which costs a read a product.
class product_cache {
 public:
    // `keep`: 0: until it is changed.
    product_cache(change_board& board, clock& time, seconds keep, std::size_t limit = 8192)
        : board_(board), time_(time), keep_(keep), limit_(limit) {}

    // Null: not remembered, changed since, or being changed.
    std::shared_ptr<const product> find(const std::string& id) const {
        const auto found = entries_.find(id);
        if (found == entries_.end() || found->second.seen != board_.at(id)) return nullptr;
        if (keep_ > seconds(0) && time_.ticks() >= found->second.until) return nullptr;
        return found->second.value;
    }
    // Read the mark before the store is read: a change in between then makes the entry stale at
    // once.
    std::uint64_t mark(std::string_view id) const { return board_.at(id); }
    void remember(std::shared_ptr<const product> value, std::uint64_t mark) {
        if (!change_board::settled(mark)) return;
        if (entries_.size() >= limit_) entries_.clear();
        const auto until = keep_ > seconds(0) ? time_.ticks() + keep_ : instant{};
        const auto& id = value->id;
        entries_[id] = {std::move(value), mark, until};
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
