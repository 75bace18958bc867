// Items as bytes in a table's body column.
#pragma once

#include "base/item.hpp"

#include <string>
#include <string_view>

namespace stoa {

// Version 1: the byte 1, then a map: varint count, then per attribute varint length, name, value. A
// value is a tag byte and its content; numbers are zigzag varints, text is length and bytes, lists
// and maps are counted.
void encode_item(std::string& out, const item& from);

// Throws sql_failure (internal, item_ill_formed): the bytes are not ours, or cut.
item decode_item(std::string_view bytes);

}  // namespace stoa
