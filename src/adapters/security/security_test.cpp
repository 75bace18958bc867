#include "adapters/security/base64url.hpp"
#include "adapters/security/jwt_authority.hpp"
#include "adapters/security/password_hasher.hpp"
#include "base/json.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

namespace stoa {
namespace {

constexpr timestamp start{1'790'000'000'000'000};

std::string from_hex(std::string_view hex) {
    std::string out(hex.size() / 2, '\0');
    std::size_t size = 0;
    sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), hex.data(), hex.size(),
                   nullptr, &size, nullptr);
    out.resize(size);
    return out;
}

std::string public_key_of(std::string_view seed) {
    std::string out(crypto_sign_PUBLICKEYBYTES, '\0');
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(out.data()), secret,
                             reinterpret_cast<const unsigned char*>(seed.data()));
    return out;
}

token_claims claims_at(timestamp now) {
    return {.user_id = "018f0000-0000-7000-8000-000000000001",
            .session_id = "018f0000-0000-7000-8000-000000000002",
            .is = role::customer,
            .issued_at = now,
            .expires_at = now + minutes(10)};
}

// --- passwords
// -------------------------------------------------------------------------------------------

TEST(password_hasher, costs_what_owasp_asks_at_least) {
    testing::test_loop loop;
    sodium_password_hasher hasher;
    const auto phc = loop.run([&] { return hasher.hash("correct horse"); }).value();
    EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << phc;
    EXPECT_TRUE(loop.run([&] { return hasher.verify("correct horse", phc); }).value());
    EXPECT_FALSE(loop.run([&] { return hasher.verify("Correct horse", phc); }).value());
    EXPECT_NE(loop.run([&] { return hasher.hash("correct horse"); }).value(), phc);  // salted
    EXPECT_FALSE(hasher.needs_rehash(phc));
}

TEST(password_hasher, a_hash_of_another_cost_verifies_and_asks_for_a_new_one) {
    testing::test_loop loop;
    sodium_password_hasher cheap({.cost = {.memory_kib = 64, .passes = 1}});
    sodium_password_hasher hasher({.cost = {.memory_kib = 128, .passes = 2}});
    const auto old = loop.run([&] { return cheap.hash("p"); }).value();
    EXPECT_TRUE(loop.run([&] { return hasher.verify("p", old); }).value());
    EXPECT_TRUE(hasher.needs_rehash(old));
    EXPECT_FALSE(cheap.needs_rehash(old));
}

TEST(password_hasher, passwords_may_hold_any_bytes) {
    testing::test_loop loop;
    sodium_password_hasher hasher({.cost = {.memory_kib = 64, .passes = 1}});
    const std::string with_nul("a\0b", 3);
    const auto phc = loop.run([&] { return hasher.hash(with_nul); }).value();
    EXPECT_TRUE(loop.run([&] { return hasher.verify(with_nul, phc); }).value());
    EXPECT_FALSE(loop.run([&] { return hasher.verify("a", phc); }).value());
}

TEST(password_hasher, an_unknown_user_costs_what_a_known_one_does) {
    testing::test_loop loop;
    sodium_password_hasher hasher;
    const auto phc = loop.run([&] { return hasher.hash("right"); }).value();
    // CPU of the process and not time that has passed: others use the machine too. The least of
    // some runs.
    const auto cost = [&](const std::string& of) {
        auto least = std::numeric_limits<std::clock_t>::max();
        for (int i = 0; i < 5; ++i) {
            const auto before = std::clock();
            EXPECT_FALSE(loop.run([&] { return hasher.verify("wrong", of); }).value());
            least = std::min(least, std::clock() - before);
        }
        return static_cast<double>(least);
    };
    const double known = cost(phc), unknown = cost(""), broken = cost("not a hash");
    EXPECT_GT(unknown, known * 0.6);
    EXPECT_LT(unknown, known * 1.6);
    EXPECT_GT(broken, known * 0.6);
}

