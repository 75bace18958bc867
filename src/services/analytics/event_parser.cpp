#include "services/analytics/event_parser.hpp"

#include <simdjson.h>

#include <cstring>

namespace stoa::analytics {
namespace {

namespace od = simdjson::ondemand;

// A member of the payload that is wanted, and what for.
struct wanted {
    enum class as : std::uint8_t { text, time, amount, quantity, flag };
    std::string_view name;
    as what;
    field into{};
};

// Milliseconds of 1970 to those of 9999.
constexpr std::int64_t last_ms = 253'402'300'799'999;
// Ten million million in minor units: more is a mistake, and a thousand of them still add up.
constexpr std::int64_t largest_amount = 1'000'000'000'000'000;

std::string_view trimmed(std::string_view token) {
    const auto end = token.find_last_not_of(" \t\r\n");
    return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

int two_digits(const char* at) {
    const auto a = static_cast<unsigned>(at[0] - '0'), b = static_cast<unsigned>(at[1] - '0');
    return a > 9 || b > 9 ? -1 : static_cast<int>(a * 10 + b);
}

}  // namespace

struct event_parser::machine {
    explicit machine(const topic_definition& of) : topic(of) {
        const auto want = [&](const std::optional<std::string>& name, wanted::as what, field into) {
            if (name) members.push_back({*name, what, into});
        };
        want(of.user, wanted::as::text, field::user);
        want(of.product, wanted::as::text, field::product);
        want(of.order, wanted::as::text, field::order);
        want(of.word, wanted::as::text, field::word);
        want(of.currency, wanted::as::text, field::currency);
        want(of.time, wanted::as::time, {});
        want(of.amount, wanted::as::amount, {});
        want(of.quantity, wanted::as::quantity, {});
        want(of.word_unless, wanted::as::flag, {});
    }

    bool refuse(std::string_view code, std::string_view member, std::string_view why) {
        wrong.code = code;
        wrong.detail =
            member.empty() ? std::string(why) : std::string(member) + ": " + std::string(why);
        return false;
    }

    bool read(std::string_view payload, std::int64_t recorded_ms, parsed_event& out);
    bool read_member(const wanted& of, od::value value, parsed_event& out);
    bool read_time(od::value value, std::string_view name, parsed_event& out);
    bool read_amount(parsed_event& out);
    const wanted* find(const char* name, std::size_t& turn) const;

    const topic_definition& topic;
    std::vector<wanted> members;
    std::string buffer;  // the payload with the bytes that simdjson may read past it
    od::parser parser;
    parse_failure wrong;
    std::string_view amount_digits, own_word;
    // One second's text is read once: a stream's times repeat.
    char last_second[19] = {};
    std::int64_t last_second_ms = -1;
};

// Members mostly come in one order: the next one is looked at first. `name` is as it stands in the
// payload, up to its quote: nobody writes these names with escapes.
const wanted* event_parser::machine::find(const char* name, std::size_t& turn) const {
    auto at = turn;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto& each = members[at];
        if (++at == members.size()) at = 0;
        // The payload goes on behind the name, by the padding at the least.
        if (name[each.name.size()] != '"' ||
            std::memcmp(name, each.name.data(), each.name.size()) != 0)
            continue;
        turn = at;
        return &each;
    }
    return nullptr;
}

bool event_parser::machine::read_time(od::value value, std::string_view name, parsed_event& out) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
        // Producers of other houses write milliseconds.
        std::int64_t ms = 0;
        if (value.get_int64().get(ms) != simdjson::SUCCESS || ms < 0 || ms > last_ms)
            return refuse("time_ill_formed", name, "must be an RFC 3339 time");
        out.time_ms = ms;
        return true;
    }
    const bool plain = text.size() == 27 && text[19] == '.' && text[26] == 'Z';
    if (plain && last_second_ms >= 0 && std::memcmp(text.data(), last_second, 19) == 0) {
        const int a = two_digits(text.data() + 20), b = text[22] - '0';
        if (a >= 0 && b >= 0 && b <= 9 && two_digits(text.data() + 23) >= 0 && text[25] >= '0' &&
            text[25] <= '9') {
            out.time_ms = last_second_ms + a * 10 + b;
            return true;
        }
    }
    const auto time = read_rfc3339(text);
    if (!time || time->micros < 0)
        return refuse("time_ill_formed", name, "must be an RFC 3339 time");
    out.time_ms = time->micros / 1'000;
    if (plain) {
        std::memcpy(last_second, text.data(), 19);
        last_second_ms = out.time_ms / 1'000 * 1'000;
    }
    return true;
}

