// A service of another process, asked by HTTP: for networks that let nothing else pass. The call is
// POST /rpc/OrderService/CreateOrder with the caller's context and the request as JSON; the answer
// is 200 with the response or the error, and the note that goes with either.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "transport/http/upstream.hpp"

#include <vector>

namespace stoa::rpc {

// OrderService, of stoa.v1.OrderService.
inline std::string_view short_name(std::string_view service) {
    return service.substr(service.rfind('.') + 1);
}

// Thread rule: a loop's own; it outlives its calls.
class http_channel final : public remote_service {
 public:
    // `service`: OrderService.
    http_channel(http::upstream& to, std::string service, currency_code shop)
        : to_(to), service_(std::move(service)), shop_(shop) {}

    task<result<record_box>> call(std::string_view rpc, request_context context, record_box request,
                                  const type& response) override;

 private:
    http::upstream& to_;
    std::string service_;
    currency_code shop_;
};

// One service and where its rpcs are found: the first table with a row of the name.
struct http_service {
    std::string name;  // OrderService
    std::vector<stoa::service> tables;
};
// The route that answers http_channel. Only parts of the shop are served: everybody else gets 403.
http::route rpc_route(std::vector<http_service> services, service_tokens& tokens,
                      currency_code shop);

}  // namespace stoa::rpc
