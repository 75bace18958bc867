// Whatever the bytes are: no crash, and what is read can be written and read again.
#include "base/json.hpp"
#include "base/json_check.hpp"
#include "services/order/order_api.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    stoa::orders::create_order_request value;
    const auto found =
        stoa::read_json(body, stoa::type_of<stoa::orders::create_order_request>, &value);
    if (!found.empty()) return 0;
    const auto text = stoa::to_json(value);
    if (stoa::find_json_fault(text)) std::abort();
    stoa::orders::create_order_request again;
    if (!stoa::read_json(text, stoa::type_of<stoa::orders::create_order_request>, &again).empty())
        std::abort();
    if (stoa::to_json(again) != text) std::abort();
    (void)stoa::rule_problems(value);
    return 0;
}
