// What travels with a call between two processes of a shop, besides the request and the response:
// the caller's context on the way there, the note of how the answer departs from the plain one and
// the error on the way back. JSON text; every transport carries it in its own way.
#pragma once

#include "base/context.hpp"
#include "base/result.hpp"

namespace stoa::rpc {

// The caller, the operation with its idempotency key, conditions and the client's address. The
// deadline and the trace are the transport's own to carry.
std::string write_context(const request_context& from);
// `malformed` where the text is none of write_context's. Only a part of the shop is believed:
// check the sender's service token first.
result<void> read_context(std::string_view text, request_context& into);

std::string write_reply(const reply_note& from);  // empty where nothing was noted
result<void> read_reply(std::string_view text, reply_note& into);

std::string write_error(const error& from);
// What cannot be read becomes `internal` bad_answer.
error read_error(std::string_view text);

}  // namespace stoa::rpc
