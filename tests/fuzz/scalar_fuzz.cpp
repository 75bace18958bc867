// Small texts: times, amounts, currencies, ids and traceparents. What is read is written as the
// same value, and what is written is read.
#include "base/ids.hpp"
#include "base/money.hpp"
#include "base/time.hpp"
#include "fuzz/fuzz.hpp"
#include "runtime/trace.hpp"

namespace {

using stoa::fuzz::must;

void time_text(std::string_view text) {
    const auto at = stoa::read_rfc3339(text);
    if (!at) return;
    const auto written = stoa::rfc3339(*at);
    // An offset may lead out of the years that can be written.
    if (written.size() == 27) must(stoa::read_rfc3339(written) == at, "a time comes back");
}

void amount_text(std::string_view text) {
    for (const char* code : {"USD", "JPY", "KWD"}) {
        const auto currency = *stoa::read_currency(code);
        const auto minor = stoa::read_minor(text, currency);
        if (!minor) continue;
        const auto written = stoa::money_text({*minor, currency});
        must(stoa::read_minor(written, currency) == minor, "an amount comes back");
    }
    if (const auto code = stoa::read_currency(text))
        must(code->text() == text && code->decimals() >= 0 && code->decimals() <= 4,
             "a currency is its code");
}

void amount(std::int64_t minor) {
    for (const char* code : {"USD", "JPY", "KWD"}) {
        const auto currency = *stoa::read_currency(code);
        must(stoa::read_minor(stoa::money_text({minor, currency}), currency) == minor,
             "every amount can be written and read");
    }
}

void trace_text(std::string_view text) {
    const auto at = stoa::read_traceparent(text);
    if (!at) return;
    must((at->trace_high || at->trace_low) && at->span_id, "a trace has ids");
    const auto written = stoa::write_traceparent(*at);
    must(written.size() == 55 && stoa::read_traceparent(written) == at, "a traceparent comes back");
    must(text.substr(2, 50) == written.substr(2, 50), "with the ids that were sent");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::fuzz::input in(data, size);
    const auto text = in.rest();
    time_text(text);
    amount_text(text);
    trace_text(text);
    if (stoa::is_uuid(text)) must(text.size() == 36, "an id has 36 characters");
    const auto high = in.number(), low = in.number();
    amount(static_cast<std::int64_t>(high));
    const auto id = stoa::uuid_v7({static_cast<std::int64_t>(high >> 12)}, high, low);
    must(stoa::is_uuid(id) && id[14] == '7', "an id is a UUID of version 7");
    const stoa::trace_context made{high, low | 1, high | 1, (low & 2) != 0};
    must(stoa::read_traceparent(stoa::write_traceparent(made)) == made, "a context comes back");
    return 0;
}
