// A body that is kept as it comes.
#pragma once

#include "base/json.hpp"
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

// 201 with what came of it and where it stands, or the problem.
template <class Made>
task<> answer_upload(http::exchange& with, std::string request_id, result<Made> made,
                     std::string location) {
    if (!made) {
        (void)co_await with.answer(http::problem_response(made.error(), request_id));
        co_return;
    }
    http::response out{.status = 201};
    out.headers.push_back({"Location", std::move(location)});
    out.set_body(to_json(*made));
    (void)co_await with.answer(std::move(out));
}

}  // namespace stoa
