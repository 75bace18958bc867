#include "transport/grpc/protos.hpp"

#include "stoa/v1/activity.pb.h"
#include "stoa/v1/cart.pb.h"
#include "stoa/v1/notification.pb.h"
#include "stoa/v1/order.pb.h"
#include "stoa/v1/payment.pb.h"
#include "stoa/v1/product.pb.h"
#include "stoa/v1/user.pb.h"

#include <google/protobuf/descriptor.h>

namespace stoa::rpc {

const google::protobuf::ServiceDescriptor* find_service(const char* full_name) {
    // A file that nothing names is left out by the linker, and is then unknown to the pool.
    static const bool linked = [] {
        (void)v1::GetUserRequest::descriptor();
        (void)v1::GetProductRequest::descriptor();
        (void)v1::GetOrderRequest::descriptor();
        (void)v1::PaymentRequest::descriptor();
        (void)v1::MergeCartsRequest::descriptor();
        (void)v1::Notification::descriptor();
        (void)v1::Empty::descriptor();
        return true;
    }();
    (void)linked;
    return google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(full_name);
}

}  // namespace stoa::rpc
