#include "services/analytics/hyperloglog.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

// The same count on every machine: no machine may join a product and a sum into one rounding.
#pragma clang fp contract(off)

namespace stoa::analytics {
namespace {

constexpr int rank_bits = 64 - hyperloglog::precision;  // of the hash, behind the register's number
constexpr int highest_rank = rank_bits + 1;             // no bit of them is set
constexpr std::int64_t as_members = 0, as_registers = 1;

// σ and τ of the paper: what registers that are still 0, and those that are full, stand for. Both
// loops end where another step no longer changes the sum.
double empty_part(double x) {
    if (x == 1) return std::numeric_limits<double>::infinity();
    double y = 1, z = x;
    for (double before = -1; z != before; y += y) {
        x *= x;
        before = z;
        z += x * y;
    }
    return z;
}
double full_part(double x) {
    if (x == 0 || x == 1) return 0;
    double y = 1, z = 1 - x;
    for (double before = -1; z != before;) {
        x = std::sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    }
    return z / 3;
}

}  // namespace

void hyperloglog::insert(fingerprint one) {
    if (registers_) return raise(one);
    few_.insert(one);
    if (few_.size() > most_members) condense();
}

void hyperloglog::raise(fingerprint by) {
    // The guard bit ends the run of zeros where all others are 0.
    const auto rest = by.high << precision | std::uint64_t{1} << (precision - 1);
    const auto rank = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
    auto& place = (*registers_)[by.high >> rank_bits];
    place = std::max(place, rank);
}

void hyperloglog::condense() {
    registers_ = std::make_unique<registers>();
    few_.each([this](fingerprint f) { raise(f); });
    few_ = fingerprint_set();
}

void hyperloglog::add(const hyperloglog& other) {
    if (!other.registers_) {
        other.few_.each([this](fingerprint f) { insert(f); });
        return;
    }
    if (!registers_) condense();
    for (std::size_t i = 0; i < register_count; ++i)
        (*registers_)[i] = std::max((*registers_)[i], (*other.registers_)[i]);
}

std::int64_t hyperloglog::count() const {
    if (!registers_) return static_cast<std::int64_t>(few_.size());
    std::array<int, highest_rank + 1> with_rank{};
    for (const auto each : *registers_) ++with_rank[each];
    constexpr auto m = static_cast<double>(register_count);
    double z = m * full_part(1 - with_rank[highest_rank] / m);
    for (int rank = rank_bits; rank >= 1; --rank)
        z = 0.5 * (z + with_rank[static_cast<std::size_t>(rank)]);
    z += m * empty_part(with_rank[0] / m);
    return std::llround(m * m / (2 * std::numbers::ln2 * z));
}

void hyperloglog::write(byte_writer& to) const {
    to.number(registers_ ? as_registers : as_members);
    if (!registers_) return to.prints(few_);
    to.text({reinterpret_cast<const char*>(registers_->data()), register_count});
}

hyperloglog hyperloglog::read(byte_reader& from) {
    hyperloglog out;
    const auto form = from.number();
    if (form == as_members) {
        const auto members = from.count(16);
        if (members > most_members) from.refuse();
        for (std::size_t i = 0; i < members && from.good(); ++i) out.few_.insert(from.print());
        if (out.few_.size() != members) from.refuse();  // one stood there twice
        return out;
    }
    const auto bytes = from.text();
    if (form != as_registers || bytes.size() != register_count) {
        from.refuse();
        return out;
    }
    out.registers_ = std::make_unique<registers>();
    for (std::size_t i = 0; i < register_count; ++i) {
        const auto rank = static_cast<std::uint8_t>(bytes[i]);
        if (rank > highest_rank) {
            from.refuse();
            return {};
        }
        (*out.registers_)[i] = rank;
    }
    return out;
}

}  // namespace stoa::analytics
