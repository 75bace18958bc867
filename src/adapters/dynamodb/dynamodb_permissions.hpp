// What the adapter's calls must be allowed, by IAM's names. A transaction is allowed by its parts.
// tests/terraform compares them with the calls in these files.
#pragma once

#include <string_view>

namespace stoa::dynamodb {

// Of a table that a service reads and writes.
inline constexpr std::string_view item_actions[] = {"dynamodb:ConditionCheckItem",
                                                    "dynamodb:DeleteItem",
                                                    "dynamodb:GetItem",
                                                    "dynamodb:PutItem",
                                                    "dynamodb:Query",
                                                    "dynamodb:UpdateItem"};
// Of a table that is only read as a whole: audits.
inline constexpr std::string_view scan_actions[] = {"dynamodb:GetItem", "dynamodb:Scan"};
// Of every table: is it there, and as it must be?
inline constexpr std::string_view check_actions[] = {"dynamodb:DescribeTable"};
// `stoa migrate` where the tables stand already.
inline constexpr std::string_view migrate_actions[] = {"dynamodb:DescribeTable",
                                                       "dynamodb:DescribeTimeToLive"};
// `stoa migrate` where it makes what is missing.
inline constexpr std::string_view make_actions[] = {"dynamodb:CreateTable", "dynamodb:UpdateTable",
                                                    "dynamodb:UpdateTimeToLive"};

}  // namespace stoa::dynamodb
