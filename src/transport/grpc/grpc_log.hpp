// What gRPC says by itself, in the shop's log instead of on stderr as text.
#pragma once

namespace stoa::rpc {

// The first call counts. Thread rule: any thread.
void log_what_grpc_says();

}  // namespace stoa::rpc
