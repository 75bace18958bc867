// Ids are UUIDs of version 7 (RFC 9562): 48 bits of milliseconds, then random bits, so that ids of
// one process sort nearly by age and index pages stay warm. Pure: time and randomness come from the
// caller's ports.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stoa {

// 36 lower-case characters. 12 + 62 of the random bits are used.
std::string uuid_v7(timestamp now, std::uint64_t random_high, std::uint64_t random_low);

// 8-4-4-4-12 hexadecimal digits, any version. What clients send as an id is looked up only if it is
// one.
bool is_uuid(std::string_view text);

// FNV-1a, for shards and partitions: stable across versions and machines, not for untrusted hash
// tables.
constexpr std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t h = 0xcbf29ce484222325;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    // One multiply-shift round: FNV's low bits alone spread short keys unevenly.
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15;
    return h ^ (h >> 29);
}

}  // namespace stoa
