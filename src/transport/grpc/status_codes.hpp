// Kinds of errors as gRPC status codes (by number: no header of gRPC's is needed to use this).
#pragma once

#include "base/result.hpp"

#include <string_view>

namespace stoa::rpc {

int grpc_code(errc kind);
// Of a peer that sent no error of ours: a proxy, or gRPC itself.
errc kind_of_grpc(int code);
// As in the names of gRPC's own codes: "OK", "NOT_FOUND".
std::string_view word_of_grpc(int code);

}  // namespace stoa::rpc
