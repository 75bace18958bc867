#include "transport/grpc/protos.hpp"

#include <google/protobuf/descriptor.h>

namespace stoa::rpc {

// stoa_proto is linked whole (CMakeLists.txt): the linker would leave out a file that nothing
// names.
const google::protobuf::ServiceDescriptor* find_service(const char* full_name) {
    return google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(full_name);
}

}  // namespace stoa::rpc
