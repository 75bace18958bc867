// One byte stream to a host, for the async client: TCP, or TLS over it. Included by this folder's
// client files only: it names sockets.
#pragma once

#include "base/result.hpp"
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
    std::string scheme;  // http, https
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

// Whom TLS trusts: read once, used by every connection of a client.
class trust;
// `ca_file`: PEM; empty: the machine's. Error: `invalid`, code ca_file_unreadable.
result<std::shared_ptr<trust>> load_trust(const std::string& ca_file);

struct connected {
    boost::system::error_code error;
    std::unique_ptr<byte_stream> stream;  // null on error
    std::string why{};                    // where the error's own message does not tell enough
};
// Looks the name up and tries its addresses one after another. `by` is null for http. A certificate
// must be valid, trusted and of the host; TLS is 1.2 or newer.
task<connected> connect_stream(loop& on, origin to, std::shared_ptr<trust> by,
                               std::shared_ptr<call_cut> cut);

}  // namespace stoa::http
