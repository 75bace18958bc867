#include "services/analytics/payload_form.hpp"

#include <algorithm>

namespace stoa::analytics {
namespace {

// Bounds on what strangers can make us keep, and on what a payload of another form costs.
constexpr std::size_t most_steps = 64, most_inner_steps = 24;

}  // namespace

// Walks a payload that is known to be plain JSON.
class payload_form::learner {
 public:
    learner(payload_form& of, std::string_view payload) : of_(of), from_(payload) {
        begin_ = from_.at();
    }

    bool learn(const std::vector<event_member>& members) {
        for (bool first = true; !from_.take('}'); first = false) {
            std::string_view name;
            if (!from_.take(first ? '{' : ',')) return false;
            from_.pass_blank();
            if (!from_.take('"') || !from_.take_text(name) || !from_.take(':')) return false;
            from_.pass_blank();
            const auto member = std::ranges::find(members, name, &event_member::name);
            if (member != members.end()) add_member(*member);
            else add_passed();
            if (of_.steps_.size() > most_steps) return false;
        }
        add(from_.at(), step::value::end);
        return true;
    }

 private:
    using value = step::value;

    step& add(const char* end, value is) {
        constexpr std::ptrdiff_t at_once = sizeof few_bytes::text;
        for (; end - begin_ > at_once; begin_ += at_once)
            add_step({begin_, begin_ + at_once}).is = value::none;
        auto& last = add_step({begin_, end});
        last.is = is;
        begin_ = end;
        return last;
    }
    step& add_step(std::string_view bytes) {
        auto& made = of_.steps_.emplace_back();
        made.bytes = few_bytes(bytes);
        return made;
    }
    // The next bytes begin behind the value.
    void pass() {
        (void)from_.skip_value();
        begin_ = from_.at();
    }

    void add_member(const event_member& of) {
        const bool text = of.what == event_member::as::text;
        const auto quote = text ? 1 : 0;
        add(from_.at() + quote, text ? value::member_text : value::member_other).member = of;
        pass();
    }
    void add_passed() {
        if (const char c = *from_.at(); c == '{' || c == '[') return add_inner();
        add(from_.at(), value::passed);
        pass();
    }
    void add_inner() {
        add(from_.at(), value::passed_inner);
        const auto before = of_.steps_.size();
        (void)from_.skip_value();
        const char* const end = from_.at();
        for (const char* at = begin_; at < end;) at = add_inner_value(at, end);
        add(end, value::inner_end);
        const auto steps = of_.steps_.size() - before;
        if (steps > most_inner_steps) of_.steps_.resize(before);
        else of_.steps_[before - 1].inner_steps = static_cast<std::uint8_t>(steps);
    }
    // What stands at `at`, passed: names, brackets and words are bytes of the form.
    const char* add_inner_value(const char* at, const char* end) {
        if (*at == '"') {
            const char* const quote = std::find(at + 1, end, '"');
            if (quote[1] == ':') return quote + 2;
            add(at + 1, value::inner_text);
            return begin_ = quote + 1;
        }
        if (*at != '-' && (*at < '0' || *at > '9')) return at + 1;
        add(at, value::inner_number);
        return begin_ =
                   std::find_if(at, end, [](char c) { return c == ',' || c == '}' || c == ']'; });
    }

    payload_form& of_;
    plain_json from_;
    const char* begin_;  // of the bytes that no step has yet
};

void payload_form::learn(std::string_view payload, const std::vector<event_member>& members) {
    steps_.clear();
    if (!learner(*this, payload).learn(members)) steps_.clear();
}

[[gnu::always_inline]] inline bool payload_form::pass_inner(plain_json& from, const step* at) {
    for (;; ++at) {
        if (!from.take_all(at->bytes)) return false;
        std::string_view passed;
        if (at->is == step::value::inner_text) {
            if (!from.take_text(passed)) return false;
        } else if (at->is == step::value::inner_number) {
            if (!from.take_number(passed)) return false;
        } else if (at->is == step::value::inner_end) {
            return true;
        }
    }
}

bool payload_form::read(std::string_view payload, event_time_reader& times,
                        event_values& out) const {
    if (steps_.empty()) return false;
    plain_json from(payload);
    for (const auto* at = steps_.data();; ++at) {
        if (!from.take_all(at->bytes)) return false;
        std::string_view text;
        switch (at->is) {
            case step::value::member_text:
                if (!from.take_text(text) || text.empty() || text.size() > longest_field)
                    return false;
                out.texts[static_cast<std::size_t>(at->member.into)] = text;
                break;
            case step::value::member_other:
                if (!read_value(from, at->member, times, out)) return false;
                break;
            case step::value::passed: {
                auto behind = from;
                if (behind.take('"') ? !behind.take_text(text) : !behind.skip_value()) return false;
                from = behind;
                break;
            }
            case step::value::passed_inner: {
                auto behind = from;
                if (at->inner_steps > 0 && pass_inner(behind, at + 1)) {
                    from = behind;
                } else {
                    auto general = from;
                    if (!general.skip_value()) return false;
                    from = general;
                }
                at += at->inner_steps;
                break;
            }
            case step::value::none:
                break;
            case step::value::inner_text:
            case step::value::inner_number:
            case step::value::inner_end:
            case step::value::end:
                return from.at_end();
        }
    }
}

}  // namespace stoa::analytics
