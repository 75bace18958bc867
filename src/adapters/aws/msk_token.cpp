#include "adapters/aws/msk_token.hpp"

#include "adapters/aws/digests.hpp"

#include <algorithm>

namespace stoa::aws {
namespace {

constexpr std::chrono::seconds lasts{900};

std::string base64url_of(std::string_view bytes) {
    auto out = base64(bytes);
    std::ranges::replace(out, '+', '-');
    std::ranges::replace(out, '/', '_');
    out.erase(std::ranges::find(out, '='), out.end());
    return out;
}

}  // namespace

msk_token make_msk_token(const std::string& region, const credentials& by, timestamp now,
                         std::string_view made_by) {
    const auto url = presigned(
        "GET", "https://kafka." + region + ".amazonaws.com/?Action=kafka-cluster%3AConnect", by,
        {"kafka-cluster", region}, now, lasts, hex(sha256("")));
    // Not signed: brokers note it, and it may be changed by who passes it on.
    auto text = base64url_of(url + "&User-Agent=" + percent_encoded(made_by));
    const auto end = now + lasts;
    return {std::move(text), by.expires_at ? std::min(*by.expires_at, end) : end};
}

}  // namespace stoa::aws
