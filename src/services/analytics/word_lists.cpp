#include "services/analytics/word_lists.hpp"

#include <algorithm>

namespace stoa::analytics {

void word_lists::look_up(std::string_view word) {
    const auto found = std::ranges::find(known_, word, &known_word::text);
    at_ = static_cast<std::size_t>(found - known_.begin());
    if (found != known_.end()) return;
    if (known_.size() < most_known) {
        known_.emplace_back();
    } else {
        at_ = oldest_;
        oldest_ = (oldest_ + 1) % most_known;
    }
    auto& made = known_[at_];
    made.text = word;
    made.in.clear();
    for (const auto* each : lists_)
        made.in.push_back(std::ranges::find(*each, word) != each->end());
}

}  // namespace stoa::analytics
