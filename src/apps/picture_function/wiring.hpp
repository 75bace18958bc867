// The function that makes pictures' sizes. It comes as a container image, since libvips and its
// libraries do not fit a small zip, and is a program of its own: the others start cold without
// Kafka's client.
#pragma once

#include "apps/functions/function_row.hpp"

namespace stoa::functions {

std::span<const function_row> pictured_functions();

}  // namespace stoa::functions
