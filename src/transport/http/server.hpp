// The HTTP/1.1 server: Beast and sockets live in this folder's .cpp files only.
#pragma once

#include "runtime/deadlines.hpp"
#include "runtime/loops.hpp"
#include "transport/http/message.hpp"

namespace stoa::http {

struct limits {
    std::size_t body_bytes = 1 << 20;
    std::size_t header_bytes = 16 * 1024;
    std::size_t target_bytes = 8 * 1024;
    std::size_t headers = 100;
    std::chrono::milliseconds header_timeout{
        10'000};  // from the first byte, or accept, to the last header
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds idle_timeout{60'000};  // between requests of a kept-alive connection
    std::chrono::milliseconds write_timeout{30'000};
    int connections = 10'000;                // a loop; beyond: accepted and closed with 503
    std::size_t gzip_from_bytes = 8 * 1024;  // bodies at least this large, where accepted
};

// What the server asks of the rest: one object a loop.
class handler {
 public:
    virtual ~handler() = default;
    // Never throws; every outcome is a response.
    virtual task<response> handle(request) = 0;
    // Non-null where the request's route streams: the server then leaves the body unread.
    virtual const route* streams(const request& head) = 0;
    virtual task<> handle_stream(const route&, exchange&) = 0;
    // The answer to what the server does not take: unreadable, or over a limit. `head` is what is
    // known of the request; of a head that could not be read, only the address.
    virtual response refuse(const error& why, int status, const request& head) = 0;
};

// One listener spread over all loops. Thread rule: construct and stop on the main thread's loop
// (loop 0).
class server {
 public:
    server(loop_set& loops, limits bounds);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // Binds and listens at once; `handlers` has one entry a loop. Port 0 takes a free one. Errors
    // name the address and what to change.
    result<void> listen(const std::string& address, std::uint16_t port,
                        std::vector<handler*> handlers);
    std::uint16_t port() const;
    int connections() const;

    // Stops accepting, lets requests in flight end (at most `grace`), closes idle connections at
    // once and tells the others with `Connection: close`.
    task<> drain(std::chrono::milliseconds grace);

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace stoa::http
