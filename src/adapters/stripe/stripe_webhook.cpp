#include "adapters/stripe/stripe_webhook.hpp"

#include "adapters/stripe/stripe_answers.hpp"
#include "base/json.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

namespace stoa::stripe {
namespace {

struct news_object {
    std::optional<stripe::metadata> metadata;
};
BOOST_DESCRIBE_STRUCT(news_object, (), (metadata))
struct news_data {
    news_object object;
};
BOOST_DESCRIBE_STRUCT(news_data, (), (object))
struct news_document {
    std::string id, type;
    news_data data;
};
BOOST_DESCRIBE_STRUCT(news_document, (), (id, type, data))

std::string hmac_hex(std::string_view key, std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), raw.data(), &size);
    std::string out;
    for (unsigned int i = 0; i < size; ++i) (out += digits[raw[i] >> 4]) += digits[raw[i] & 15];
    return out;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct signature {
    std::string_view at_text;
    std::optional<std::int64_t> at_s;
    std::vector<std::string_view> v1;
};

signature parse(std::string_view header) {
    signature out;
    while (!header.empty()) {
        const auto cut = std::min(header.find(','), header.size());
        auto part = header.substr(0, cut);
        header.remove_prefix(std::min(cut + 1, header.size()));
        while (part.starts_with(' ')) part.remove_prefix(1);
        if (part.starts_with("v1=")) out.v1.push_back(part.substr(3));
        if (!part.starts_with("t=") || out.at_s) continue;
        out.at_text = part.substr(2);
        std::int64_t n = 0;
        const auto* const end = out.at_text.data() + out.at_text.size();
        const auto [stop, wrong] = std::from_chars(out.at_text.data(), end, n);
        if (wrong == std::errc{} && stop == end && n >= 0 && n < 100'000'000'000) out.at_s = n;
    }
    return out;
}

}  // namespace

result<void> check_signature(std::string_view header, std::string_view body,
                             const std::vector<std::string>& secrets, timestamp now,
                             seconds tolerance) {
    constexpr std::size_t most_signatures = 16;  // each costs a hash of the body
    const auto told = parse(header);
    if (!told.at_s || told.v1.empty() || told.v1.size() > most_signatures)
        return fail(errc::unauthenticated, "webhook_signature_missing",
                    "the header Stripe-Signature is missing or ill-formed");
    const auto signed_text = std::string(told.at_text) + '.' + std::string(body);
    bool genuine = false;
    for (const auto& secret : secrets) {
        const auto wanted = hmac_hex(secret, signed_text);
        for (const auto& each : told.v1) genuine |= same(wanted, each);
    }
    if (!genuine)
        return fail(errc::unauthenticated, "webhook_signature_wrong",
                    "no signature of Stripe-Signature is of this body by `stripe_webhook_secret`");
    const auto age = now - timestamp{*told.at_s * 1'000'000};
    if (age > tolerance || age < -tolerance)
        return fail(errc::unauthenticated, "webhook_too_old",
                    "the signature is of another time; is this machine's clock right?");
    return {};
}

result<news> read_news(std::string_view body) {
    STOA_TRY(auto told, from_json<news_document>(body));
    news out{.id = std::move(told.id), .type = std::move(told.type)};
    if (told.data.object.metadata) out.order_id = told.data.object.metadata->order_id.value_or("");
    return out;
}

}  // namespace stoa::stripe
