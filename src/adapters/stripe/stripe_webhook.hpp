// Stripe's news: whether they are Stripe's, and which order they are about.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace stoa::stripe {

// News older than this are not taken, so that a recorded one cannot be played again for ever; nor
// are those from further in the future, where a clock is wrong.
inline constexpr seconds news_tolerance{300};

// Whether the Stripe-Signature header (`t=…,v1=…`, several v1 while a secret is changed) signs this
// body with one of the secrets. Compares in constant time. `unauthenticated`:
// webhook_signature_missing, webhook_signature_wrong, webhook_too_old.
result<void> check_signature(std::string_view header, std::string_view body,
                             const std::vector<std::string>& secrets, timestamp now,
                             seconds tolerance = news_tolerance);

struct news {
    std::string id, type;
    std::string order_id;  // empty: of no order of ours
};
// `malformed` or `invalid` for a body that is no event of Stripe's.
result<news> read_news(std::string_view body);

}  // namespace stoa::stripe
