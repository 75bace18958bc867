// One byte stream to a host, for the async client. Plain TCP today; TLS is a second implementation
// behind connect_stream(). Included by this folder's client files only: it names sockets.
#pragma once

#include "runtime/task.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <compare>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace stoa::http {

// What connections are shared by.
struct origin {
    std::string scheme;  // http
    std::string host;    // a name or an address, without brackets
    std::string port;

    friend auto operator<=>(const origin&, const origin&) = default;
};

// Ends the waits of one call from outside, when its time is over: whatever waits says here how it
// is interrupted.
struct call_cut {
    bool expired = false;
    std::function<void()> interrupt = [] {};
};

class byte_stream {
 public:
    using outcome = std::pair<boost::system::error_code, std::size_t>;  // error, bytes

    virtual ~byte_stream() = default;
    virtual task<boost::system::error_code> write(std::string bytes) = 0;
    virtual task<outcome> read_some(asio::mutable_buffer room) = 0;
    // Nothing has arrived and the peer has not closed: a request may be sent.
    virtual bool quiet() = 0;
    virtual void close() = 0;  // ends the waits above with an error
};

struct connected {
    boost::system::error_code error;
    std::unique_ptr<byte_stream> stream;  // null on error
};
// Looks the name up and tries its addresses one after another.
task<connected> connect_stream(loop& on, origin to, std::shared_ptr<call_cut> cut);

}  // namespace stoa::http
