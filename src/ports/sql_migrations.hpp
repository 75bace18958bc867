// Versioned schema changes, one sequence a component (service). Their statements are in the subset
// of SQL that the engines of the sql port share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stoa {

struct sql_migration {
    std::string name;  // 0001_products
    std::string text;  // one or more statements

    // Whether it changes anything on that engine (sqlite, postgres). A text whose first line is
    // `-- only: sqlite` is for that one alone; the others remember it as applied.
    bool is_for(std::string_view engine) const {
        constexpr std::string_view only = "-- only: ";
        const auto line = std::string_view(text).substr(0, text.find('\n'));
        return !line.starts_with(only) || line.substr(only.size()) == engine;
    }
};
// Version n is the n-th step. A step that was released is never changed: add another.
struct sql_component {
    std::string name;
    std::vector<sql_migration> steps;
};

}  // namespace stoa
