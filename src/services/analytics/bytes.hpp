// State as bytes: whole numbers of variable length, texts with their length, fingerprints as they
// are. Read back by the same version or a newer one; bytes of anybody else are refused, not
// trusted.
#pragma once

#include "services/analytics/fingerprint.hpp"

#include <optional>
#include <string>

namespace stoa::analytics {

class byte_writer {
 public:
    void number(std::int64_t n) {
        // Small magnitudes stay short, negative ones too.
        auto left = (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
        while (left >= 0x80) {
            out_ += static_cast<char>(left | 0x80);
            left >>= 7;
        }
        out_ += static_cast<char>(left);
    }
    void text(std::string_view t) {
        number(static_cast<std::int64_t>(t.size()));
        out_ += t;
    }
    void print(fingerprint f) {
        char bytes[16];
        for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(f.high >> (8 * i));
        for (int i = 0; i < 8; ++i) bytes[8 + i] = static_cast<char>(f.low >> (8 * i));
        out_.append(bytes, sizeof bytes);
    }
    // In order: equal sets are equal bytes, however they grew.
    void prints(const fingerprint_set& all);
    std::string take() { return std::move(out_); }

 private:
    std::string out_;
};

// After the first thing that cannot be, everything reads as 0 and good() is false.
class byte_reader {
 public:
    explicit byte_reader(std::string_view from) : left_(from) {}

    std::int64_t number() {
        std::uint64_t out = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (left_.empty()) return bad();
            const auto byte = static_cast<unsigned char>(left_.front());
            left_.remove_prefix(1);
            out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80)
                return static_cast<std::int64_t>(out >> 1) ^ -static_cast<std::int64_t>(out & 1);
        }
        return bad();
    }
    // How many things of at least `least` bytes follow.
    std::size_t count(std::size_t least = 1) {
        const auto n = number();
        if (n < 0 || static_cast<std::uint64_t>(n) > left_.size() / least)
            return static_cast<std::size_t>(bad());
        return static_cast<std::size_t>(n);
    }
    std::string_view text() {
        const auto size = count();
        const auto out = left_.substr(0, size);
        left_.remove_prefix(size);
        return out;
    }
    fingerprint print() {
        fingerprint out;
        if (left_.size() < 16) {
            bad();
            return {0, 1};
        }
        for (int i = 0; i < 8; ++i) out.high |= byte_at(i) << (8 * i);
        for (int i = 0; i < 8; ++i) out.low |= byte_at(8 + i) << (8 * i);
        left_.remove_prefix(16);
        if ((out.high | out.low) == 0) out.low = static_cast<std::uint64_t>(bad() + 1);
        return out;
    }
    bool good() const { return good_; }
    // For who knows better what can be.
    void refuse() { bad(); }
    bool at_end() const { return left_.empty(); }

 private:
    std::uint64_t byte_at(int i) const {
        return static_cast<unsigned char>(left_[static_cast<std::size_t>(i)]);
    }
    std::int64_t bad() {
        good_ = false;
        left_ = {};
        return 0;
    }

    std::string_view left_;
    bool good_ = true;
};

// As text that every store keeps (RFC 4648).
std::string base64(std::string_view bytes);
std::optional<std::string> read_base64(std::string_view text);

}  // namespace stoa::analytics
