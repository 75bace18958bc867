// A body that is kept as it comes.
#pragma once

#include "ports/blob.hpp"
#include "transport/http/message.hpp"

namespace stoa {

// The body's first bytes, enough to tell by media_of() what it is: it decides whether anything is
// kept. Fewer only where the body has no more.
task<result<std::string>> read_beginning(http::exchange& with);

// `beginning` and the rest of the body, durable and whole, or an error; nothing of a cut-off one
// stays.
task<result<blob_info>> store_upload(blob_store& into, std::string bucket, std::string key,
                                     http::exchange& with, std::string beginning);

}  // namespace stoa
