// Tokens, keys and cursors: nothing verifies but what was signed, byte for byte; what is signed
// says the same when it is verified; a cursor that is accepted is one that a list gave.
#include "adapters/security/base64url.hpp"
#include "adapters/security/jwt_authority.hpp"
#include "base/json.hpp"
#include "fuzz/fuzz.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_store.hpp"

#include <algorithm>

namespace {

using stoa::fuzz::must;

constexpr stoa::timestamp now{1'790'000'000'000'000};

struct world {
    stoa::key_ring ring = stoa::make_key_ring(now), other = stoa::make_key_ring(now);
    stoa::jwt_authority tokens{ring}, strangers{other};
    std::string seed = *stoa::read_base64url(ring.keys.front().seed);
    // The head of every token of the ring.
    std::string header = [this] {
        const auto token = tokens.sign({.user_id = "u", .issued_at = now, .expires_at = now});
        return *stoa::read_base64url(token.substr(0, token.find('.')));
    }();
};

// Claims as somebody else's library might write them, signed with the right key.
void foreign_claims(world& all, std::string_view payload) {
    const auto token = stoa::sign_jws(all.seed, all.header, payload);
    if (token.size() > 2'048) return;
    const auto read = all.tokens.verify(token, now);
    if (!read) {
        must(read.error().kind == stoa::errc::unauthenticated, "a defect is the caller's");
        return;
    }
    must(!all.strangers.verify(token, now), "another key does not verify it");
    must(!read->user_id.empty(), "claims name a user");
    must(read->expires_at + stoa::seconds(30) >= now, "and are still good");
}

void changed_token(world& all, stoa::fuzz::input in) {
    auto token = all.tokens.sign({.user_id = "u-1",
                                  .session_id = "s-1",
                                  .issued_at = now,
                                  .expires_at = now + stoa::minutes(10)});
    const auto whole = token;
    must(all.tokens.verify(whole, now).has_value(), "what was signed is verified");
    for (int i = 0; i < 4 && !in.empty(); ++i) {
        const auto at = in.below(static_cast<unsigned>(token.size()));
        token[at] = static_cast<char>(in.byte());
    }
    must(all.tokens.verify(token, now).has_value() == (token == whole),
         "one changed byte is one too many");
}

void own_claims(world& all, stoa::fuzz::input in) {
    stoa::token_claims claims{.user_id = std::string(in.line()),
                              .session_id = std::string(in.line()),
                              .is = in.byte() & 1 ? stoa::role::customer : stoa::role::operator_,
                              .issued_at = now,
                              .expires_at = now + stoa::minutes(10)};
    const auto usable = [](std::string_view text) {
        return !text.empty() && text.size() < 64 &&
               std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
    };
    if (!usable(claims.user_id) || !usable(claims.session_id)) return;
    const auto read = all.tokens.verify(all.tokens.sign(claims), now);
    must(read && read->user_id == claims.user_id && read->session_id == claims.session_id &&
             read->is == claims.is && read->expires_at == claims.expires_at,
         "claims come back");
}

template <class Read, class Write>
void cursor(std::string_view text, Read read, Write write) {
    const auto at = read(text);
    if (!at) return;
    const auto written = write(*at);
    const auto again = read(written);
    must(again && write(*again) == written, "a cursor has one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static world all;
    stoa::fuzz::input in(data, size);
    const auto text = in.rest();
    if (const auto bytes = stoa::read_base64url(text))
        must(stoa::base64url(*bytes) == text, "base64url has one text for one value");
    must(stoa::read_base64url(stoa::base64url(text)) == text, "and gives back what it was given");
    must(!all.tokens.verify(text, now), "nobody guesses a token");
    foreign_claims(all, text);
    changed_token(all, in);
    own_claims(all, in);
    cursor(text, stoa::orders::read_cursor, stoa::orders::write_cursor);
    cursor(text, stoa::notifications::read_cursor, stoa::notifications::write_cursor);
    return 0;
}
