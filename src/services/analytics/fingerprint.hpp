// Texts as 128 bits, and sets of them: what exact distinct counts are made of. Two texts of one set
// share a fingerprint with a chance of n²/2¹²⁹, 10⁻²⁰ for a thousand million members: less than a
// memory error's.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace stoa::analytics {

struct fingerprint {
    std::uint64_t high = 0, low = 0;  // never both 0
    friend auto operator<=>(const fingerprint&, const fingerprint&) = default;
};

// The same on every machine and in every version: states hold them.
fingerprint fingerprint_of(std::string_view text);

// Open addressing, two words small. Windows with one viewer are the many.
class fingerprint_set {
 public:
    fingerprint_set() = default;
    fingerprint_set(fingerprint_set&& from) noexcept
        : slots_(std::move(from.slots_)),
          capacity_(std::exchange(from.capacity_, 0)),
          size_(std::exchange(from.size_, 0)) {}
    fingerprint_set& operator=(fingerprint_set&& from) noexcept {
        slots_ = std::move(from.slots_);
        capacity_ = std::exchange(from.capacity_, 0);
        size_ = std::exchange(from.size_, 0);
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

    std::unique_ptr<fingerprint[]> slots_;
    std::uint32_t capacity_ = 0, size_ = 0;  // capacity: a power of two
};

}  // namespace stoa::analytics
