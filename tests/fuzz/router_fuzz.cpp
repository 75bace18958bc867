// Paths, queries, headers and bodies through the router: every outcome is an answer below 500,
// errors are problems.
#include "base/json_check.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"
#include "transport/http/router.hpp"
#include "transport/http/target.hpp"

#include <cstdlib>

namespace {

struct thing {
    std::string id;
    std::optional<std::int32_t> limit;
    std::optional<stoa::money> price;
    std::optional<stoa::timestamp> at;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, limit, price, at, version))

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

}  // namespace

// The first byte chooses the verb; then lines: the target, one header a line, an empty line, the
// body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static world all;
    if (size < 2) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto line = [&] {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto out = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return out;
    };
    stoa::http::request in;
    in.method = static_cast<stoa::verb>(data[0] % 5);
    in.target = line();
    if (!stoa::http::split_target(in)) return 0;
    static constexpr std::string_view names[] = {
        "authorization", "x-api-key",    "idempotency-key", "if-match",       "if-none-match",
        "origin",        "x-request-id", "traceparent",     "accept-encoding"};
    for (std::size_t i = 0; i < std::size(names); ++i)
        if (const auto value = line(); !value.empty())
            in.headers.push_back({std::string(names[i]), std::string(value)});
    in.body = rest;
    const auto out = all.io.run([&] { return all.routes.handle(in); });
    if (out.status < 200 || out.status >= 500) std::abort();
    if (out.body && out.content_type == "application/problem+json" &&
        stoa::find_json_fault(*out.body))
        std::abort();
    return 0;
}