TEST(password_hasher, a_full_queue_says_when_to_come_back) {
    testing::test_loop loop;
    sodium_password_hasher hasher({.threads = 1, .queue_limit = 1});
    int refused = 0, answered = 0;
    for (int i = 0; i < 12; ++i)
        loop.spawn([&]() -> task<> {
            const auto out = co_await hasher.verify("x", "");
            if (!out) {
                EXPECT_EQ(out.error().kind, errc::unavailable);
                EXPECT_GT(out.error().retry_after_s, 0);
                ++refused;
            }
            ++answered;
        });
    ASSERT_TRUE(loop.run_until([&] { return answered == 12; }));
    EXPECT_GT(refused, 0);
    EXPECT_LT(refused, 12);
}

// --- keys
// ------------------------------------------------------------------------------------------------

TEST(key_file, is_made_once_and_for_its_owner_alone) {
    testing::temporary_directory directory;
    const auto path = directory / "keys.json";
    EXPECT_EQ(load_keys(path).error().code, "key_file_missing");
    const auto made = load_or_create_keys(path, start).value();
    struct stat about{};
    ASSERT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0600u);
    EXPECT_EQ(load_or_create_keys(path, start)->active, made.active);
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
        EXPECT_EQ(entry.path().filename(), "keys.json");  // nothing half-written stays
}

TEST(key_file, that_others_may_read_is_refused_with_the_fix) {
    testing::temporary_directory directory;
    const auto path = directory / "keys.json";
    ASSERT_TRUE(load_or_create_keys(path, start).has_value());
    for (const mode_t mode : {0644u, 0640u, 0660u, 0604u}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto refused = load_or_create_keys(path, start);
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, "key_file_permissions");
        EXPECT_NE(refused.error().detail.find("chmod 600 " + path), std::string::npos);
    }
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
    EXPECT_TRUE(load_keys(path).has_value());
}

