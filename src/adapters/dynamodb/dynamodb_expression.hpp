// The expressions of DynamoDB's requests. Names and values are always placeholders: no attribute's
// name can be a reserved word, and no value can end an expression.
#pragma once

#include "ports/key_value.hpp"

#include <map>

namespace stoa::dynamodb {

class expression {
 public:
    std::string name(std::string_view attribute_name);  // #n0
    std::string value(const attribute& of);             // :v0

    // `,"ExpressionAttributeNames":{…},"ExpressionAttributeValues":{…}`, what there is of them.
    void append_to(std::string& out) const;

 private:
    std::map<std::string, std::string, std::less<>> names_;  // by attribute
    std::string values_;
    int value_count_ = 0;
};

// Joined by AND; empty for no conditions. With the port's meaning: comparisons are false where the
// attribute is absent or of another type.
std::string condition_text(expression& in, const std::vector<condition>& conditions);
// SET … ADD … REMOVE …
std::string update_text(expression& in, const std::vector<change>& changes);
// What must hold for numbers to stay within int64: DynamoDB's own go further. Fails for text, too.
std::string addition_guard(expression& in, const std::vector<change>& changes);

// #h = :h, with the range condition. Absent: nothing can match (`between` of nothing, an empty text
// as an upper bound: DynamoDB refuses those).
std::optional<std::string> key_condition_text(expression& in, const kv_query& of,
                                              std::string_view hash, std::string_view range);

}  // namespace stoa::dynamodb
