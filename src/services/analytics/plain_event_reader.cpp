#include "services/analytics/plain_event_reader.hpp"

#include <algorithm>

namespace stoa::analytics {

plain_event_reader::plain_event_reader(const std::vector<event_member>& members)
    : members_(members), all_members_((1U << members.size()) - 1) {}

bool plain_event_reader::read(std::string_view payload, event_values& out) {
    if (payload.size() < plain_json::shortest) return false;
    if (forms_[last_].read(payload, times_, out) || read_known(payload, out)) return true;
    if (!read_unknown(payload, out)) return false;
    forms_[next_].learn(payload, members_);
    last_ = next_;
    next_ = (next_ + 1) % most_forms;
    return true;
}

bool plain_event_reader::read_known(std::string_view payload, event_values& out) {
    for (std::size_t i = 1; i < most_forms; ++i) {
        const auto at = (last_ + i) % most_forms;
        if (!forms_[at].read(payload, times_, out)) continue;
        last_ = at;
        return true;
    }
    return false;
}

// The helpers are inlined here, so that the cursor stays in registers.
bool plain_event_reader::read_unknown(std::string_view payload, event_values& out) {
    plain_json from(payload);
    std::uint32_t seen = 0;
    for (bool first = true; !from.take('}'); first = false) {
        std::string_view name;
        if (!from.take(first ? '{' : ',')) return false;
        from.pass_blank();
        if (!from.take('"') || !from.take_text(name) || !from.take(':')) return false;
        from.pass_blank();
        const auto member = std::ranges::find(members_, name, &event_member::name);
        if (member == members_.end()) {
            auto behind = from;
            if (!behind.skip_value()) return false;
            from = behind;
            continue;
        }
        const auto bit = 1U << static_cast<unsigned>(member - members_.begin());
        if ((seen & bit) != 0) return false;
        seen |= bit;
        if (!read_value(from, *member, times_, out)) return false;
    }
    return from.at_end() && seen == all_members_;
}

}  // namespace stoa::analytics
