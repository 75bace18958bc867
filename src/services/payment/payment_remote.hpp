// The payment service from another process: what it answers there, and its api from here.
#pragma once

#include "ports/operation.hpp"
#include "ports/remote.hpp"
#include "services/payment/payment_service.hpp"

namespace stoa::payments {

// The names that gRPC clients know. Thread rule: its service's.
service rpcs_of(till& implementation);

// Thread rule: a loop's own.
class remote_till final : public till {
 public:
    explicit remote_till(remote_service& payments) : payments_(payments) {}
    task<result<payment>> create_payment(request_context, create_payment_request) override;
    task<result<payment>> get_payment(request_context, get_payment_request) override;
    task<result<payment_list>> list_payments(request_context, list_payments_request) override;

 private:
    remote_service& payments_;
};

}  // namespace stoa::payments
