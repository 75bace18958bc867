// Paths, queries, headers and bodies through the router: no input makes a server's error, and every
// error is a problem document that says the status it came with.
#include "base/json.hpp"
#include "base/json_check.hpp"
#include "fuzz/fuzz.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"
#include "transport/http/router.hpp"
#include "transport/http/target.hpp"

#include <algorithm>

namespace {

struct thing {
    std::string id;
    std::optional<std::int32_t> limit;
    std::optional<stoa::money> price;
    std::optional<stoa::timestamp> at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, limit, price, at, version))

struct problem_document {
    std::string type, title;
    std::int32_t status = 0;
    std::string code, request_id;
};
BOOST_DESCRIBE_STRUCT(problem_document, (), (type, title, status, code, request_id))

struct things {
    stoa::task<stoa::result<thing>> echo(stoa::request_context, thing in) { co_return in; }
};

constexpr stoa::operation table[] = {
    stoa::serve<&things::echo>(stoa::verb::get, "/api/v1/things/{id}", "Get")
        .also_at("/things/{id}")
        .allows(stoa::who::anyone),
    stoa::serve<&things::echo>(stoa::verb::put, "/api/v1/things/{id}", "Put")
        .allows(stoa::who::anyone)
        .takes_idempotency_key(),
    stoa::serve<&things::echo>(stoa::verb::post, "/api/v1/things", "Post")
        .allows(stoa::who::signed_in),
};

struct world {
    stoa::testing::test_loop io;
    stoa::testing::manual_clock time;
    stoa::testing::seeded_random random{1};
    stoa::metrics measured;
    stoa::rate_limiter limiter;
    things api;
    stoa::http::router routes{{time, random, measured, limiter,
                               [](std::string) -> stoa::task<stoa::result<stoa::principal>> {
                                   co_return stoa::principal{.is = stoa::role::customer,
                                                             .user_id = "c"};
                               }},
                              {.log = stoa::http::access_log::off}};
    world() {
        if (!routes.add(stoa::service{"things", table, &api})) std::abort();
    }
};

void look_at(const stoa::http::request& in, const stoa::http::response& out) {
    using stoa::fuzz::must;
    // 501 is what RFC 9110 §9.1 wants for a method that nobody knows.
    must(out.status >= 200 && (out.status < 500 || (out.status == 501 && in.unknown_method)),
         "no input makes a server's error");
    for (const auto& each : out.headers)
        must(each.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos &&
                 !each.name.empty(),
             "no answer's header holds a line end");
    const bool shown = out.body && !out.body->empty();
    if (shown) must(!stoa::find_json_fault(*out.body), "a body is JSON");
    if (out.status < 400) return;
    must(shown && out.content_type == "application/problem+json", "an error is a problem document");
    const auto told = stoa::from_json<problem_document>(*out.body);
    must(told.has_value(), "with all of its members");
    must(told->status == out.status && !told->code.empty() && !told->request_id.empty(),
         "which say what the answer says");
}

}  // namespace

// The first byte chooses the verb; then lines: the target, one header a line, an empty line, the
// body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static world all;
    stoa::fuzz::input from(data, size);
    stoa::http::request in;
    const auto choice = from.byte();
    in.method = static_cast<stoa::verb>(choice % 5);
    in.head = choice % 5 == 0 && choice & 0x20;
    in.options = choice & 0x40;
    in.unknown_method = (choice & 0xc0) == 0x80;
    in.target = from.line();
    if (!stoa::http::split_target(in)) return 0;
    static constexpr std::string_view names[] = {
        "authorization", "x-api-key",    "idempotency-key", "if-match",       "if-none-match",
        "origin",        "x-request-id", "traceparent",     "accept-encoding"};
    // The parser before the router lets no other characters through (RFC 9110 §5.5).
    const auto fits = [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
    };
    for (const auto name : names)
        if (const auto value = from.line(); !value.empty() && std::ranges::all_of(value, fits))
            in.headers.push_back({std::string(name), std::string(value)});
    in.body = from.rest();
    look_at(in, all.io.run([&] { return all.routes.handle(in); }));
    return 0;
}
