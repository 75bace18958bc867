// The gRPC server: the services of api/proto, whose methods are found by name in the operation
// tables. gRPC's threads only carry bytes; every call runs on one of the shop's loops.
#pragma once

#include "ports/clock.hpp"
#include "ports/operation.hpp"
#include "runtime/blocking_pool.hpp"
#include "runtime/loops.hpp"
#include "runtime/metrics.hpp"
#include "runtime/trace.hpp"
#include "transport/grpc/tls_identity.hpp"
#include "transport/rpc/service_tokens.hpp"

namespace stoa::rpc {

struct grpc_settings {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  // 0: a free one
    // No certificate: plain text. With an authority: only clients that show its certificates.
    tls_identity identity;
    milliseconds longest_deadline{15'000};  // of a call whose client names none, or a longer one
    int largest_message_bytes = 4 << 20;
    int in_flight = 2'000;  // calls at once; more are refused
    currency_code shop_currency;
    std::string version;  // what HealthCheck tells
};

// One service of api/proto, and where its rpcs are found: the first table with a row of the name.
struct grpc_service {
    const char* name;  // stoa.v1.OrderService
    std::vector<service> tables;
};

// What serves on one loop.
struct grpc_lane {
    std::vector<grpc_service> services;  // the same names on every loop
    // A bearer token or an API key to a principal; unauthenticated otherwise.
    std::function<task<result<principal>>(std::string)> authenticate;
};

// Thread rule: made, drained and destroyed by loop 0.
class grpc_server {
 public:
    struct needs {
        loop_set& loops;
        blocking_pool& tools;  // drain() waits there
        clock& time;
        random_source& random;
        metrics& measured;
        service_tokens& tokens;
        tracer* traces = nullptr;  // null: off
    };
    // Pairs every rpc of the services with its row and every message with its struct, and listens.
    // Errors name the rpc without a row, the member that api/proto lacks, the address that cannot
    // be had.
    static result<std::unique_ptr<grpc_server>> open(needs ports, grpc_settings settings,
                                                     std::vector<grpc_lane> by_loop);
    ~grpc_server();
    grpc_server(const grpc_server&) = delete;
    grpc_server& operator=(const grpc_server&) = delete;

    std::uint16_t port() const;
    // What grpc.health.v1 answers, for the process and for each service.
    void serving(bool is);
    // Takes no new calls, lets those in work end (at most `grace`), cancels the rest.
    task<> drain(milliseconds grace);

 private:
    struct state;
    explicit grpc_server(std::unique_ptr<state> of);
    std::unique_ptr<state> state_;
};

}  // namespace stoa::rpc
