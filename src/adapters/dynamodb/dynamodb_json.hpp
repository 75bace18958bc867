// Items in DynamoDB's JSON: {"id":{"S":"o1"},"n":{"N":"7"}}. Numbers are whole int64.
#pragma once

#include "base/item.hpp"
#include "base/result.hpp"

#include <simdjson.h>

namespace stoa::dynamodb {

inline constexpr int deepest = 32;  // DynamoDB's own bound on nesting

void append_attribute(std::string& out, const attribute& value);
void append_item(std::string& out, const item& from);

// `invalid`: text_not_utf8, item_too_deep. What passes can be written.
result<void> check_writable(const attribute& value);
result<void> check_writable(const item& value);

// As DynamoDB counts (names, values, and a little for each list and map).
std::size_t size_bytes(const item& of);

// `internal`, code stored_item_ill_formed, for kinds that this shop does not write: sets, bytes,
// numbers that are no int64.
result<attribute> read_attribute(simdjson::dom::element from);
result<item> read_item(simdjson::dom::object from);

}  // namespace stoa::dynamodb
