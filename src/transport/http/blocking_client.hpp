// A small HTTP/1.1 client for the program's own verbs (import, audit …): one connection, plain
// http, blocking. Servers use no blocking calls.
#pragma once

#include "base/result.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

namespace stoa::http {

struct client_answer {
    int status = 0;
    std::string body;
};

// Thread rule: one thread. Errors: unavailable (cannot connect, connection lost), timeout.
class blocking_client {
 public:
    // `address` is host:port; `token` a bearer token, may be empty.
    blocking_client(std::string address, std::string token);
    ~blocking_client();

    result<client_answer> call(std::string_view method, std::string_view target,
                               std::string_view body = {});
    // Sends a file as the body; `sent` is told the bytes so far.
    result<client_answer> upload(std::string_view target, std::FILE* file, std::int64_t size_bytes,
                                 const std::function<void(std::int64_t)>& sent);
    // Writes the body to `to` as it comes. The answer's own body is filled only for errors.
    result<client_answer> download(std::string_view target, std::FILE* to);

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace stoa::http
