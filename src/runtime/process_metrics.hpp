// What Prometheus' own clients say of their process, under the same names.
#pragma once

#include "runtime/metrics.hpp"

#include <string>

namespace stoa {

// CPU, memory, open files and their limit, start time; and stoa_build_info. Read from /proc at each
// scrape; a name whose file cannot be read is not in the answer.
void add_process_metrics(metrics& to, const std::string& version, const std::string& targets);

}  // namespace stoa
