// Distinct counts in bounded memory, where a pipeline asks for them (`"distinct": "hll"`):
// HyperLogLog with 2¹⁴ registers and a 64-bit hash, estimated as in O. Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches" (2017), which needs no table of corrections. The
// standard error is 1.04 / √2¹⁴, 0.81 %. Up to 512 members are kept as they are and counted
// exactly.
//
// What it is depends on its members alone, not on their order or on how it was put together: equal
// sets are equal bytes, and a sum is the sketch of the union.
#pragma once

#include "services/analytics/bytes.hpp"

#include <array>
#include <memory>

namespace stoa::analytics {

class hyperloglog {
 public:
    static constexpr int precision = 14;
    static constexpr std::size_t register_count = std::size_t{1} << precision;
    static constexpr double standard_error = 1.04 / 128;  // of the count; 128 is √register_count
    // As many as take the memory of the registers.
    static constexpr std::size_t most_members = 512;
    // Whatever is counted: in memory, and nearly so as bytes.
    static constexpr std::size_t most_bytes = register_count;

    void insert(fingerprint one);
    void add(const hyperloglog& other);
    std::int64_t count() const;

    void write(byte_writer& to) const;
    // What cannot be a sketch makes the reader bad.
    static hyperloglog read(byte_reader& from);

 private:
    using registers = std::array<std::uint8_t, register_count>;
    void raise(fingerprint by);
    void condense();

    fingerprint_set few_;  // empty once there are registers
    std::unique_ptr<registers> registers_;
};

}  // namespace stoa::analytics
