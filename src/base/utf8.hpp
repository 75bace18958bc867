#pragma once

#include <string>

namespace stoa {

// For what is told of bytes from elsewhere, as names of files are. The text as it is where it is
// UTF-8; else with U+FFFD for every byte that is not ASCII.
std::string valid_utf8(std::string text);

}  // namespace stoa
