// What AWS Lambda hands to a function, by the trigger that called it: notifications of S3, batches
// of SQS and of Amazon MSK, messages of SNS; and S3's notifications by way of SQS, of SNS, and of
// SNS to SQS. Field names and nesting are those of "Using AWS Lambda with other services" in
// Amazon's guide. Pure.
#pragma once

#include "ports/function.hpp"

#include <optional>

namespace stoa::lambda {

// `malformed`, code event_not_json or event_unknown: of no trigger that is known here;
// event_broken: of one, but not as documented. A message whose text is no notification of S3 stays
// a message: whether it is of use is its handler's to say. Other events of S3 than ObjectCreated,
// and the one that S3 sends to try a new notification, announce nothing.
result<functions::trigger> read_event(std::string_view json);

// The objects of a notification of S3; nothing where the text is none.
std::optional<std::vector<functions::object_created>> read_notification(std::string_view json);

// A key as notifications have it: percent-encoded UTF-8 with + for blanks. Nothing: ill-formed.
std::optional<std::string> read_object_key(std::string_view encoded);

// What is answered. SQS is told which messages come again, whoever else awaits nothing.
std::string write_answer(const functions::trigger& of, const functions::outcome& done);

}  // namespace stoa::lambda
