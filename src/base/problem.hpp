// Errors as clients see them: one table from kind to HTTP status, and RFC 9457 problem documents.
// In base because a service stores the document with its idempotency key, so that a replay answers
// with the same bytes.
#pragma once

#include "base/result.hpp"

namespace stoa {

int http_status(errc kind);
std::string_view status_title(int http_status);  // Not Found

// {"type":"/problems/out_of_stock","title":…,"status":409,"code":…,"detail":…,"request_id":…,
// "errors":[…]}.
// `internal` errors show no detail: what broke is in the log under the request id.
// `status` 0: the kind's.
std::string problem_json(const error& why, std::string_view request_id, int status = 0);

}  // namespace stoa
