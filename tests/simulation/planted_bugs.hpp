// The bugs of base/planted.hpp, by the simulation that must find them.
#pragma once

#include "base/described.hpp"
#include "base/planted.hpp"

#include <vector>

namespace stoa::simulation {

constexpr auto first_window_bug = planted_bug::late_event_is_dropped;

inline std::vector<planted_bug> bugs_between(std::size_t first, std::size_t end) {
    std::vector<planted_bug> out;
    for (auto i = first; i < end; ++i) out.push_back(static_cast<planted_bug>(i));
    return out;
}
// Those of the saga and all around it: run.hpp.
inline std::vector<planted_bug> shop_bugs() {
    return bugs_between(1, static_cast<std::size_t>(first_window_bug));
}
// Those of the windows: analytics_test.cpp.
inline std::vector<planted_bug> window_bugs() {
    return bugs_between(static_cast<std::size_t>(first_window_bug),
                        type_of<planted_bug>.words.size());
}

}  // namespace stoa::simulation
