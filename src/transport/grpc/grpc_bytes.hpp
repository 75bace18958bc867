// gRPC's byte buffers as text, and what both ends of a connection agree on. For this folder's .cpp
// files only.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <string>
#include <vector>

namespace stoa::rpc {

inline constexpr int largest_metadata_bytes = 1 << 20;

inline grpc::ByteBuffer bytes_of(const std::string& text) {
    const grpc::Slice whole(text);
    return {&whole, 1};
}

inline std::string text_of(const grpc::ByteBuffer& from) {
    std::vector<grpc::Slice> parts;
    if (!from.Dump(&parts).ok()) return {};
    std::string out;
    out.reserve(from.Length());
    for (const auto& part : parts)
        out.append(reinterpret_cast<const char*>(part.begin()), part.size());
    return out;
}

}  // namespace stoa::rpc