bool event_parser::machine::read_member(const wanted& of, od::value value, parsed_event& out) {
    switch (of.what) {
        case wanted::as::text: {
            std::string_view text;
            if (value.get_string().get(text) != simdjson::SUCCESS)
                return refuse("field_ill_formed", of.name, "must be text");
            if (text.empty() || text.size() > longest_field)
                return refuse("field_ill_formed", of.name, "must have 1 to 256 bytes");
            // The separator of key parts.
            if (text.find('\x1f') != std::string_view::npos)
                return refuse("field_ill_formed", of.name, "has a control character");
            out.texts[static_cast<std::size_t>(of.into)] = text;
            return true;
        }
        case wanted::as::time:
            return read_time(value, of.name, out);
        case wanted::as::amount:
            // Its digits: the currency may come later.
            if (value.type().value_unsafe() != od::json_type::number)
                return refuse("field_ill_formed", of.name, "must be a number");
            amount_digits = trimmed(value.raw_json_token());
            return true;
        case wanted::as::quantity:
            if (value.get_int64().get(out.quantity) != simdjson::SUCCESS || out.quantity < 0 ||
                out.quantity > largest_amount)
                return refuse("field_ill_formed", of.name, "must be a whole number");
            return true;
        case wanted::as::flag: {
            bool is = false;
            if (value.get_bool().get(is) != simdjson::SUCCESS)
                return refuse("field_ill_formed", of.name, "must be true or false");
            if (!is) own_word = *topic.word_otherwise;
            return true;
        }
    }
    return false;
}

bool event_parser::machine::read_amount(parsed_event& out) {
    const auto currency = read_currency(out.text(field::currency));
    if (!currency) return refuse("field_ill_formed", *topic.currency, "is no currency");
    const auto minor = read_minor(amount_digits, *currency);
    if (!minor || *minor < -largest_amount || *minor > largest_amount)
        return refuse("field_ill_formed", *topic.amount, "is no amount of its currency");
    out.amount = *minor;
    return true;
}

bool event_parser::machine::read(std::string_view payload, std::int64_t recorded_ms,
                                 parsed_event& out) {
    if (buffer.size() < payload.size() + simdjson::SIMDJSON_PADDING)
        buffer.resize(payload.size() * 2 + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer.data(), payload.data(), payload.size());
    out = {};
    out.time_ms = recorded_ms;
    amount_digits = {};
    own_word = topic.word_is ? std::string_view(*topic.word_is) : std::string_view{};

    constexpr auto no_json = "the payload is no JSON object";
    od::document document;
    od::object object;
    if (parser.iterate(buffer.data(), payload.size(), buffer.size()).get(document) !=
            simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS)
        return refuse("payload_ill_formed", {}, no_json);
    std::uint32_t seen = 0;
    std::size_t turn = 0;
    for (auto member : object) {
        simdjson::ondemand::raw_json_string name;
        od::value value;
        if (member.key().get(name) != simdjson::SUCCESS ||
            member.value().get(value) != simdjson::SUCCESS)
            return refuse("payload_ill_formed", {}, no_json);
        const auto* of = find(name.raw(), turn);
        if (!of) continue;
        const auto bit = 1U << static_cast<std::uint32_t>(of - members.data());
        if ((seen & bit) != 0) return refuse("field_ill_formed", of->name, "stands there twice");
        seen |= bit;
        if (!read_member(*of, value, out)) return false;
    }
    // What follows the object would otherwise go unseen.
    const char* end = nullptr;
    if (document.current_location().get(end) == simdjson::SUCCESS)
        return refuse("payload_ill_formed", {}, no_json);
    for (std::size_t i = 0; i < members.size(); ++i)
        if ((seen & (1U << i)) == 0) return refuse("field_missing", members[i].name, "is required");
    if (!own_word.empty()) out.texts[static_cast<std::size_t>(field::word)] = own_word;
    if (topic.amount && !read_amount(out)) return false;
    if (out.time_ms < 0 || out.time_ms > last_ms)
        return refuse("time_ill_formed", {}, "the record's time is not between 1970 and 9999");
    return true;
}

event_parser::event_parser(const topic_definition& of) : machine_(std::make_unique<machine>(of)) {}
event_parser::~event_parser() = default;
event_parser::event_parser(event_parser&&) noexcept = default;

bool event_parser::parse(std::string_view payload, std::int64_t recorded_ms, parsed_event& out) {
    return machine_->read(payload, recorded_ms, out);
}
const parse_failure& event_parser::failure() const { return machine_->wrong; }

}  // namespace stoa::analytics
