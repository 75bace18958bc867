// An embedded store with the product service's tables.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"
#include "embedded/product_migrations.hpp"

#include <span>
#include <stdexcept>

namespace stoa::testing {

inline std::unique_ptr<sqlite_shop> open_product_store(std::string directory,
                                                       std::span<const topic_spec> topics,
                                                       clock& time) {
    sql_component component{.name = "product"};
    for (const auto& file : embedded::product_migrations())
        component.steps.push_back({std::string(file.name), std::string(file.content)});
    auto opened = sqlite_shop::open({.directory = std::move(directory),
                                     .migrations = {component},
                                     .topics = {topics.begin(), topics.end()}},
                                    time);
    if (!opened) throw std::runtime_error(opened.error().detail);
    return *std::move(opened);
}

}  // namespace stoa::testing
