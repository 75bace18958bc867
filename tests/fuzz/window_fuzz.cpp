// Windows: whatever payloads come, each is read or put out with its cause, late or counted; a state
// that was saved goes on as if nothing had been, and bytes of anybody else are refused.
#include "fuzz/fuzz.hpp"
#include "services/analytics/engine.hpp"

namespace {

using stoa::fuzz::must;
namespace a = stoa::analytics;

const a::definitions& all() {
    // The fuzzers are built without the embedded file.
    static const auto made = a::definitions::read(
        R"({"version":1,"topics":[{"name":"orders","time":"occurred_at","user":"user_id",
        "order":"order_id","word":"event_type","amount":"total_amount",
        "currency":"currency","quantity":"items_count"},
        {"name":"ecom-raw-events","time":"timestamp","user":"user_id","product":"product_id",
        "word":"event_type"}],
        "pipelines":[{"name":"v","says":"","inputs":[{"topic":"ecom-raw-events"}],
        "key":[{"name":"product_id","field":"product"}],
        "window":{"kind":"tumbling","size_ms":60000},
        "out_of_orderness_ms":10000,"allowed_lateness_ms":0,
        "aggregates":[{"name":"n","kind":"distinct","field":"user"}],"results":{}},
        {"name":"t","says":"","inputs":[{"topic":"ecom-raw-events"}],"key":[],
        "window":{"kind":"sliding","size_ms":120000,"step_ms":60000},
        "out_of_orderness_ms":0,"allowed_lateness_ms":0,
        "aggregates":[{"name":"n","kind":"top","field":"product","limit":3}],"results":{}},
        {"name":"s","says":"","inputs":[{"topic":"ecom-raw-events"}],
        "key":[{"name":"product_id","field":"product"}],"window":{"kind":"session","size_ms":60000},
        "out_of_orderness_ms":0,"allowed_lateness_ms":0,
        "aggregates":[{"name":"n","kind":"count"}],"results":{}},
        {"name":"o","says":"","inputs":[{"topic":"orders"}],
        "key":[{"name":"currency","field":"currency"}],"once_by":"order",
        "window":{"kind":"tumbling","size_ms":60000},
        "out_of_orderness_ms":10000,"allowed_lateness_ms":0,
        "aggregates":[{"name":"c","kind":"count"},{"name":"r","kind":"sum","field":"amount"},
        {"name":"m","kind":"average","of":"r","per":"c"}],"results":{}}]})");
    must(made.has_value(), "the definitions are right");
    return **made;
}

void stream(const char* topic, stoa::fuzz::input in) {
    const auto& of = *all().find_topic(topic);
    a::engine one(all(), of);
    std::vector<a::output> out;
    std::int64_t offset = 0;
    while (!in.empty()) {
        const auto line = in.line();
        const auto before = one.counts();
        // A line that begins with '!' moves time on.
        if (line.starts_with('!'))
            one.apply({offset++, "m", stoa::mark_type, line,
                       static_cast<std::int64_t>(line.size()) * 30'000},
                      out);
        else one.apply({offset++, "e", "any", line, 0}, out);
        const auto after = one.counts();
        must(after.events + after.marks == before.events + before.marks + 1, "each counts once");
        must(after.bad - before.bad <= 1 && after.late - before.late <= 1, "and has one fate");
    }
    a::engine again(all(), of);
    const auto bytes = one.save();
    must(again.restore(bytes).has_value(), "a saved state is read");
    must(again.save() == bytes, "and is what it was");
    std::vector<a::output> first, second;
    one.advance_to(253'402'300'799'999, first);
    again.advance_to(253'402'300'799'999, second);
    must(first.size() == second.size(), "and goes on in the same way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const stoa::fuzz::input in(data, size);
    stream("ecom-raw-events", in);
    stream("orders", in);
    a::engine stranger(all(), *all().find_topic("orders"));
    (void)stranger.restore(in.rest());
    std::vector<a::output> out;
    stranger.advance_to(1'000'000'000'000, out);
    return 0;
}
