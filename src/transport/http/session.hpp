// The sessions of one loop. Included by this folder's .cpp files only: it names sockets.
#pragma once

#include "runtime/deadlines.hpp"
#include "transport/http/server.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <set>

namespace stoa::http {

using socket = asio::basic_stream_socket<asio::ip::tcp, loop::executor_type>;

class session;

// Thread rule: its loop's thread, except start() and open(), which any thread may call.
class session_group {
 public:
    session_group(loop& on, limits bounds) : loop_(on), bounds_(bounds), wheel_(on) {}

    void use(handler& requests) { handler_ = &requests; }
    void start(socket connection);
    void drain();  // idle connections close, the others after their response
    void cut();    // all close now

    int open() const { return open_.load(std::memory_order_relaxed); }
    loop& on() { return loop_; }
    const limits& bounds() const { return bounds_; }
    deadline_wheel& wheel() { return wheel_; }
    handler& requests() { return *handler_; }
    bool draining() const { return draining_; }
    std::string_view date();  // the Date header's value, made once a second

 private:
    void run(socket connection);

    loop& loop_;
    limits bounds_;
    deadline_wheel wheel_;
    handler* handler_ = nullptr;
    std::set<session*> sessions_;
    std::atomic<int> open_ = 0;
    bool draining_ = false;
    std::string date_;
    std::int64_t date_s_ = 0;
};

}  // namespace stoa::http
