// DynamoDB's protocol (JSON 1.0): one POST a call.
#pragma once

#include "adapters/aws/aws_client.hpp"
#include "adapters/dynamodb/dynamodb_json.hpp"
#include "ports/key_value.hpp"

namespace stoa::dynamodb {

// An answer, kept with the parser that owns what it shows. Not for copies.
struct answer {
    std::unique_ptr<simdjson::dom::parser> parser;
    simdjson::dom::object root;
    int status = 0;
    aws::service_error refusal;  // status ≥ 300

    bool ok() const { return status < 300; }
};
// `internal`, code dynamodb_answer_ill_formed, where it is no JSON object.
result<answer> read_answer(const http_response& from);

task<result<answer>> call(aws::client* by, std::string operation, std::string body,
                          aws::repeats how, aws::client::wants_another again = {});

// A refusal that is not part of the port's outcomes.
std::unexpected<error> refused(const aws::service_error& why, std::string_view table,
                               const aws::client_options& at);

// Why a transaction was cancelled, a write at a time.
struct cancellation {
    std::string code, message;  // None: not because of this one
    std::optional<item> standing;
    bool passes() const;  // asked again, it may go well
};
result<std::vector<cancellation>> cancellations_of(const answer& from);

// Whether asking again may help: conflicts, and no condition that failed before one.
bool is_contended(const http_response& from);

}  // namespace stoa::dynamodb
