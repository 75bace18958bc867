// The functions that come as zips: those of one program, which starts cold in milliseconds.
#pragma once

#include "apps/functions/function_row.hpp"

namespace stoa::functions {

std::span<const function_row> zipped_functions();

}  // namespace stoa::functions
