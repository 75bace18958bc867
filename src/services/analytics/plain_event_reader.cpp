#include "services/analytics/plain_event_reader.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::analytics {
namespace {

constexpr std::size_t shortest = 8, most_guessed = 32, longest_guessed = 64;

bool read_whole(std::string_view digits, std::int64_t largest, std::int64_t& out) {
    const auto* const end = digits.data() + digits.size();
    const auto [at, problem] = std::from_chars(digits.data(), end, out);
    return problem == std::errc{} && at == end && out >= 0 && out <= largest;
}

}  // namespace

plain_event_reader::plain_event_reader(const std::vector<event_member>& members)
    : members_(members), all_members_((1U << members.size()) - 1) {}

// The helpers are inlined here, so that the cursor stays in registers.
bool plain_event_reader::read(std::string_view payload, event_values& out) {
    if (payload.size() < shortest) return false;
    plain_json from(payload);
    std::uint32_t seen = 0;
    for (std::size_t place = 0; !from.take('}'); ++place) {
        int member = unknown;
        if (place < order_.size() && from.take_all(order_[place].opening)) {
            member = order_[place].member;
        } else {
            std::string_view name;
            if (!from.take(place == 0 ? '{' : ',')) return false;
            from.pass_blank();
            if (!from.take('"') || !from.take_text(name) || !from.take(':')) return false;
            member = guess_next_time(place, name);
        }
        from.pass_blank();
        if (member == unknown) {
            auto behind = from;
            if (!behind.skip_value()) return false;
            from = behind;
            continue;
        }
        const auto bit = 1U << static_cast<unsigned>(member);
        if ((seen & bit) != 0) return false;
        seen |= bit;
        if (!read_value(from, members_[static_cast<std::size_t>(member)], out)) return false;
    }
    return from.at_end() && seen == all_members_;
}

int plain_event_reader::guess_next_time(std::size_t place, std::string_view name) {
    const auto member = find(name);
    // An order without gaps, and bounded in what strangers can make us keep.
    if (place > order_.size() || place >= most_guessed || name.size() > longest_guessed)
        return member;
    if (place == order_.size()) order_.emplace_back();
    auto& of = order_[place];
    of.member = member;
    of.opening = place == 0 ? "{\"" : ",\"";
    of.opening.append(name).append("\":");
    return member;
}

[[gnu::always_inline]] inline bool plain_event_reader::read_value(plain_json& from,
                                                                  const event_member& of,
                                                                  event_values& out) {
    std::string_view text;
    switch (of.what) {
        case event_member::as::text:
            if (!from.take('"') || !from.take_text(text) || text.empty() ||
                text.size() > longest_field)
                return false;
            out.texts[static_cast<std::size_t>(of.into)] = text;
            return true;
        case event_member::as::time:
            return read_time(from, out.time_ms);
        case event_member::as::amount:
            if (!from.take_number(text)) return false;
            out.amount_text = text;
            return true;
        case event_member::as::quantity:
            return from.take_number(text) && read_whole(text, largest_amount, out.quantity);
        case event_member::as::flag:
            out.flag = from.take_all("true");
            return out.flag || from.take_all("false");
    }
    return false;
}

[[gnu::always_inline]] inline bool plain_event_reader::read_time(plain_json& from,
                                                                 std::int64_t& out) {
    std::string_view text;
    if (!from.take('"')) return from.take_number(text) && read_whole(text, last_ms, out);
    constexpr auto plain_size = event_time_reader::plain_size;
    out = times_.read_plain(from.text_of(plain_size));
    if (out >= 0) {
        from.pass_text_of(plain_size);
        return true;
    }
    return from.take_text(text) && (out = times_.read(text)) >= 0;
}

int plain_event_reader::find(std::string_view name) const {
    const auto found = std::ranges::find(members_, name, &event_member::name);
    return found == members_.end() ? unknown : static_cast<int>(found - members_.begin());
}

}  // namespace stoa::analytics
