#include "services/analytics/event_parser.hpp"

#include "services/analytics/plain_event_reader.hpp"

#include <simdjson.h>

#include <cstring>

namespace stoa::analytics {
namespace {

namespace od = simdjson::ondemand;

std::string_view trimmed(std::string_view token) {
    const auto end = token.find_last_not_of(" \t\r\n");
    return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

}  // namespace

struct event_parser::machine {
    machine(const topic_definition& of, reads by)
        : topic(of),
          members(members_of(of)),
          plain(by == reads::plain_first ? std::optional(plain_event_reader(members))
                                         : std::nullopt) {}

    bool refuse(std::string_view code, std::string_view member, std::string_view why) {
        wrong.code = code;
        wrong.detail =
            member.empty() ? std::string(why) : std::string(member) + ": " + std::string(why);
        return false;
    }

    bool read(std::string_view payload, std::int64_t recorded_ms, parsed_event& out);
    bool read_general(std::string_view payload, parsed_event& out);
    bool read_member(const event_member& of, od::value value, parsed_event& out);
    bool read_time(od::value value, std::string_view name, parsed_event& out);
    bool read_amount(parsed_event& out);
    const event_member* find(const char* name, std::size_t& turn) const;

    const topic_definition& topic;
    std::vector<event_member> members;
    std::optional<plain_event_reader> plain;
    std::string buffer;  // the payload with the bytes that simdjson may read past it
    od::parser parser;
    parse_failure wrong;
    event_time_reader times;
};

// Members mostly come in one order: the next one is looked at first. `name` is as it stands in the
// payload, up to its quote: nobody writes these names with escapes.
const event_member* event_parser::machine::find(const char* name, std::size_t& turn) const {
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
    out.time_ms = times.read(text);
    if (out.time_ms < 0) return refuse("time_ill_formed", name, "must be an RFC 3339 time");
    return true;
}

bool event_parser::machine::read_member(const event_member& of, od::value value,
                                        parsed_event& out) {
    switch (of.what) {
        case event_member::as::text: {
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
        case event_member::as::time:
            return read_time(value, of.name, out);
        case event_member::as::amount:
            // Its digits: the currency may come later.
            if (value.type().value_unsafe() != od::json_type::number)
                return refuse("field_ill_formed", of.name, "must be a number");
            out.amount_text = trimmed(value.raw_json_token());
            return true;
        case event_member::as::quantity:
            if (value.get_int64().get(out.quantity) != simdjson::SUCCESS || out.quantity < 0 ||
                out.quantity > largest_amount)
                return refuse("field_ill_formed", of.name, "must be a whole number");
            return true;
        case event_member::as::flag:
            if (value.get_bool().get(out.flag) != simdjson::SUCCESS)
                return refuse("field_ill_formed", of.name, "must be true or false");
            return true;
    }
    return false;
}

bool event_parser::machine::read_amount(parsed_event& out) {
    const auto currency = read_currency(out.text(field::currency));
    if (!currency) return refuse("field_ill_formed", *topic.currency, "is no currency");
    const auto minor = read_minor(out.amount_text, *currency);
    if (!minor || *minor < -largest_amount || *minor > largest_amount)
        return refuse("field_ill_formed", *topic.amount, "is no amount of its currency");
    out.amount = *minor;
    return true;
}

bool event_parser::machine::read(std::string_view payload, std::int64_t recorded_ms,
                                 parsed_event& out) {
    if (!plain || !plain->read(payload, out)) {
        out = {};
        if (!read_general(payload, out)) return false;
    }
    auto& word = out.texts[static_cast<std::size_t>(field::word)];
    if (!out.flag) word = *topic.word_otherwise;
    else if (topic.word_is) word = *topic.word_is;
    if (topic.amount && !read_amount(out)) return false;
    if (!topic.time) out.time_ms = recorded_ms;
    if (out.time_ms < 0 || out.time_ms > last_ms)
        return refuse("time_ill_formed", {}, "the record's time is not between 1970 and 9999");
    return true;
}

bool event_parser::machine::read_general(std::string_view payload, parsed_event& out) {
    if (buffer.size() < payload.size() + simdjson::SIMDJSON_PADDING)
        buffer.resize(payload.size() * 2 + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer.data(), payload.data(), payload.size());
    // What came before must not be seen: it looks one byte past ill-formed payloads.
    std::memset(buffer.data() + payload.size(), 0, simdjson::SIMDJSON_PADDING);

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
    return true;
}

event_parser::event_parser(const topic_definition& of, reads by)
    : machine_(std::make_unique<machine>(of, by)) {}
event_parser::~event_parser() = default;
event_parser::event_parser(event_parser&&) noexcept = default;

bool event_parser::parse(std::string_view payload, std::int64_t recorded_ms, parsed_event& out) {
    return machine_->read(payload, recorded_ms, out);
}
const parse_failure& event_parser::failure() const { return machine_->wrong; }

}  // namespace stoa::analytics
