// A service that runs in another process. A service's remote client (services/x/x_remote.hpp)
// implements the service's api over this port, so that who calls it cannot tell; wiring decides per
// edge which transport stands behind it.
#pragma once

#include "base/context.hpp"
#include "base/described.hpp"
#include "runtime/task.hpp"

namespace stoa {

// Thread rule: a loop's own instance. Honours cancellation; context.deadline is the call's.
class remote_service {
 public:
    virtual ~remote_service() = default;

    // Asks for the rpc of that name. The caller, the request id, the trace and the idempotency key
    // travel with it; what the service noted in its context.reply is noted in the caller's. Errors
    // are those of the operation; besides, `unavailable` and `timeout`: it is unknown whether the
    // service acted.
    virtual task<result<record_box>> call(std::string_view rpc, request_context context,
                                          record_box request, const type& response) = 0;

    template <class Response, class Request>
    task<result<Response>> ask(std::string_view rpc, request_context context, Request request) {
        auto answered = co_await call(rpc, std::move(context),
                                      record_box::holding(std::move(request)), type_of<Response>);
        if (!answered) co_return std::unexpected(std::move(answered).error());
        co_return std::move(answered->template as<Response>());
    }
};

}  // namespace stoa
