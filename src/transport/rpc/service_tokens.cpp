#include "transport/rpc/service_tokens.hpp"

namespace stoa::rpc {
namespace {

constexpr std::string_view service_session = "service";
constexpr std::size_t most_known = 256;  // processes of a shop, and the tokens they had before

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
    const auto now = time_.now();
    {
        const std::scoped_lock lock(mutex_);
        if (const auto found = known_.find(token); found != known_.end()) {
            if (now < found->second) return true;
            known_.erase(found);
        }
    }
    const auto claims = keys_.verify(token, now);
    if (!claims || claims->is != role::service || claims->session_id != service_session)
        return false;
    const std::scoped_lock lock(mutex_);
    if (known_.size() >= most_known) known_.clear();
    known_.insert_or_assign(std::string(token), claims->expires_at);
    return true;
}

}  // namespace stoa::rpc
