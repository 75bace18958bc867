// The http_client port over real sockets: HTTP/1.1, plain or in TLS, kept-alive connections shared
// by origin.
#pragma once

#include "ports/http_client.hpp"

#include <memory>

namespace stoa::http {

struct client_settings {
    std::int64_t answer_limit_bytes = 1 << 20;  // of a body
    std::size_t header_limit_bytes = 16 * 1024;
    int connections_per_origin = 64;  // in use at once; beyond: `unavailable`
    int idle_per_origin = 8;
    milliseconds idle_for{30'000};  // an unused connection is closed after it, at the next call
    std::string ca_file{};          // PEM of whom https trusts; empty: the machine's
};

// Errors of `send` by code. invalid: url_ill_formed, scheme_not_supported, request_ill_formed,
// ca_file_unreadable.
// unavailable: no_connection, connection_lost, answer_malformed, answer_too_large,
// too_many_connections. timeout: no_answer_in_time.
//
// A request is sent again by itself only where that is safe: once, when a kept-alive connection
// turned out closed before a byte of the answer came, and its method is idempotent (RFC 9110
// §9.2.2). Thread rule: its loop's thread. It must go before its loop; frames of calls may go with
// the loop, later.
class async_client final : public http_client {
 public:
    explicit async_client(loop& on, client_settings settings = {});
    ~async_client() override;
    async_client(const async_client&) = delete;
    async_client& operator=(const async_client&) = delete;

    task<result<http_response>> send(http_request what, milliseconds deadline) override;

    int idle_connections() const;

 private:
    struct state;
    std::shared_ptr<state> state_;
};

// Whether `url` is one that async_client can call: `invalid` with what to change, otherwise.
result<void> check_url(std::string_view url);

}  // namespace stoa::http
