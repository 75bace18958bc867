// Payloads to the fields that pipelines need; what they are is in the definitions. Those in the
// form that producers write mostly are read where they lie (plain_event_reader.hpp), all others by
// simdjson: what comes out is the same.
#pragma once

#include "services/analytics/event_members.hpp"
#include "services/analytics/fingerprint.hpp"

#include <memory>

namespace stoa::analytics {

// Views are into the parser (and into what was parsed) and end with its next event.
struct parsed_event : event_values {
    std::array<fingerprint, text_fields> prints{};  // {0, 0}: not asked for yet
    std::int64_t amount = 0;                        // in minor units

    std::string_view text(field f) const { return texts[static_cast<std::size_t>(f)]; }
    std::int64_t number(field f) const { return f == field::amount ? amount : quantity; }
    fingerprint print(field f) {
        auto& out = prints[static_cast<std::size_t>(f)];
        if ((out.high | out.low) == 0) out = fingerprint_of(text(f));
        return out;
    }
};

// What was wrong with a payload: a code for machines and a sentence.
struct parse_failure {
    std::string code, detail;
};

// Thread rule: one thread. Keeps its buffers.
class event_parser {
 public:
    enum class reads : std::uint8_t { plain_first, general_only };
    explicit event_parser(const topic_definition& of, reads by = reads::plain_first);
    ~event_parser();
    event_parser(event_parser&&) noexcept;

    // `recorded_ms`: the record's own time, used where the payload has none. `out` is fresh. False:
    // failure() says why.
    bool parse(std::string_view payload, std::int64_t recorded_ms, parsed_event& out);
    const parse_failure& failure() const;

 private:
    struct machine;
    std::unique_ptr<machine> machine_;
};

}  // namespace stoa::analytics