TEST(key_file, that_is_mounted_as_a_secret_is_read_by_its_group) {
    EXPECT_TRUE(only_we_read(0440, 0, 10'001));
    EXPECT_TRUE(only_we_read(0400, 10'001, 10'001));
    EXPECT_FALSE(only_we_read(0444, 0, 10'001));       // everybody's
    EXPECT_FALSE(only_we_read(0460, 0, 10'001));       // others may change it
    EXPECT_FALSE(only_we_read(0440, 10'001, 10'001));  // our own, given away
    EXPECT_FALSE(only_we_read(0440, 10'002, 10'001));  // another person's
    EXPECT_FALSE(only_we_read(0440, 0, 0));            // root's own
}

TEST(key_file, that_is_damaged_is_refused_and_never_replaced) {
    testing::temporary_directory directory;
    const auto path = directory / "keys.json";
    const auto good = to_json(make_key_ring(start));
    for (const std::string& content :
         {std::string{}, std::string("{}"), good.substr(0, good.size() / 2),
          std::string(R"({"active":"a","keys":[],"digest_key":""})"), std::string(100'000, ' ')}) {
        std::ofstream(path) << content;
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
        EXPECT_EQ(load_or_create_keys(path, start).error().code, "key_file_ill_formed")
            << content.substr(0, 80);
        std::ifstream file(path);
        std::stringstream still;
        still << file.rdbuf();
        EXPECT_EQ(still.str(), content);
    }
}

// --- tokens
// ----------------------------------------------------------------------------------------------

TEST(jws, signs_and_verifies_the_example_of_rfc_8037) {
    const auto seed = read_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").value();
    EXPECT_EQ(base64url(public_key_of(seed)), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    const std::string expected =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    EXPECT_EQ(sign_jws(seed, R"({"alg":"EdDSA"})", "Example of Ed25519 signing"), expected);
    const auto dot = expected.rfind('.');
    EXPECT_TRUE(verify_ed25519(public_key_of(seed), expected.substr(0, dot),
                               read_base64url(expected.substr(dot + 1)).value()));
}

TEST(jws, verifies_the_vectors_of_rfc_8032) {
    struct vector {
        std::string_view seed, public_key, message, signature;
    };
    constexpr vector vectors[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "cf9b46bd25bf5f0595b"
         "be24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0f11d8c387b2eaeb430"
         "2aeeb00d291612bb0c00"}};
    for (const auto& v : vectors) {
        EXPECT_EQ(public_key_of(from_hex(v.seed)), from_hex(v.public_key));
        auto signature = from_hex(v.signature);
        EXPECT_TRUE(verify_ed25519(from_hex(v.public_key), from_hex(v.message), signature));
        EXPECT_FALSE(verify_ed25519(from_hex(v.public_key), from_hex(v.message) + "x", signature));
        signature[5] = static_cast<char>(signature[5] ^ 1);
        EXPECT_FALSE(verify_ed25519(from_hex(v.public_key), from_hex(v.message), signature));
    }
}

TEST(jws, base64url_has_one_text_for_one_value) {
    // RFC 7515, appendix C.
    EXPECT_EQ(base64url(std::string("\x03\xec\xff\xe0\xc1", 5)), "A-z_4ME");
    EXPECT_EQ(read_base64url("A-z_4ME"), std::string("\x03\xec\xff\xe0\xc1", 5));
    for (const std::string bad :
         {"A-z_4MF", "A-z_4ME=", "A+z/4ME", "A-z_4ME ", "A-z_4M\nE", "A", "A-z_4ME\x80"})
        EXPECT_FALSE(read_base64url(bad).has_value()) << bad;
}

class jwt : public ::testing::Test {
 protected:
    std::string seed() const { return read_base64url(ring_.keys[0].seed).value(); }
    std::string header() const {
        return R"({"alg":"EdDSA","kid":")" + ring_.active + R"(","typ":"at+jwt"})";
    }
    static std::string payload(std::string_view swap = {}, std::string_view by = {}) {
        std::string out =
            R"({"iss":"stoa","aud":"stoa","sub":"u","sid":"s","role":"customer","iat":1790000000,)"
            R"("exp":1790000600})";
        if (!swap.empty()) out.replace(out.find(swap), swap.size(), by);
        return out;
    }
    std::string with_header(std::string_view text) const {
        return sign_jws(seed(), text, payload());
    }
    std::string with_payload(std::string_view text) const {
        return sign_jws(seed(), header(), text);
    }
    // HMAC with the public key as the secret: what a verifier that trusts `alg` would accept.
    std::string hmac_signed(std::string_view head) const {
        auto text = base64url(head) + '.' + base64url(payload());
        const auto key = public_key_of(seed());
        std::string mac(crypto_auth_hmacsha256_BYTES, '\0');
        crypto_auth_hmacsha256(reinterpret_cast<unsigned char*>(mac.data()),
                               reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                               reinterpret_cast<const unsigned char*>(key.data()));
        return text + '.' + base64url(mac);
    }

    void expect_refused(const std::string& what, const std::string& token) {
        const auto read = tokens_.verify(token, start);
        ASSERT_FALSE(read.has_value()) << what;
        EXPECT_EQ(read.error().kind, errc::unauthenticated) << what;
        EXPECT_EQ(read.error().code, "invalid_token") << what;
        EXPECT_FALSE(read.error().detail.empty()) << what;
    }

    key_ring ring_ = make_key_ring(start);
    jwt_authority tokens_{ring_};
};

TEST_F(jwt, gives_back_what_it_signed) {
    for (const auto is : {role::guest, role::customer, role::operator_, role::service}) {
        auto claims = claims_at(start);
        claims.is = is;
        const auto token = tokens_.sign(claims);
        for (int again = 0; again < 2; ++again) {  // checked, then remembered
            const auto read = tokens_.verify(token, start + minutes(1));
            ASSERT_TRUE(read.has_value()) << read.error().detail;
            EXPECT_EQ(read->user_id, claims.user_id);
            EXPECT_EQ(read->session_id, claims.session_id);
            EXPECT_EQ(read->is, is);
            EXPECT_EQ(read->issued_at, claims.issued_at);
            EXPECT_EQ(read->expires_at, claims.expires_at);
        }
    }
    EXPECT_TRUE(tokens_.verify(with_payload(payload()), start)
                    .has_value());  // what the bad ones differ from
}

TEST_F(jwt, refuses_every_defect_of_form_header_and_signature) {
    const auto good = with_payload(payload());
    const auto first = good.find('.'), second = good.rfind('.');
    const auto head = good.substr(0, first), body = good.substr(first + 1, second - first - 1),
               signature = good.substr(second + 1);
    const auto kid = ring_.active;
    const auto other_ring = make_key_ring(start);
    const auto other_seed = read_base64url(other_ring.keys[0].seed).value();
    const auto head_with = [&](std::string more) {
        return R"({"alg":"EdDSA","kid":")" + kid + R"(","typ":"at+jwt",)" + more + "}";
    };
    const auto head_of = [&](std::string alg, std::string key, std::string typ) {
        return R"({"alg":")" + alg + R"(","kid":")" + key + R"(","typ":")" + typ + R"("})";
    };
    auto flipped = signature;
    flipped[10] = flipped[10] == 'A' ? 'B' : 'A';
    auto trailing_bits = signature;  // 64 bytes leave four bits of the last letter unused
    trailing_bits.back() = static_cast<char>(trailing_bits.back() + 1);
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += '[';
    for (int i = 0; i < 200; ++i) deep += ']';

    const std::pair<std::string, std::string> bad[] = {
        {"empty", ""},
        {"dots only", ".."},
        {"one part", head},
        {"two parts", head + '.' + body},
        {"four parts", good + ".x"},
        {"a dot behind", good + '.'},
        {"a dot before", '.' + good},
        {"an empty payload", head + ".." + signature},
        {"blank before", ' ' + good},
        {"newline behind", good + '\n'},
        {"NUL behind", good + std::string(1, '\0')},
        {"NUL within", good.substr(0, 20) + std::string(1, '\0') + good.substr(20)},
        {"padded signature", good + "=="},
        {"padded header", head + "=." + body + '.' + signature},
        {"standard alphabet", head + '.' + body + "+/." + signature},
        {"non-canonical signature", head + '.' + body + '.' + trailing_bits},
        {"no signature", head + '.' + body + '.'},
        {"cut signature", good.substr(0, good.size() - 4)},
        {"long signature", good + "AAAA"},
        {"a bit of the signature", head + '.' + body + '.' + flipped},
        {"zero signature", head + '.' + body + '.' + base64url(std::string(64, '\0'))},
        {"another payload",
         head + '.' + base64url(payload("customer", "operator")) + '.' + signature},
        {"alg none", base64url(head_of("none", kid, "at+jwt")) + '.' + body + '.'},
        {"alg None with a signature", with_header(head_of("None", kid, "at+jwt"))},
        {"alg HS256 with the public key", hmac_signed(head_of("HS256", kid, "at+jwt"))},
        {"HMAC under our header", hmac_signed(header())},
        {"alg RS256", with_header(head_of("RS256", kid, "at+jwt"))},
        {"alg ES256 for an Ed25519 key", with_header(head_of("ES256", kid, "at+jwt"))},
        {"alg eddsa in lower case", with_header(head_of("eddsa", kid, "at+jwt"))},
        {"no alg", with_header(R"({"kid":")" + kid + R"(","typ":"at+jwt"})")},
        {"no kid", with_header(R"({"alg":"EdDSA","typ":"at+jwt"})")},
        {"unknown kid", with_header(head_of("EdDSA", "somebody", "at+jwt"))},
        {"kid is a path", with_header(head_of("EdDSA", "../../../dev/null", "at+jwt"))},
        {"kid is SQL", with_header(head_of("EdDSA", "x' UNION SELECT 'key", "at+jwt"))},
        {"kid is a number", with_header(R"({"alg":"EdDSA","kid":1,"typ":"at+jwt"})")},
        {"another's key under our kid", sign_jws(other_seed, header(), payload())},
        {"another's key and kid", jwt_authority(other_ring).sign(claims_at(start))},
        {"jku", with_header(head_with(R"("jku":"https://evil.test/keys")"))},
        {"x5u", with_header(head_with(R"("x5u":"https://evil.test/cert")"))},
        {"jwk with the attacker's key",
         sign_jws(other_seed,
                  head_with(R"("jwk":{"kty":"OKP","crv":"Ed25519","x":")" +
                            base64url(public_key_of(other_seed)) + R"("})"),
                  payload())},
        {"crit", with_header(head_with(R"("crit":["exp"])"))},
        {"b64 false", with_header(head_with(R"("b64":false,"crit":["b64"])"))},
        {"a second alg", with_header(head_with(R"("alg":"none")"))},
        {"header with blanks",
         with_header(R"({ "alg":"EdDSA","kid":")" + kid + R"(","typ":"at+jwt"})")},
        {"typ JWT", with_header(head_of("EdDSA", kid, "JWT"))},
        {"typ rt+jwt", with_header(head_of("EdDSA", kid, "rt+jwt"))},
        {"no typ", with_header(R"({"alg":"EdDSA","kid":")" + kid + R"("})")},
        {"header is deep", with_header(deep)},
        {"header is no JSON", with_header("alg")},
        {"1 MiB", std::string(1 << 20, 'A')},
        {"1 MiB of payload", head + '.' + std::string(1 << 20, 'A') + '.' + signature},
        {"a refresh token", "018f0000-0000-7000-8000-000000000002.0." + tokens_.digest("refresh")},
    };
    static_assert(std::size(bad) >= 40);
    for (const auto& [what, token] : bad) expect_refused(what, token);
    EXPECT_EQ(tokens_.cached(), 0u);
}

TEST_F(jwt, refuses_well_signed_claims_that_are_not_ours) {
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += '[';
    for (int i = 0; i < 200; ++i) deep += ']';
    const std::pair<std::string, std::string> bad[] = {
        {"another issuer", with_payload(payload(R"("iss":"stoa")", R"("iss":"evil")"))},
        {"another audience", with_payload(payload(R"("aud":"stoa")", R"("aud":"bank")"))},
        {"audience is a list", with_payload(payload(R"("aud":"stoa")", R"("aud":["stoa"])"))},
        {"no issuer", with_payload(payload(R"("iss":"stoa",)"))},
        {"no exp", with_payload(payload(R"(,"exp":1790000600)"))},
        {"expired beyond the leeway",
         with_payload(payload(R"(1790000000,"exp":1790000600)", R"(1789999000,"exp":1789999970)"))},
        {"issued beyond the leeway", with_payload(payload("1790000000", "1790000031"))},
        {"exp before iat", with_payload(payload("1790000600", "1789999999"))},
        {"exp is text", with_payload(payload("1790000600", R"("1790000600")"))},
        {"exp is a fraction", with_payload(payload("1790000600", "1790000600.5"))},
        {"exp overflows", with_payload(payload("1790000600", "9223372036854775807"))},
        {"iat is negative", with_payload(payload("1790000000", "-9223372036854775808"))},
        {"two exp", with_payload(payload(R"("exp":)", R"("exp":1790000600,"exp":)"))},
        {"two sub", with_payload(payload(R"("sub":"u")", R"("sub":"u","sub":"v")"))},
        {"unknown role", with_payload(payload("customer", "king"))},
        {"empty role", with_payload(payload("customer"))},
        {"claims are deep", with_payload(payload(R"("u")", deep))},
        {"claims are a list", with_payload("[]")},
        {"claims are cut off", with_payload(payload().substr(0, 60))},
        {"text behind the claims", with_payload(payload() + "{}")},
        {"NUL in the claims", with_payload(payload() + std::string(1, '\0'))},
        {"ill-formed UTF-8", with_payload(payload(R"("u")", "\"\xff\""))},
        {"well signed but too long",
         with_payload(payload(R"("u")", '"' + std::string(4'000, 'u') + '"'))},
    };
    for (const auto& [what, token] : bad) expect_refused(what, token);
    EXPECT_EQ(tokens_.cached(), 0u);
}

TEST_F(jwt, allows_half_a_minute_between_clocks_and_no_more) {
    const auto token = tokens_.sign(claims_at(start));
    for (int again = 0; again < 2; ++again) {
        EXPECT_TRUE(tokens_.verify(token, start - seconds(30)).has_value());
        EXPECT_FALSE(tokens_.verify(token, start - seconds(31)).has_value());
        EXPECT_TRUE(tokens_.verify(token, start + minutes(10) + seconds(29)).has_value());
    }
    // Remembered tokens end with their time, too, and leave the memory.
    EXPECT_EQ(tokens_.cached(), 1u);
    EXPECT_FALSE(tokens_.verify(token, start + minutes(10) + seconds(30)).has_value());
    EXPECT_EQ(tokens_.cached(), 0u);
}

TEST_F(jwt, a_rotated_key_still_verifies_until_it_is_dropped) {
    testing::temporary_directory directory;
    const auto path = directory / "keys.json";
    jwt_authority tokens(load_or_create_keys(path, start).value());
    const auto old = tokens.sign(claims_at(start));
    const auto digest = tokens.digest("secret");
    for (int i = 0; i < 2; ++i) {
        tokens.use(rotate_keys(path, start, 3).value());
        EXPECT_TRUE(tokens.verify(old, start).has_value());
        EXPECT_TRUE(tokens.verify(tokens.sign(claims_at(start)), start).has_value());
    }
    EXPECT_NE(tokens.sign(claims_at(start)), old);
    tokens.use(rotate_keys(path, start, 3).value());
    EXPECT_FALSE(tokens.verify(old, start).has_value());  // its memory was cleared as well
    EXPECT_EQ(tokens.digest("secret"), digest);
    // Another process with the same file.
    jwt_authority other(load_keys(path).value());
    EXPECT_TRUE(other.verify(tokens.sign(claims_at(start)), start).has_value());
}

TEST_F(jwt, rotation_under_load_refuses_nothing) {
    testing::temporary_directory directory;
    const auto path = directory / "keys.json";
    jwt_authority tokens(load_or_create_keys(path, start).value());
    std::atomic<int> refused{0}, checked{0};
    std::atomic<bool> stop{false};
    {
        std::jthread load([&] {
            while (!stop) {
                refused += !tokens.verify(tokens.sign(claims_at(start)), start).has_value();
                ++checked;
            }
        });
        for (int i = 0; i < 20; ++i) {
            tokens.use(rotate_keys(path, start).value());
            for (const int seen = checked; checked < seen + 2;) std::this_thread::yield();
        }
        stop = true;
    }
    EXPECT_EQ(refused, 0);
    EXPECT_GE(checked, 40);
}

TEST_F(jwt, publishes_public_keys_only) {
    const auto text = tokens_.jwks();
    EXPECT_EQ(text, R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":")" +
                        base64url(public_key_of(seed())) + R"(","kid":")" + ring_.active +
                        R"(","alg":"EdDSA","use":"sig"}]})");
    EXPECT_EQ(text.find(ring_.keys[0].seed), std::string::npos);
}

TEST_F(jwt, a_digest_needs_the_key) {
    EXPECT_EQ(tokens_.digest("secret").size(), 64u);
    EXPECT_EQ(tokens_.digest("secret"), tokens_.digest("secret"));
    EXPECT_NE(tokens_.digest("secret"), tokens_.digest("secreu"));
    EXPECT_NE(tokens_.digest("secret"), jwt_authority(make_key_ring(start)).digest("secret"));
}

TEST(verified_tokens, are_bounded_and_the_first_to_end_gives_way) {
    verified_tokens cache(16);
    for (int i = 0; i < 1'000; ++i) {
        auto claims = claims_at(start + seconds(i));
        cache.remember(cache.fingerprint(std::to_string(i)), claims);
    }
    EXPECT_EQ(cache.size(), 16u);
    EXPECT_TRUE(cache.find(cache.fingerprint("999")).has_value());
    EXPECT_FALSE(cache.find(cache.fingerprint("0")).has_value());
    cache.clear();
    EXPECT_EQ(cache.size(), 0u);
}

TEST_F(jwt, a_remembered_token_costs_a_small_part_of_a_checked_one) {
    const auto token = tokens_.sign(claims_at(start));
    const auto cost = [&](bool fresh) {
        auto least = std::chrono::nanoseconds::max();
        for (int i = 0; i < 200; ++i) {
            if (fresh) tokens_.use(ring_);
            const auto before = std::chrono::steady_clock::now();
            const bool good = tokens_.verify(token, start).has_value();
            least = std::min<std::chrono::nanoseconds>(least,
                                                       std::chrono::steady_clock::now() - before);
            EXPECT_TRUE(good);
        }
        return least.count();
    };
    const auto checked = cost(true), remembered = cost(false);
    RecordProperty("checked_ns", static_cast<int>(checked));
    RecordProperty("remembered_ns", static_cast<int>(remembered));
    EXPECT_LT(remembered * 10, checked);
}

}  // namespace
}  // namespace stoa
