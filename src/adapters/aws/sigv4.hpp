// AWS Signature Version 4, as a header and as a presigned address. Pure: time is the caller's.
// Rules: "Signing AWS API requests" in Amazon's IAM guide; checked against the published vectors.
#pragma once

#include "base/time.hpp"
#include "ports/http_client.hpp"

#include <optional>

namespace stoa::aws {

struct credentials {
    std::string access_key_id, secret_access_key;
    std::string session_token;            // of temporary credentials
    std::optional<timestamp> expires_at;  // absent: they do not expire
    std::string source;                   // for messages: where they were found
};

struct signing_place {
    std::string service, region;
};

// S3 takes the path as it is sent and wants the body's digest as a header; the others take it
// normalised and encoded once more.
enum class path_rule : std::uint8_t { normalised, as_sent };

// The text that is signed, by its parts. `headers` are all that are signed, Host among them.
std::string canonical_request(std::string_view method, std::string_view path,
                              std::string_view query, const std::vector<http_header>& headers,
                              std::string_view body_digest, path_rule rule);

// Adds X-Amz-Date, with a token X-Amz-Security-Token, for S3 X-Amz-Content-Sha256, and
// Authorization. Every header that stands in the request is signed. `body_digest`: hexadecimal
// SHA-256, or UNSIGNED-PAYLOAD; empty: it is computed.
void sign(http_request& what, const credentials& by, const signing_place& place, timestamp at,
          path_rule rule = path_rule::normalised, std::string_view body_digest = {});

// An address that whoever holds it may use with `method`, until `lasts` has passed (a week at
// most, and never longer than temporary credentials). `body_digest`: S3 signs no body, the others
// sign an empty one.
std::string presigned(std::string_view method, std::string_view url, const credentials& by,
                      const signing_place& place, timestamp at, std::chrono::seconds lasts,
                      std::string_view body_digest = "UNSIGNED-PAYLOAD");

std::string amz_date(timestamp at);  // 20150830T123600Z

}  // namespace stoa::aws
