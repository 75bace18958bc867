// Versioned schema changes, one sequence a component (service). Their statements are in the subset
// of SQL that the engines of the sql port share.
#pragma once

#include <string>
#include <vector>

namespace stoa {

struct sql_migration {
    std::string name;  // 0001_products
    std::string text;  // one or more statements
};
// Version n is the n-th step. A step that was released is never changed: add another.
struct sql_component {
    std::string name;
    std::vector<sql_migration> steps;
};

}  // namespace stoa
