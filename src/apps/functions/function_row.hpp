// What a function is to its host: a name, what it needs, and how it is opened.
#pragma once

#include "adapters/aws/credentials.hpp"
#include "ports/function.hpp"
#include "runtime/blocking_pool.hpp"
#include "runtime/metrics.hpp"

#include <memory>
#include <span>

namespace stoa::functions {

// What a function reads of its environment, beside what every program on AWS does (region,
// credentials, endpoints).
struct variable {
    std::string_view name;
    bool required = false;
    bool secret = false;
    std::string_view help;
};

struct host_needs {
    loop& on;
    clock& time;
    random_source& random;
    blocking_pool& pool;
    metrics& measured;
    aws::environment from;
    std::string ca_file;  // of whom https trusts; empty: the machine's
};

// A row a function. `name` is its handler's (_HANDLER).
struct function_row {
    std::string_view name;
    std::span<const variable> variables;
    std::span<const std::string_view> permissions;  // actions of IAM
    // Errors are for the user and name the variable.
    result<std::unique_ptr<function>> (*open)(const host_needs&);
};
const function_row* find_function(std::span<const function_row> rows, std::string_view name);

// {"function": …, "environment": […], "permissions": […]}: what Terraform gives it. Secrets are no
// part of the environment.
std::string requirements_json(const function_row& of);

// A variable of the function's environment; one that is empty is not set.
std::string text_of(const host_needs& host, std::string_view name, std::string otherwise = {});
result<std::string> required(const host_needs& host, std::string_view name);  // setting_missing
// AWS_ENDPOINT_URL_<service>, else AWS_ENDPOINT_URL; empty: Amazon's own.
std::string endpoint(const host_needs& host, std::string_view service);

}  // namespace stoa::functions
