#include "apps/functions/function_row.hpp"

#include "base/json.hpp"

#include <algorithm>

namespace stoa::functions {
namespace {

struct requirements {
    std::string function;
    std::vector<std::string> environment, permissions;
};
BOOST_DESCRIBE_STRUCT(requirements, (), (function, environment, permissions))

}  // namespace

std::string text_of(const host_needs& host, std::string_view name, std::string otherwise) {
    auto found = host.from(name);
    return found && !found->empty() ? *std::move(found) : std::move(otherwise);
}
result<std::string> required(const host_needs& host, std::string_view name) {
    auto found = text_of(host, name);
    if (!found.empty()) return found;
    return fail(errc::invalid, "setting_missing",
                std::string(name) + " is not set in the function's environment");
}
std::string endpoint(const host_needs& host, std::string_view service) {
    return text_of(host, "AWS_ENDPOINT_URL_" + std::string(service),
                   text_of(host, "AWS_ENDPOINT_URL"));
}

const function_row* find_function(std::span<const function_row> rows, std::string_view name) {
    const auto found = std::ranges::find(rows, name, &function_row::name);
    return found == rows.end() ? nullptr : &*found;
}

std::string requirements_json(const function_row& of) {
    requirements out{.function = std::string(of.name)};
    for (const auto& each : of.variables)
        if (each.required) out.environment.emplace_back(each.name);
    for (const auto each : of.permissions) out.permissions.emplace_back(each);
    std::ranges::sort(out.environment);
    std::ranges::sort(out.permissions);
    return to_json(out) + '\n';
}

}  // namespace stoa::functions
