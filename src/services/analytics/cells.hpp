// The aggregates of one window, a cell a key. Cells can be added to another window's (panes of a
// sliding window, shares of other partitions) and written as bytes.
#pragma once

#include "services/analytics/hyperloglog.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace stoa::analytics {

struct cell_layout {
    int numbers = 0, sets = 0, tops = 0, sketches = 0;
};

class cell_table {
 public:
    // `memory` is for its sets, and outlives it.
    explicit cell_table(cell_layout shape,
                        std::pmr::memory_resource* memory = std::pmr::new_delete_resource())
        : shape_(shape), memory_(memory) {}

    std::size_t size() const { return prints_.size(); }
    std::size_t find_or_add(std::string_view key, fingerprint print) {
        const auto found = find(print);
        return found == none ? add(key, print) : found;
    }
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::size_t find(fingerprint print) const {
        if (slots_.empty()) return none;
        const auto mask = slots_.size() - 1;
        for (auto i = static_cast<std::size_t>(print.high) & mask;; i = (i + 1) & mask) {
            const auto cell = slots_[i];
            if (cell == 0) return none;
            if (prints_[cell - 1] == print) return cell - 1;
        }
    }
    // A cell that find() does not know. References to what other cells have end with it.
    std::size_t add(std::string_view key, fingerprint print);
    // Room for as many members as that cell of another table has.
    void reserve_like(std::size_t cell, const cell_table& other, std::size_t others_cell);
    std::string_view key(std::size_t cell) const {
        const auto from = cell == 0 ? 0 : ends_[cell - 1];
        return std::string_view(keys_).substr(from, ends_[cell] - from);
    }

    std::int64_t& number(std::size_t cell, int slot) {
        return numbers_[cell * static_cast<std::size_t>(shape_.numbers) +
                        static_cast<std::size_t>(slot)];
    }
    std::int64_t number(std::size_t cell, int slot) const {
        return const_cast<cell_table*>(this)->number(cell, slot);
    }
    fingerprint_set& set(std::size_t cell, int slot) {
        return sets_[cell * static_cast<std::size_t>(shape_.sets) + static_cast<std::size_t>(slot)];
    }
    const fingerprint_set& set(std::size_t cell, int slot) const {
        return const_cast<cell_table*>(this)->set(cell, slot);
    }
    hyperloglog& sketch(std::size_t cell, int slot) {
        return sketches_[cell * static_cast<std::size_t>(shape_.sketches) +
                         static_cast<std::size_t>(slot)];
    }
    const hyperloglog& sketch(std::size_t cell, int slot) const {
        return const_cast<cell_table*>(this)->sketch(cell, slot);
    }
    // Counts by text: a table of one number.
    cell_table& top(std::size_t cell, int slot) {
        return tops_[cell * static_cast<std::size_t>(shape_.tops) + static_cast<std::size_t>(slot)];
    }
    const cell_table& top(std::size_t cell, int slot) const {
        return const_cast<cell_table*>(this)->top(cell, slot);
    }

    void add(const cell_table& all);
    void add(const cell_table& all, std::size_t cell);  // of `all`, this one
    // Cells in the order of their keys: results are in one order, however they came about.
    std::vector<std::size_t> in_order() const;
    void write(byte_writer& to) const;
    static cell_table read(byte_reader& from, cell_layout shape,
                           std::pmr::memory_resource* memory = std::pmr::new_delete_resource());

 private:
    void grow();

    cell_layout shape_;
    std::pmr::memory_resource* memory_;
    std::string keys_;  // one after another
    std::vector<std::uint32_t> ends_;
    std::vector<fingerprint> prints_;
    std::vector<std::uint32_t> slots_;  // cell + 1; 0: free
    std::vector<std::int64_t> numbers_;
    std::vector<fingerprint_set> sets_;
    std::vector<cell_table> tops_;
    std::vector<hyperloglog> sketches_;
};

// Sums that reach the end of the number range stay there.
inline std::int64_t saturated(std::int64_t a, std::int64_t b) {
    std::int64_t out;
    if (!__builtin_add_overflow(a, b, &out)) return out;
    return b < 0 ? INT64_MIN : INT64_MAX;
}

}  // namespace stoa::analytics
