#include "adapters/security/jwt_authority.hpp"

#include "adapters/security/base64url.hpp"
#include "adapters/security/sodium.hpp"
#include "base/json.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

namespace stoa {
namespace {

constexpr std::size_t longest_token_bytes = 2'048;

struct jwt_claims {
    std::string iss, aud, sub, sid, role;
    std::int64_t iat = 0, exp = 0;
};
BOOST_DESCRIBE_STRUCT(jwt_claims, (), (iss, aud, sub, sid, role, iat, exp))

struct public_jwk {
    std::string kty, crv, x, kid, alg, use;
};
BOOST_DESCRIBE_STRUCT(public_jwk, (), (kty, crv, x, kid, alg, use))

struct jwk_set {
    std::vector<public_jwk> keys;
};
BOOST_DESCRIBE_STRUCT(jwk_set, (), (keys))

// `anonymous` has no token.
constexpr std::array<std::string_view, 5> role_words{"", "guest", "customer", "operator",
                                                     "service"};

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<error> bad_token(std::string_view why) {
    return fail(errc::unauthenticated, "invalid_token", std::string(why));
}

// Seconds that fit: no arithmetic on what a token says may overflow.
bool is_time(std::int64_t unix_s) { return unix_s >= 0 && unix_s < 253'402'300'800; }

}  // namespace

std::string sign_jws(std::string_view seed, std::string_view header, std::string_view payload) {
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    if (seed.size() != crypto_sign_SEEDBYTES) std::abort();
    crypto_sign_seed_keypair(public_key, secret, bytes_of(seed));
    auto out = base64url(header) + '.' + base64url(payload);
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(out),
                         out.size(), secret);
    sodium_memzero(secret, sizeof secret);
    return (out += '.') += base64url(signature);
}

bool verify_ed25519(std::string_view public_key, std::string_view signed_part,
                    std::string_view signature) {
    return public_key.size() == crypto_sign_PUBLICKEYBYTES &&
           signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(bytes_of(signature), bytes_of(signed_part),
                                       signed_part.size(), bytes_of(public_key)) == 0;
}

jwt_authority::jwt_authority(const key_ring& keys, jwt_settings settings)
    : settings_(std::move(settings)), keys_(prepare(keys)), cache_(settings_.cached_tokens) {}

jwt_authority::ready_keys jwt_authority::prepare(const key_ring& keys) {
    start_sodium();
    ready_keys out;
    for (const auto& key : keys.keys) {
        const auto seed = read_base64url(key.seed);
        if (!seed || seed->size() != crypto_sign_SEEDBYTES) std::abort();  // load_keys() checked
        ready_key ready{.kid = key.kid, .seed = *seed};
        ready.public_key.resize(crypto_sign_PUBLICKEYBYTES);
        unsigned char secret[crypto_sign_SECRETKEYBYTES];
        crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(ready.public_key.data()), secret,
                                 bytes_of(ready.seed));
        sodium_memzero(secret, sizeof secret);
        std::string header = R"({"alg":"EdDSA","kid":)";
        append_json_string(header, key.kid);
        header += R"(,"typ":"at+jwt"})";
        ready.header = base64url(header) + '.';
        if (key.kid == keys.active) out.active = out.all.size();
        out.all.push_back(std::move(ready));
    }
    if (out.all.empty()) std::abort();
    out.digest_key = read_base64url(keys.digest_key).value_or("");
    if (out.digest_key.size() != crypto_generichash_KEYBYTES) std::abort();
    return out;
}

void jwt_authority::use(const key_ring& keys) {
    auto ready = prepare(keys);
    const std::unique_lock lock(mutex_);
    keys_ = std::move(ready);
    cache_.clear();
}

