// What the console shows of a shop's upkeep: its dependencies, and dead letters to apply once more.
#pragma once

#include "apps/stoa/pages.hpp"
#include "transport/events/redrive.hpp"

namespace stoa {

// GET /api/v1/readiness, for operators: what /ready tells the machine.
http::route readiness_page(std::function<std::vector<dependency>()> ask);

// GET /api/v1/dead-letters lists them; POST /api/v1/dead-letters/redrive takes a redrive_request.
// For operators, of a process that runs consumers: `stoa redrive` reaches those of others.
std::vector<http::route> dead_letter_pages(
    std::function<task<result<redrive_report>>(redrive_request)> run);

}  // namespace stoa
