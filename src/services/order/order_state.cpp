#include "services/order/order_state.hpp"

#include <algorithm>
#include <array>

namespace stoa::orders {
namespace {

using enum order_status;

constexpr std::array from_pending{awaiting_payment, cancelled};
constexpr std::array from_awaiting_payment{paid, payment_failed, cancelling};
constexpr std::array from_payment_failed{awaiting_payment, paid, cancelling};
constexpr std::array from_cancelling{cancelled, paid};
constexpr std::array from_paid{shipped, cancelled};
constexpr std::array from_shipped{delivered, refunded};
constexpr std::array from_delivered{refunded};

}  // namespace

std::span<const order_status> successors(order_status from) {
    switch (from) {
        case pending:
            return from_pending;
        case awaiting_payment:
            return from_awaiting_payment;
        case payment_failed:
            return from_payment_failed;
        case cancelling:
            return from_cancelling;
        case paid:
            return from_paid;
        case shipped:
            return from_shipped;
        case delivered:
            return from_delivered;
        case cancelled:
        case refunded:
            return {};
    }
    return {};
}

bool may_become(order_status from, order_status to) {
    return std::ranges::find(successors(from), to) != successors(from).end();
}

error refused_transition(order_status from, std::string_view wanted) {
    error out{.kind = errc::conflict,
              .code = "transition_not_allowed",
              .detail = "an order that is " + std::string(word_of(from)) + " cannot be " +
                        std::string(wanted)};
    for (const auto to : successors(from)) out.allowed.emplace_back(word_of(to));
    return out;
}

}  // namespace stoa::orders
