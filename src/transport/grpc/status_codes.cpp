#include "transport/grpc/status_codes.hpp"

#include <grpcpp/support/status_code_enum.h>

namespace stoa::rpc {

int grpc_code(errc kind) {
    switch (kind) {
        case errc::malformed:
        case errc::invalid:
        case errc::too_large:
            return grpc::INVALID_ARGUMENT;
        case errc::unauthenticated:
            return grpc::UNAUTHENTICATED;
        case errc::forbidden:
            return grpc::PERMISSION_DENIED;
        case errc::not_found:
            return grpc::NOT_FOUND;
        case errc::declined:
        case errc::conflict:
        case errc::precondition_failed:
            return grpc::FAILED_PRECONDITION;
        case errc::rate_limited:
        case errc::storage_full:
            return grpc::RESOURCE_EXHAUSTED;
        case errc::unavailable:
            return grpc::UNAVAILABLE;
        case errc::timeout:
            return grpc::DEADLINE_EXCEEDED;
        case errc::internal:
            return grpc::INTERNAL;
    }
    return grpc::UNKNOWN;
}

errc kind_of_grpc(int code) {
    switch (code) {
        case grpc::INVALID_ARGUMENT:
        case grpc::OUT_OF_RANGE:
            return errc::invalid;
        case grpc::UNAUTHENTICATED:
            return errc::unauthenticated;
        case grpc::PERMISSION_DENIED:
            return errc::forbidden;
        case grpc::NOT_FOUND:
            return errc::not_found;
        case grpc::ALREADY_EXISTS:
        case grpc::FAILED_PRECONDITION:
            return errc::conflict;
        case grpc::RESOURCE_EXHAUSTED:
            return errc::rate_limited;
        case grpc::UNAVAILABLE:
        case grpc::ABORTED:
            return errc::unavailable;
        case grpc::DEADLINE_EXCEEDED:
        case grpc::CANCELLED:
            return errc::timeout;
        default:
            return errc::internal;
    }
}

std::string_view word_of_grpc(int code) {
    static constexpr std::string_view words[] = {"OK",
                                                 "CANCELLED",
                                                 "UNKNOWN",
                                                 "INVALID_ARGUMENT",
                                                 "DEADLINE_EXCEEDED",
                                                 "NOT_FOUND",
                                                 "ALREADY_EXISTS",
                                                 "PERMISSION_DENIED",
                                                 "RESOURCE_EXHAUSTED",
                                                 "FAILED_PRECONDITION",
                                                 "ABORTED",
                                                 "OUT_OF_RANGE",
                                                 "UNIMPLEMENTED",
                                                 "INTERNAL",
                                                 "UNAVAILABLE",
                                                 "DATA_LOSS",
                                                 "UNAUTHENTICATED"};
    const auto at = static_cast<std::size_t>(code);
    return at < std::size(words) ? words[at] : "UNKNOWN";
}

}  // namespace stoa::rpc
