// A service of another process as a gateway sees it: requests are passed on as they came, and so
// are its answers.
#pragma once

#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "runtime/loops.hpp"
#include "transport/http/message.hpp"
#include "transport/rpc/service_tokens.hpp"

#include <optional>
#include <string>
#include <vector>

namespace stoa::http {

// Beside a request that was passed on: the service token of who did. Only then is the client's
// address, the last word of X-Forwarded-For, believed.
inline constexpr std::string_view passed_on_by = "x-stoa-passed-on-by";

// Requests are spread over the addresses; one that does not answer is left out for a second, unless
// none is left. One that takes requests and says nothing, not even to a question after its health,
// is left out as well, and what waits for it and may be asked twice is asked elsewhere. A request
// is sent again only where the first cannot have acted on it, or may do so twice: no connection
// came about, or the method or an idempotency key makes it harmless. A service that went away is
// waited for, for a while: it may be starting again. Thread rule: a loop's own instance; it
// outlives its calls.
class upstream {
 public:
    struct needs {
        loop& on;
        http_client& client;
        clock& time;
        rpc::service_tokens& tokens;
        seconds patience{8};  // with a service that went away
    };
    // `addresses`: host:port, at least one. `name`: of the service, for messages.
    upstream(std::string name, std::vector<std::string> addresses, needs ports);

    // Whatever the service answers. Errors: unavailable service_away, timeout service_silent
    // (whether it acted is unknown). `again`: it does no harm to ask twice.
    task<result<http_response>> ask(const request_context& context, const request& in, bool again);
    // Whatever the service answers, or 503 service_away, 504 service_silent.
    task<response> pass_on(request_context context, request in);
    // The same for bodies of any size, either way: nothing is kept beyond a chunk. The service is
    // listened to once the body is up.
    task<> pass_on_stream(request_context context, exchange& with);

 private:
    struct replica {
        std::string address;
        instant away_until{};
        instant heard{};      // its last answer
        bool silent = false;  // takes requests, and says nothing
        instant asked{};      // after its health
    };
    replica& choose(const replica* but);
    void note(replica& one, bool answered);
    task<> until_silent(replica& one);
    task<result<http_response>> send(replica& to, http_request what, milliseconds within,
                                     bool again);
    std::vector<http_header> headers_for(const request_context& context, const request& in);
    error away() const;
    error silent() const;
    bool waits(const request_context& context);

    std::string name_;
    std::vector<replica> replicas_;
    needs ports_;
    std::size_t turn_ = 0;
    std::optional<instant> away_since_;  // all of them
};

// The same route, answered by the service at `to`.
route passed_on(route of, upstream& to);

}  // namespace stoa::http
