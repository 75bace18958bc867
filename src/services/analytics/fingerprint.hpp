// Texts as 128 bits, and sets of them: what exact distinct counts are made of. Two texts of one set
// share a fingerprint with a chance of n²/2¹²⁹, 10⁻²⁰ for a thousand million members: less than a
// memory error's.
#pragma once

#include <compare>
#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <utility>

namespace stoa::analytics {

struct fingerprint {
    std::uint64_t high = 0, low = 0;  // never both 0
    friend auto operator<=>(const fingerprint&, const fingerprint&) = default;
};

// The same on every machine and in every version: states hold them.
fingerprint fingerprint_of(std::string_view text);

// Open addressing, three words small. Windows with one viewer are the many.
class fingerprint_set {
 public:
    // `memory` outlives it. Moved, it takes its memory along.
    explicit fingerprint_set(
        std::pmr::memory_resource* memory = std::pmr::new_delete_resource()) noexcept
        : memory_(memory) {}
    ~fingerprint_set() { give_back(slots_, capacity_); }
    fingerprint_set(fingerprint_set&& from) noexcept
        : memory_(from.memory_),
          slots_(std::exchange(from.slots_, nullptr)),
          capacity_(std::exchange(from.capacity_, 0)),
          size_(std::exchange(from.size_, 0)) {}
    fingerprint_set& operator=(fingerprint_set&& from) noexcept {
        std::swap(memory_, from.memory_);
        std::swap(slots_, from.slots_);
        std::swap(capacity_, from.capacity_);
        std::swap(size_, from.size_);
        return *this;
    }

    // False: it was there.
    bool insert(fingerprint one) {
        if ((size_ + 1) * 4 > capacity_ * 3) grow(capacity_ == 0 ? 2 : capacity_ * 2);
        const auto mask = capacity_ - 1;
        for (auto i = static_cast<std::uint32_t>(one.low) & mask;; i = (i + 1) & mask) {
            auto& slot = slots_[i];
            if (slot == one) return false;
            if ((slot.high | slot.low) != 0) continue;
            slot = one;
            ++size_;
            return true;
        }
    }
    // Room for so many: whoever knows how many come saves the copies on the way.
    void reserve(std::size_t members);
    // The place that an insert will look at: memory is slower than what comes before it.
    void prefetch(fingerprint one) const {
        if (capacity_ > 0) __builtin_prefetch(&slots_[one.low & (capacity_ - 1)], 1);
    }
    std::size_t size() const { return size_; }
    void add(const fingerprint_set& all) {
        all.each([this](fingerprint f) { insert(f); });
    }
    template <class Visit>
    void each(Visit visit) const {
        for (std::uint32_t i = 0; i < capacity_; ++i)
            if ((slots_[i].high | slots_[i].low) != 0) visit(slots_[i]);
    }

 private:
    void grow(std::uint32_t capacity);
    void give_back(fingerprint* slots, std::uint32_t capacity) noexcept {
        if (slots) memory_->deallocate(slots, capacity * sizeof *slots, alignof(fingerprint));
    }

    std::pmr::memory_resource* memory_;
    fingerprint* slots_ = nullptr;
    std::uint32_t capacity_ = 0, size_ = 0;  // capacity: a power of two
};

}  // namespace stoa::analytics
