// What the fuzz targets share: properties that stop the run with their own words, and an input cut
// into parts.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

namespace stoa::fuzz {

// libFuzzer keeps the input of a run that aborts.
inline void must(bool holds, std::string_view what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

class input {
 public:
    input(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    bool empty() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }
    unsigned byte() {
        if (rest_.empty()) return 0;
        const auto out = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return out;
    }
    unsigned below(unsigned n) { return (byte() << 8 | byte()) % n; }
    std::uint64_t number() {
        std::uint64_t out = 0;
        for (int i = 0; i < 8; ++i) out = out << 8 | byte();
        return out;
    }
    // Up to the next line end, which is taken too.
    std::string_view line() {
        const auto end = std::min(rest_.find('\n'), rest_.size());
        const auto out = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return out;
    }
    // At most as many bytes as the next byte says.
    std::string_view piece() {
        const auto size = std::min<std::size_t>(byte(), rest_.size());
        const auto out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return out;
    }

 private:
    std::string_view rest_;
};

// A file with a path that is nowhere on the disk, for code that reads files.
class memory_file {
 public:
    explicit memory_file(std::string_view content) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
        if (file_ < 0 ||
            ::write(file_, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
            throw std::runtime_error("no file in memory can be made");
    }
    memory_file(const memory_file&) = delete;
    memory_file& operator=(const memory_file&) = delete;
    ~memory_file() { close(file_); }
    std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
    int file_;
};

}  // namespace stoa::fuzz
