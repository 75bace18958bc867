// A service of another process, asked by gRPC. What other services ask may be repeated by the rules
// of their apis, so a call that found nobody, or lost its connection, is made again for a while: a
// process that is started again is waited for. One that stays away is answered for at once.
#pragma once

#include "ports/clock.hpp"
#include "ports/remote.hpp"
#include "runtime/trace.hpp"
#include "transport/grpc/tls_identity.hpp"
#include "transport/rpc/service_tokens.hpp"

namespace stoa::rpc {

struct grpc_target {
    // host:port; several by commas, with hosts by their numbers: calls are spread over them, and
    // those that do not answer are left out until they do.
    std::string addresses;
    tls_identity identity;  // without an authority: plain text
};

// The connection to one target, shared by the loops of a process. Thread rule: any thread.
class grpc_connection {
 public:
    // Does not wait for the peer: one that is away is `unavailable` per call. Errors: `invalid`
    // for an address that cannot be used.
    static result<std::shared_ptr<grpc_connection>> open(const grpc_target& to);
    ~grpc_connection();
    grpc_connection(const grpc_connection&) = delete;
    grpc_connection& operator=(const grpc_connection&) = delete;

    struct state;
    state& inside() { return *state_; }

 private:
    explicit grpc_connection(std::unique_ptr<state> of);
    std::unique_ptr<state> state_;
};

// Thread rule: a loop's own; it outlives its calls.
class grpc_channel final : public remote_service {
 public:
    struct needs {
        clock& time;
        service_tokens& tokens;
        tracer* traces = nullptr;  // null: off
        seconds patience{8};       // with a service that went away
    };
    // `service`: stoa.v1.OrderService.
    grpc_channel(std::shared_ptr<grpc_connection> to, std::string service, needs ports,
                 currency_code shop);
    ~grpc_channel() override;

    task<result<record_box>> call(std::string_view rpc, request_context context, record_box request,
                                  const type& response) override;

 private:
    struct known_rpc;
    result<const known_rpc*> find(std::string_view rpc, const type& request, const type& response);

    std::shared_ptr<grpc_connection> to_;
    std::string service_;
    needs ports_;
    currency_code shop_;
    task<result<record_box>> call_once(const known_rpc& known, const request_context& context,
                                       const record_box& request, const type& response,
                                       bool& nobody);

    std::vector<std::unique_ptr<known_rpc>> known_;
    std::optional<instant> away_since_;
};

}  // namespace stoa::rpc
