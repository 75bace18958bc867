// The functions and what each needs: settings from the environment, engines, permissions.
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
std::span<const function_row> all_functions();
const function_row* find_function(std::string_view name);

// {"function": …, "environment": […], "permissions": […]}: what Terraform gives it. Secrets are no
// part of the environment.
std::string requirements_json(const function_row& of);

}  // namespace stoa::functions
