// SHA-256 of what is too large to hold.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace stoa {

class sha256_digest {
 public:
    sha256_digest();
    ~sha256_digest();
    void add(std::string_view bytes);
    // Ends it: one of them, once.
    std::string bytes();  // 32
    std::string hex();    // 64 lower-case digits

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace stoa
