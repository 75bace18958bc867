#include "services/analytics/cells.hpp"

#include <algorithm>
#include <numeric>

namespace stoa::analytics {

std::size_t cell_table::add(std::string_view key, fingerprint print) {
    if ((prints_.size() + 1) * 4 > slots_.size() * 3) grow();
    const auto mask = slots_.size() - 1;
    auto i = static_cast<std::size_t>(print.high) & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    keys_ += key;
    ends_.push_back(static_cast<std::uint32_t>(keys_.size()));
    prints_.push_back(print);
    slots_[i] = static_cast<std::uint32_t>(prints_.size());
    numbers_.resize(numbers_.size() + static_cast<std::size_t>(shape_.numbers));
    for (int s = 0; s < shape_.sets; ++s) sets_.emplace_back(memory_);
    sketches_.resize(sketches_.size() + static_cast<std::size_t>(shape_.sketches));
    for (int t = 0; t < shape_.tops; ++t) tops_.emplace_back(cell_layout{.numbers = 1});
    return prints_.size() - 1;
}

void cell_table::reserve_like(std::size_t cell, const cell_table& other, std::size_t others_cell) {
    for (int i = 0; i < shape_.sets; ++i) set(cell, i).reserve(other.set(others_cell, i).size());
}

void cell_table::grow() {
    slots_.assign(slots_.empty() ? 4 : slots_.size() * 2, 0);
    const auto mask = slots_.size() - 1;
    for (std::size_t cell = 0; cell < prints_.size(); ++cell) {
        auto i = static_cast<std::size_t>(prints_[cell].high) & mask;
        while (slots_[i] != 0) i = (i + 1) & mask;
        slots_[i] = static_cast<std::uint32_t>(cell + 1);
    }
}

void cell_table::add(const cell_table& all) {
    for (std::size_t from = 0; from < all.size(); ++from) add(all, from);
}

void cell_table::add(const cell_table& all, std::size_t from) {
    const auto to = find_or_add(all.key(from), all.prints_[from]);
    for (int i = 0; i < shape_.numbers; ++i)
        number(to, i) = saturated(number(to, i), all.number(from, i));
    for (int i = 0; i < shape_.sets; ++i) set(to, i).add(all.set(from, i));
    for (int i = 0; i < shape_.tops; ++i) top(to, i).add(all.top(from, i));
    for (int i = 0; i < shape_.sketches; ++i) sketch(to, i).add(all.sketch(from, i));
}

std::vector<std::size_t> cell_table::in_order() const {
    std::vector<std::size_t> out(size());
    std::iota(out.begin(), out.end(), std::size_t{0});
    std::ranges::sort(out, {}, [this](std::size_t cell) { return key(cell); });
    return out;
}

void cell_table::write(byte_writer& to) const {
    to.number(static_cast<std::int64_t>(size()));
    for (const auto cell : in_order()) {
        to.text(key(cell));
        for (int i = 0; i < shape_.numbers; ++i) to.number(number(cell, i));
        for (int i = 0; i < shape_.sets; ++i) {
            to.prints(set(cell, i));
        }
        for (int i = 0; i < shape_.tops; ++i) top(cell, i).write(to);
        for (int i = 0; i < shape_.sketches; ++i) sketch(cell, i).write(to);
    }
}

cell_table cell_table::read(byte_reader& from, cell_layout shape,
                            std::pmr::memory_resource* memory) {
    cell_table out(shape, memory);
    const auto cells = from.count();
    for (std::size_t n = 0; n < cells && from.good(); ++n) {
        const auto key = from.text();
        const auto cell = out.find_or_add(key, fingerprint_of(key));
        for (int i = 0; i < shape.numbers; ++i) out.number(cell, i) = from.number();
        for (int i = 0; i < shape.sets; ++i) {
            const auto members = from.count(16);
            out.set(cell, i).reserve(members);
            for (std::size_t m = 0; m < members; ++m) out.set(cell, i).insert(from.print());
        }
        for (int i = 0; i < shape.tops; ++i)
            out.top(cell, i) = cell_table::read(from, {.numbers = 1});
        for (int i = 0; i < shape.sketches; ++i) out.sketch(cell, i) = hyperloglog::read(from);
    }
    return out;
}

}  // namespace stoa::analytics
