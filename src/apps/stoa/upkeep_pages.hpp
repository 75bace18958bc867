// What the console shows of a shop's upkeep: its dependencies, and dead letters to apply once more.
#pragma once

#include "apps/stoa/pages.hpp"
#include "transport/events/redrive.hpp"
#include "transport/http/upstream.hpp"

namespace stoa {

// A part of the shop that another process serves.
struct part_elsewhere {
    std::string name;  // order
    http::upstream* at = nullptr;
};

// GET /api/v1/readiness, for operators: what /ready tells the machine, and under `parts` what each
// of the others tells.
http::route readiness_page(std::function<std::vector<dependency>()> ask,
                           std::vector<part_elsewhere> others = {});

// GET /api/v1/dead-letters lists them; POST /api/v1/dead-letters/redrive takes a redrive_request.
// For operators: of the consumers of this process (`run`, empty where it has none) and of the
// others. One that does not answer fails the whole: what it keeps is unknown.
std::vector<http::route> dead_letter_pages(
    std::function<task<result<redrive_report>>(redrive_request)> run,
    std::vector<part_elsewhere> others = {});

}  // namespace stoa
