// An outside world that remembers what it was told, or refuses it.
#pragma once

#include "ports/notifier.hpp"

#include <optional>
#include <vector>

namespace stoa::testing {

class recording_notifier final : public notifier {
 public:
    task<result<void>> send(message what) override {
        seen.push_back(what);
        if (refuse) co_return fail(*refuse);
        co_return result<void>{};
    }
    std::vector<message> seen;
    std::optional<error> refuse;
};

}  // namespace stoa::testing
