// Whatever the bytes are: a text that is no JSON is refused, whatever type was asked for, and what
// is read can be written and read again, to the same bytes, in either naming.
#include "base/json.hpp"

#include "base/item.hpp"
#include "base/json_check.hpp"
#include "fuzz/fuzz.hpp"
#include "services/activity/activity.hpp"
#include "services/order/order_api.hpp"
#include "services/product/product_api.hpp"

namespace {

using stoa::fuzz::must;

struct everything {
    bool flag = false;
    std::int8_t small = 0;
    std::uint32_t count = 0;
    std::int64_t large = 0;
    std::string text;
    stoa::orders::order_status word{};
    stoa::money price;
    stoa::currency_code currency;
    stoa::timestamp at;
    stoa::json_text open;
    std::optional<std::int64_t> maybe;
    std::optional<std::string> words;
    std::vector<std::string> list;
    std::vector<stoa::orders::new_order_line> lines;
    std::optional<stoa::orders::new_order_line> line;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (flag, small, count, large, text, word, price, currency, at, open, maybe,
                       words, list, lines, line))

template <class T>
void round_trip(std::string_view body, stoa::naming names) {
    T value{};
    const auto found = stoa::read_json(body, stoa::type_of<T>, &value, {}, names);
    if (!found.empty()) {
        for (const auto& each : found) must(!each.code.empty(), "a problem has a code");
        return;
    }
    must(!stoa::find_json_fault(body), "what is read is JSON");
    const auto text = stoa::to_json(value, names);
    must(!stoa::find_json_fault(text), "what is written is JSON");
    T again{};
    must(stoa::read_json(text, stoa::type_of<T>, &again, {}, names).empty(),
         "what was written is read");
    must(stoa::to_json(again, names) == text, "and is the same");
    (void)stoa::rule_problems(value);
}

template <class T>
void round_trips(std::string_view body) {
    round_trip<T>(body, stoa::naming::snake);
    round_trip<T>(body, stoa::naming::camel);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    round_trips<everything>(body);
    round_trips<stoa::orders::create_order_request>(body);
    round_trips<stoa::orders::order>(body);
    round_trips<stoa::products::product>(body);
    round_trips<stoa::activities::viewer_event>(body);
    return 0;
}
