// Payloads of events, each read twice, by the reader of plain ones first and by simdjson alone:
// whether it is one, and each value of it, is the same.
#include "fuzz/fuzz.hpp"
#include "services/analytics/event_parser.hpp"

namespace {

using stoa::fuzz::must;
namespace a = stoa::analytics;

const a::definitions& all() {
    // The fuzzers are built without the embedded file.
    static const auto made = a::definitions::read(
        R"({"version":1,"topics":[
        {"name":"views","time":"timestamp","user":"user_id","product":"product_id",
        "word":"event_type"},
        {"name":"orders","time":"occurred_at","user":"user_id","order":"order_id",
        "word":"event_type","amount":"total_amount","currency":"currency",
        "quantity":"items_count"},
        {"name":"refunds","user":"userId","order":"orderId","word_is":"refunded",
        "word_unless":"succeeded","word_otherwise":"refund_failed","amount":"amount",
        "currency":"currency"}],"pipelines":[]})");
    must(made.has_value(), "the definitions are right");
    return **made;
}

void topic(const char* name, stoa::fuzz::input in) {
    const auto& of = *all().find_topic(name);
    a::event_parser both(of);
    while (!in.empty()) {
        // Made anew: what was read before changes nothing.
        a::event_parser general(of, a::event_parser::reads::general_only);
        const auto line = in.line();
        a::parsed_event one, other;
        const bool read = both.parse(line, 7, one);
        must(read == general.parse(line, 7, other), "both take a payload or neither does");
        if (!read) {
            must(both.failure().detail == general.failure().detail, "for one reason");
            continue;
        }
        must(one.time_ms == other.time_ms, "the time is the same");
        must(one.texts == other.texts, "the texts are the same");
        must(one.amount == other.amount && one.quantity == other.quantity, "so are the numbers");
        // States and sets hold them: where a text lies changes nothing.
        for (const auto f : {a::field::user, a::field::product, a::field::order, a::field::word,
                             a::field::currency})
            must(one.text(f).empty() || (one.print(f) == a::fingerprint_of(other.text(f)) &&
                                         other.print(f) == one.print(f)),
                 "so are the fingerprints");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const stoa::fuzz::input in(data, size);
    for (const auto* name : {"views", "orders", "refunds"}) topic(name, in);
    return 0;
}
