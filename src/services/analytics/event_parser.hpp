// Payloads to the fields that pipelines need, by simdjson. What they are is in the definitions.
#pragma once

#include "services/analytics/fingerprint.hpp"
#include "services/analytics/pipeline.hpp"

#include <array>
#include <memory>

namespace stoa::analytics {

inline constexpr std::size_t longest_field = 256;  // bytes of an id or a word

// Views are into the parser (and into what was parsed) and end with its next event.
struct parsed_event {
    std::int64_t time_ms = 0;
    std::array<std::string_view, text_fields> texts{};
    std::array<fingerprint, text_fields> prints{};  // {0, 0}: not asked for yet
    std::int64_t amount = 0, quantity = 0;

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
    explicit event_parser(const topic_definition& of);
    ~event_parser();
    event_parser(event_parser&&) noexcept;

    // `recorded_ms`: the record's own time, used where the payload has none. False: failure() says
    // why.
    bool parse(std::string_view payload, std::int64_t recorded_ms, parsed_event& out);
    const parse_failure& failure() const;

 private:
    struct machine;
    std::unique_ptr<machine> machine_;
};

}  // namespace stoa::analytics