std::string jwt_authority::sign(const token_claims& claims) {
    const jwt_claims out{.iss = settings_.issuer,
                         .aud = settings_.audience,
                         .sub = claims.user_id,
                         .sid = claims.session_id,
                         .role = std::string(role_words[static_cast<std::size_t>(claims.is)]),
                         .iat = claims.issued_at.unix_s(),
                         .exp = claims.expires_at.unix_s()};
    const std::shared_lock lock(mutex_);
    const auto& key = keys_.all[keys_.active];
    const auto header =
        read_base64url(std::string_view(key.header).substr(0, key.header.size() - 1));
    return sign_jws(key.seed, *header, to_json(out));
}

result<token_claims> jwt_authority::verify(std::string_view token, timestamp now) {
    if (token.size() > longest_token_bytes) return bad_token("longer than any token of ours");
    const auto fingerprint = cache_.fingerprint(token);
    if (auto known = cache_.find(fingerprint)) {
        if (auto timely = check_times(*known, now); !timely) {
            cache_.forget(fingerprint);
            return std::unexpected(std::move(timely).error());
        }
        return *std::move(known);
    }
    // Held until it is remembered: use() must not clear the cache in between.
    const std::shared_lock lock(mutex_);
    STOA_TRY(auto claims, check(token));
    STOA_TRY_VOID(check_times(claims, now));
    cache_.remember(fingerprint, claims);
    return claims;
}

result<token_claims> jwt_authority::check(std::string_view token) const {
    const auto first = token.find('.');
    const auto second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos)
        return bad_token("not three parts");
    const auto signature = read_base64url(token.substr(second + 1));
    if (!signature || signature->size() != crypto_sign_BYTES)
        return bad_token("signature ill-formed");
    const auto key = std::ranges::find(keys_.all, token.substr(0, first + 1), &ready_key::header);
    if (key == keys_.all.end()) return bad_token("header is none of ours");
    if (!verify_ed25519(key->public_key, token.substr(0, second), *signature))
        return bad_token("signature does not match");
    const auto payload = read_base64url(token.substr(first + 1, second - first - 1));
    if (!payload) return bad_token("payload ill-formed");
    return read_claims(*payload);
}

result<token_claims> jwt_authority::read_claims(std::string_view payload) const {
    const auto read = from_json<jwt_claims>(payload);
    if (!read) return bad_token("claims: " + read.error().detail);
    if (read->iss != settings_.issuer) return bad_token("another issuer");
    if (read->aud != settings_.audience) return bad_token("for another audience");
    if (!is_time(read->iat) || !is_time(read->exp) || read->exp <= read->iat)
        return bad_token("times out of order");
    const auto is = std::ranges::find(role_words, read->role);
    if (is == role_words.end() || read->role.empty()) return bad_token("unknown role");
    return token_claims{.user_id = read->sub,
                        .session_id = read->sid,
                        .is = static_cast<role>(is - role_words.begin()),
                        .issued_at = {read->iat * 1'000'000},
                        .expires_at = {read->exp * 1'000'000}};
}

result<void> jwt_authority::check_times(const token_claims& claims, timestamp now) const {
    if (now >= claims.expires_at + settings_.leeway) return bad_token("expired");
    if (now < claims.issued_at - settings_.leeway) return bad_token("issued in the future");
    return {};
}

std::string jwt_authority::jwks() {
    jwk_set out;
    const std::shared_lock lock(mutex_);
    for (const auto& key : keys_.all)
        out.keys.push_back({"OKP", "Ed25519", base64url(key.public_key), key.kid, "EdDSA", "sig"});
    return to_json(out);
}

std::string jwt_authority::digest(std::string_view secret) {
    unsigned char out[32];
    {
        const std::shared_lock lock(mutex_);
        crypto_generichash(out, sizeof out, bytes_of(secret), secret.size(),
                           bytes_of(keys_.digest_key), keys_.digest_key.size());
    }
    char hex[sizeof out * 2 + 1];
    return sodium_bin2hex(hex, sizeof hex, out, sizeof out);
}

}  // namespace stoa
