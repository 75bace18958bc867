// What an AWS service says when it refuses, in JSON or XML.
#pragma once

#include "ports/http_client.hpp"

namespace stoa::aws {

struct service_error {
    int status = 0;
    std::string code;  // ConditionalCheckFailedException, NoSuchKey …: without a namespace
    std::string message;
};
// Of an answer whose status is not 2xx. The code is empty where the body is not a service's.
service_error read_error(const http_response& from);

// What a refusal means for whoever asked.
enum class refusal : std::uint8_t {
    throttled,    // nothing happened: later
    unknown,      // a failure inside the service: it may have acted
    credentials,  // expired: with new ones again
    forbidden,    // wrong credentials, region or rights: a person must act
    other,        // of the operation itself
};
refusal meaning_of(const service_error& why);

// `internal`, code `aws_refused`, with the settings that may be wrong.
error forbidden_error(const service_error& why, std::string_view service, std::string_view region,
                      std::string_view credentials_source);

// The text of the first element of this name, its entities resolved; empty where there is none.
// Enough for the flat answers of STS, S3, SQS and SNS.
std::string xml_text(std::string_view document, std::string_view element);
// The inner text of every element of this name that is not inside another of the same name.
std::vector<std::string_view> xml_elements(std::string_view document, std::string_view element);
std::string xml_escaped(std::string_view text);

}  // namespace stoa::aws
