#include "transport/rpc/service_tokens.hpp"

namespace stoa::rpc {
namespace {

constexpr std::string_view service_session = "service";

}  // namespace

std::string service_tokens::own() {
    const auto now = time_.now();
    const std::scoped_lock lock(mutex_);
    if (now + settings_.renewed_before >= current_ends_ || current_.empty()) {
        current_ends_ = now + settings_.worth;
        current_ = keys_.sign({.user_id = target_,
                               .session_id = std::string(service_session),
                               .is = role::service,
                               .issued_at = now,
                               .expires_at = current_ends_});
    }
    return current_;
}

bool service_tokens::is_service(std::string_view token) {
    const auto claims = keys_.verify(token, time_.now());
    return claims && claims->is == role::service && claims->session_id == service_session;
}

}  // namespace stoa::rpc
