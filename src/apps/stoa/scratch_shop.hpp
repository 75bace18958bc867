// A shop with nothing in it, in a temporary folder that goes with it: for what follows from the
// tables alone, whatever the data directory holds and whoever has it locked.
#pragma once

#include "apps/stoa/wiring.hpp"

namespace stoa {

class scratch_shop {
 public:
    static result<std::unique_ptr<scratch_shop>> open(const settings& from);
    ~scratch_shop();
    scratch_shop(const scratch_shop&) = delete;
    scratch_shop& operator=(const scratch_shop&) = delete;

    const shop* operator->() const { return shop_.get(); }

 private:
    explicit scratch_shop(std::string directory) : directory_(std::move(directory)) {}

    std::string directory_;
    std::unique_ptr<shop> shop_;
};

}  // namespace stoa
