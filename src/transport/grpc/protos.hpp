// api/proto, as the program holds it.
#pragma once

namespace google::protobuf {
class ServiceDescriptor;
}

namespace stoa::rpc {

// Null: there is no such service. `full_name`: stoa.v1.OrderService.
const google::protobuf::ServiceDescriptor* find_service(const char* full_name);

}  // namespace stoa::rpc
