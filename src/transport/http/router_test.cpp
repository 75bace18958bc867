#include "transport/http/router.hpp"

#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa::http {
namespace {

struct note {
    std::string id;
    std::string text;
    std::optional<std::int32_t> pages;
    std::int64_t version = 7;
};
BOOST_DESCRIBE_STRUCT(note, (), (id, text, pages, version))
struct get_note {
    std::string id;
    std::optional<std::int32_t> limit;
};
BOOST_DESCRIBE_STRUCT(get_note, (), (id, limit))
struct make_note {
    std::string text;
    std::optional<std::int32_t> pages;
};
BOOST_DESCRIBE_STRUCT(make_note, (), (text, pages))
struct change_note {
    std::string id;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(change_note, (), (id, text))
struct nothing {};
BOOST_DESCRIBE_STRUCT(nothing, (), ())

class notes {
 public:
    task<result<note>> get(request_context c, get_note r) {
        seen = c;
        if (r.id == "throw") throw std::runtime_error("secret of the stack");
        if (r.id == "missing")
            co_return fail(errc::not_found, "no_such_note", "there is no such note");
        if (r.id == "broken") co_return fail(errc::internal, "disk", "secret of the disk");
        co_return note{r.id, "limit " + std::to_string(r.limit.value_or(0)), {}, 7};
    }
    task<result<note>> make(request_context c, make_note r) {
        seen = c;
        if (r.text == "replay") {
            c.reply->status = 409;
            c.reply->body = R"({"stored":true})";
            c.reply->replayed = true;
        }
        co_return note{"n1", r.text, r.pages, 1};
    }
    task<result<note>> change(request_context c, change_note r) {
        seen = c;
        co_return note{r.id, r.text, {}, 8};
    }
    task<result<nothing>> remove(request_context c, get_note) {
        seen = c;
        co_return nothing{};
    }
    task<result<note>> guarded(request_context c, nothing) {
        seen = c;
        co_return note{"g", "guarded", {}, 1};
    }
    request_context seen;
};

constexpr operation table[] = {
    serve<&notes::get>(verb::get, "/api/v1/notes/{id}", "GetNote")
        .also_at("/notes/{id}")
        .allows(who::anyone),
    serve<&notes::make>(verb::post, "/api/v1/notes", "MakeNote")
        .also_at("/notes")
        .answers(201)
        .allows(who::anyone)
        .takes_idempotency_key(),
    serve<&notes::change>(verb::put, "/api/v1/notes/{id}", "ChangeNote").allows(who::anyone),
    serve<&notes::remove>(verb::erase, "/api/v1/notes/{id}", "RemoveNote")
        .answers(204)
        .allows(who::anyone),
    serve<&notes::make>(verb::post, "/api/v1/elsewhere", "MakeElsewhere")
        .answers(201)
        .allows(who::anyone)
        .keeps_secrets(),
    serve<&notes::make>(verb::post, "/api/v1/own", "MakeOwn").allows(who::signed_in),
    serve<&notes::guarded>(verb::get, "/api/v1/signed_in", "ForSignedIn").allows(who::signed_in),
    serve<&notes::guarded>(verb::get, "/api/v1/registered", "ForRegistered")
        .allows(who::registered),
    serve<&notes::guarded>(verb::get, "/api/v1/operators", "ForOperators").allows(who::operators),
    serve<&notes::guarded>(verb::get, "/api/v1/services", "ForServices").allows(who::services),
    serve<&notes::guarded>(verb::post, "/api/v1/login", "Login").allows(who::anyone),
};

task<result<principal>> known_tokens(std::string token) {
    if (token == "guest") co_return principal{.is = role::guest, .user_id = "g"};
    if (token == "customer") co_return principal{.is = role::customer, .user_id = "c"};
    if (token == "operator") co_return principal{.is = role::operator_, .user_id = "o"};
    if (token == "service") co_return principal{.is = role::service};
    if (token == "reader")
        co_return principal{.is = role::operator_, .key_id = "k", .scopes = {"notes:read"}};
    if (token == "stranger")
        co_return principal{.is = role::operator_, .key_id = "k", .scopes = {"orders:write"}};
    co_return fail(errc::unauthenticated, "token_invalid", "log in again");
}

class router_test : public ::testing::Test {
 protected:
    void SetUp() override { build({}); }
    void build(router_settings settings, tracer* traces = nullptr) {
        settings.log = access_log::off;
        routes = std::make_unique<router>(
            router_needs{time, random, measured, limiter, known_tokens, traces}, settings);
        auto added = routes->add(service{"notes", table, &api});
        ASSERT_TRUE(added) << added.error().detail;
    }
    static request make(verb method, std::string path, std::vector<header> headers = {},
                        std::string body = {}) {
        request out;
        out.method = method;
        out.path = std::move(path);
        out.headers = std::move(headers);
        out.body = std::move(body);
        out.address = "192.0.2.1";
        return out;
    }
    response ask(request in) {
        return io.run([&] { return routes->handle(std::move(in)); });
    }
    response get(std::string path, std::vector<header> headers = {}) {
        return ask(make(verb::get, std::move(path), std::move(headers)));
    }
    static std::string value(const response& of, std::string_view name) {
        for (const auto& each : of.headers)
            if (each.name == name) return each.value;
        return {};
    }
    static std::string text(const response& of) { return of.body ? *of.body : ""; }

    stoa::testing::test_loop io;
    stoa::testing::manual_clock time;
    stoa::testing::seeded_random random{1};
    metrics measured;
    rate_limiter limiter;
    notes api;
    std::unique_ptr<router> routes;
};

TEST_F(router_test, an_unknown_path_is_404_and_a_known_one_with_another_verb_405_with_allow) {
    EXPECT_EQ(get("/nowhere").status, 404);
    EXPECT_EQ(get("/api/v1/notes/a/b").status, 404);
    EXPECT_EQ(get("/api//v1/notes").status, 404);
    const auto wrong_verb = ask(make(verb::patch, "/api/v1/notes/a"));
    EXPECT_EQ(wrong_verb.status, 405);
    EXPECT_EQ(value(wrong_verb, "Allow"), "GET, HEAD, PUT, DELETE");
    auto unknown = make(verb::get, "/api/v1/notes/a");
    unknown.unknown_method = true;
    EXPECT_EQ(ask(unknown).status, 501);
}

TEST_F(router_test, path_query_and_body_bind_members_and_the_path_wins) {
    auto in = make(verb::get, "/api/v1/notes/a%20b");
    in.query = {{"limit", "5"}, {"id", "from query"}, {"unknown", "x"}};
    EXPECT_NE(text(ask(in)).find(R"("id":"a%20b","text":"limit 5")"), std::string::npos);
    const auto changed = ask(make(verb::put, "/api/v1/notes/p", {}, R"({"id":"body","text":"t"})"));
    EXPECT_NE(text(changed).find(R"("id":"p","text":"t")"), std::string::npos);
}

TEST_F(router_test, everything_wrong_is_named_in_one_answer) {
    auto in = make(verb::post, "/api/v1/notes", {}, R"({"pages":"many"})");
    const auto refused = ask(in);
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(text(refused).find("/text"), std::string::npos);
    EXPECT_NE(text(refused).find("/pages"), std::string::npos);
    auto bad_query = make(verb::get, "/api/v1/notes/a");
    bad_query.query = {{"limit", "x"}};
    EXPECT_EQ(ask(bad_query).status, 422);
    EXPECT_EQ(ask(make(verb::post, "/api/v1/notes", {}, R"({"text":)")).status, 400);
    EXPECT_EQ(ask(make(verb::post, "/api/v1/notes")).status, 422)
        << "an empty body is an empty object";
}

TEST_F(router_test, a_query_parameter_that_stands_twice_is_refused) {
    auto in = make(verb::get, "/api/v1/notes/a");
    in.query = {{"limit", "1"}, {"limit", "2"}};
    const auto refused = ask(in);
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(text(refused).find("repeated"), std::string::npos);
}

TEST_F(router_test, an_alias_is_the_same_operation_with_the_same_idempotency_hash) {
    const std::string body = R"({"text":"t"})";
    EXPECT_EQ(ask(make(verb::post, "/api/v1/notes", {{"idempotency-key", "k"}}, body)).status, 201);
    const auto first = api.seen;
    EXPECT_EQ(ask(make(verb::post, "/notes", {{"idempotency-key", "k"}}, body)).status, 201);
    EXPECT_EQ(api.seen.operation, first.operation);
    EXPECT_EQ(api.seen.request_hash, first.request_hash);
    EXPECT_EQ(ask(make(verb::post, "/notes", {{"idempotency-key", "k"}}, R"({"text":"u"})")).status,
              201);
    EXPECT_NE(api.seen.request_hash, first.request_hash);
}

TEST_F(router_test, each_policy_lets_in_whom_it_names) {
    struct row {
        std::string path;
        std::array<int, 5> by;  // nobody, guest, customer, operator, service
    };
    const std::array<row, 5> matrix{{{"/api/v1/notes/a", {200, 200, 200, 200, 200}},
                                     {"/api/v1/signed_in", {401, 200, 200, 200, 200}},
                                     {"/api/v1/registered", {401, 403, 200, 200, 200}},
                                     {"/api/v1/operators", {401, 403, 403, 200, 200}},
                                     {"/api/v1/services", {401, 403, 403, 403, 200}}}};
    const std::array<std::string, 5> tokens{"", "guest", "customer", "operator", "service"};
    for (const auto& [path, expected] : matrix)
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            std::vector<header> sent;
            if (!tokens[i].empty()) sent.push_back({"authorization", "Bearer " + tokens[i]});
            const auto got = get(path, sent);
            EXPECT_EQ(got.status, expected[i]) << path << " as " << tokens[i];
            EXPECT_EQ(value(got, "WWW-Authenticate"), got.status == 401 ? "Bearer" : "");
        }
}

TEST_F(router_test, credentials_come_as_bearer_or_key_and_a_bad_one_is_never_ignored) {
    EXPECT_EQ(get("/api/v1/registered", {{"authorization", "bearer customer"}}).status, 200);
    EXPECT_EQ(get("/api/v1/registered", {{"authorization", "BEARER  customer"}}).status, 200);
    EXPECT_EQ(get("/api/v1/registered", {{"x-api-key", "customer"}}).status, 200);
    EXPECT_EQ(get("/api/v1/registered", {{"authorization", "Basic Zm9v"}}).status, 401);
    EXPECT_EQ(get("/api/v1/registered", {{"authorization", "Bearer "}}).status, 401);
    EXPECT_EQ(get("/api/v1/notes/a", {{"authorization", "Bearer forged"}}).status, 401);
}

TEST_F(router_test, a_scoped_key_does_what_its_scopes_say_and_what_anyone_may) {
    EXPECT_EQ(get("/api/v1/operators", {{"x-api-key", "reader"}}).status, 200);
    const auto refused = get("/api/v1/operators", {{"x-api-key", "stranger"}});
    EXPECT_EQ(refused.status, 403);
    EXPECT_NE(refused.body->find("this key has no scope notes:read"), std::string::npos)
        << *refused.body;
    EXPECT_EQ(get("/api/v1/notes/a", {{"x-api-key", "stranger"}}).status, 200);
}

TEST_F(router_test, a_version_is_an_etag_and_the_same_one_is_304_without_a_body) {
    EXPECT_EQ(value(get("/api/v1/notes/a"), "ETag"), "\"7\"");
    for (const auto* same : {"\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"}) {
        const auto again = get("/api/v1/notes/a", {{"if-none-match", same}});
        EXPECT_EQ(again.status, 304) << same;
        EXPECT_EQ(again.body, nullptr);
        EXPECT_EQ(value(again, "ETag"), "\"7\"");
    }
    EXPECT_EQ(get("/api/v1/notes/a", {{"if-none-match", "\"77\""}}).status, 200);
    ask(make(verb::put, "/api/v1/notes/a", {{"if-match", "\"6\""}}, R"({"text":"t"})"));
    EXPECT_EQ(api.seen.if_match, "6");
}

TEST_F(router_test, if_match_is_a_list_compared_strongly) {
    const auto put = [&](const char* tags) {
        return ask(make(verb::put, "/api/v1/notes/a", {{"if-match", tags}}, R"({"text":"t"})"));
    };
    (void)put("\"7\", \"1\"");
    EXPECT_TRUE(api.seen.matches(1) && api.seen.matches(7));
    EXPECT_FALSE(api.seen.matches(71) || api.seen.matches(17));
    (void)put("W/\"7\"");
    EXPECT_FALSE(api.seen.matches(7)) << "a weak tag matches nothing";
    (void)put("*");
    EXPECT_TRUE(api.seen.matches(7));
    EXPECT_EQ(put("").status, 400);
}

TEST_F(router_test, a_created_resource_has_a_location_only_where_it_can_be_read) {
    EXPECT_EQ(value(ask(make(verb::post, "/notes", {}, R"({"text":"t"})")), "Location"),
              "/api/v1/notes/n1");
    EXPECT_EQ(value(ask(make(verb::post, "/api/v1/elsewhere", {}, R"({"text":"t"})")), "Location"),
              "");
}

TEST_F(router_test, an_idempotency_key_is_echoed_made_when_missing_and_limited) {
    const auto given =
        ask(make(verb::post, "/notes", {{"idempotency-key", "mine"}}, R"({"text":"t"})"));
    EXPECT_EQ(value(given, "Idempotency-Key"), "mine");
    EXPECT_TRUE(api.seen.key_from_client);
    const auto made = ask(make(verb::post, "/notes", {}, R"({"text":"t"})"));
    EXPECT_TRUE(is_uuid(value(made, "Idempotency-Key")));
    EXPECT_FALSE(api.seen.key_from_client);
    EXPECT_EQ(ask(make(verb::post, "/notes", {{"idempotency-key", std::string(255, 'k')}},
                       R"({"text":"t"})"))
                  .status,
              201);
    EXPECT_EQ(ask(make(verb::post, "/notes", {{"idempotency-key", std::string(256, 'k')}},
                       R"({"text":"t"})"))
                  .status,
              422);
    ask(make(verb::put, "/api/v1/notes/a", {{"idempotency-key", "ignored"}}, R"({"text":"t"})"));
    EXPECT_EQ(api.seen.idempotency_key, "") << "a row that takes no key does not see one";
}

TEST_F(router_test, an_empty_idempotency_key_is_refused_where_a_key_counts) {
    const auto refused =
        ask(make(verb::post, "/notes", {{"idempotency-key", ""}}, R"({"text":"t"})"));
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(text(refused).find(R"("code":"idempotency_key_empty")"), std::string::npos);
    EXPECT_EQ(api.seen.operation, "") << "nothing was called";
    const auto ignored =
        ask(make(verb::put, "/api/v1/notes/a", {{"idempotency-key", ""}}, R"({"text":"t"})"));
    EXPECT_EQ(ignored.status, 200) << "a row that takes no key does not see one";
}

TEST_F(router_test, what_the_server_refuses_itself_has_a_request_id_too) {
    const error why{.kind = errc::too_large, .code = "body_too_large"};
    request unread;
    const auto made = routes->refuse(why, 0, unread);
    EXPECT_EQ(made.status, 413);
    const auto id = value(made, "X-Request-Id");
    EXPECT_TRUE(is_uuid(id)) << id;
    EXPECT_NE(text(made).find(R"("request_id":")" + id + '"'), std::string::npos) << text(made);
    const auto given =
        routes->refuse(why, 431, make(verb::post, "/notes", {{"x-request-id", "req-7"}}));
    EXPECT_EQ(given.status, 431);
    EXPECT_EQ(value(given, "X-Request-Id"), "req-7");
}

TEST_F(router_test, a_stored_answer_is_sent_as_it_was_stored) {
    const auto again =
        ask(make(verb::post, "/notes", {{"idempotency-key", "k"}}, R"({"text":"replay"})"));
    EXPECT_EQ(again.status, 409);
    EXPECT_EQ(text(again), R"({"stored":true})");
    EXPECT_EQ(again.content_type, "application/problem+json");
    EXPECT_EQ(value(again, "Idempotent-Replayed"), "true");
}

TEST_F(router_test, what_is_thrown_is_a_500_with_a_request_id_and_without_the_cause) {
    for (const auto* path : {"/api/v1/notes/throw", "/api/v1/notes/broken"}) {
        const auto failed = get(path, {{"x-request-id", "req-1"}});
        EXPECT_EQ(failed.status, 500);
        EXPECT_EQ(failed.content_type, "application/problem+json");
        EXPECT_NE(text(failed).find("req-1"), std::string::npos);
        EXPECT_EQ(text(failed).find("secret"), std::string::npos);
        EXPECT_EQ(value(failed, "X-Request-Id"), "req-1");
    }
    EXPECT_EQ(get("/api/v1/notes/missing").status, 404);
}

TEST_F(router_test, a_request_id_that_is_not_plain_is_replaced) {
    for (const auto& odd : {std::string("a b"), std::string(65, 'a'), std::string("a\"b")})
        EXPECT_TRUE(is_uuid(value(get("/api/v1/notes/a", {{"x-request-id", odd}}), "X-Request-Id")))
            << odd;
}

TEST_F(router_test, only_a_valid_traceparent_travels_on) {
    const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    get("/api/v1/notes/a", {{"traceparent", good}});
    EXPECT_EQ(api.seen.traceparent, good);
    for (const auto* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}) {
        get("/api/v1/notes/a", {{"traceparent", bad}});
        EXPECT_EQ(api.seen.traceparent, "") << bad;
    }
}

class traced_router_test : public router_test {
 protected:
    void SetUp() override { build({}, &traces); }
    span only_span() {
        auto ended = traces.take(10);
        EXPECT_EQ(ended.size(), 1U);
        return ended.empty() ? span{} : std::move(ended.front());
    }
    static std::string attribute(const span& of, std::string_view key) {
        for (const auto& each : of.attributes) {
            if (each.key != key) continue;
            if (const auto* n = std::get_if<std::int64_t>(&each.value)) return std::to_string(*n);
            return std::get<std::string>(each.value);
        }
        return "(none)";
    }
    tracer traces{{.now = [this] { return time.now(); },
                   .ticks = [this] { return time.ticks(); },
                   .random = [this] { return random.next(); },
                   .measured = measured},
                  1.0};
    const std::string caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
};

TEST_F(traced_router_test, an_operation_is_a_server_span_under_its_caller) {
    get("/api/v1/notes/secret-id?limit=3", {{"traceparent", caller}});
    const auto made = only_span();
    EXPECT_EQ(made.name, "GetNote");
    EXPECT_EQ(made.kind, span_kind::server);
    EXPECT_EQ(trace_id_text(made.self), caller.substr(3, 32));
    EXPECT_EQ(span_id_text(made.parent_id), caller.substr(36, 16));
    EXPECT_EQ(api.seen.traceparent, write_traceparent(made.self)) << "what is called is under it";
    ASSERT_EQ(made.attributes.size(), 3U);
    EXPECT_EQ(attribute(made, "http.request.method"), "GET");
    EXPECT_EQ(attribute(made, "http.route"), "/api/v1/notes/{id}");
    EXPECT_EQ(attribute(made, "http.response.status_code"), "200");
    EXPECT_FALSE(made.failure);
}

TEST_F(traced_router_test, without_a_caller_a_trace_begins_and_a_client_that_says_no_is_heard) {
    get("/api/v1/notes/a");
    const auto made = only_span();
    EXPECT_EQ(made.parent_id, 0U);
    EXPECT_EQ(api.seen.traceparent, write_traceparent(made.self));
    const auto unwanted = caller.substr(0, 53) + "00";
    get("/api/v1/notes/a", {{"traceparent", unwanted}});
    EXPECT_EQ(traces.waiting(), 0U);
    EXPECT_EQ(api.seen.traceparent.substr(0, 36), caller.substr(0, 36));
    EXPECT_TRUE(api.seen.traceparent.ends_with("-00"));
}

TEST_F(traced_router_test,
       where_nobody_collects_a_span_is_worth_it_where_somebody_changes_something) {
    tracer memory{{.now = [this] { return time.now(); },
                   .ticks = [this] { return time.ticks(); },
                   .random = [this] { return random.next(); },
                   .measured = measured},
                  1.0,
                  0,
                  100};
    build({}, &memory);
    get("/api/v1/notes/a");
    EXPECT_EQ(api.seen.traceparent, "") << "a read begins no trace";
    ask(make(verb::post, "/api/v1/notes", {}, R"({"text":"hello"})"));
    EXPECT_EQ(api.seen.traceparent, "") << "nor does what anyone may do";
    ask(make(verb::post, "/api/v1/own", {{"authorization", "Bearer customer"}},
             R"({"text":"hello"})"));
    const auto own = read_traceparent(api.seen.traceparent);
    ASSERT_TRUE(own);
    const auto spans = memory.remembered({*own});
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_EQ(spans.front().name, "MakeOwn");
}

TEST_F(traced_router_test, failures_of_ours_are_errors_and_refusals_are_not) {
    get("/api/v1/notes/throw");
    const auto thrown = only_span();
    EXPECT_TRUE(thrown.failure);
    EXPECT_EQ(attribute(thrown, "error.type"), "500");
    for (const auto* path : {"/api/v1/notes/missing", "/api/v1/signed_in", "/nowhere"}) {
        get(path);
        EXPECT_FALSE(only_span().failure) << path;
    }
}

TEST_F(traced_router_test, an_unknown_path_names_no_route) {
    get("/nowhere/of/interest");
    const auto made = only_span();
    EXPECT_EQ(made.name, "unmatched");
    EXPECT_EQ(attribute(made, "http.route"), "(none)");
    EXPECT_EQ(attribute(made, "http.response.status_code"), "404");
    auto head = make(verb::get, "/api/v1/notes/a");
    head.head = true;
    ask(std::move(head));
    EXPECT_EQ(attribute(only_span(), "http.request.method"), "HEAD");
}

TEST_F(router_test, what_is_personal_is_not_stored_by_caches) {
    EXPECT_EQ(value(get("/api/v1/notes/a"), "Cache-Control"), "");
    EXPECT_EQ(
        value(get("/api/v1/registered", {{"authorization", "Bearer customer"}}), "Cache-Control"),
        "no-store");
    EXPECT_EQ(value(get("/api/v1/registered", {{"x-api-key", "forged"}}), "Cache-Control"),
              "no-store");
    EXPECT_EQ(
        value(ask(make(verb::post, "/api/v1/elsewhere", {}, R"({"text":"t"})")), "Cache-Control"),
        "no-store");
}

TEST_F(router_test, logins_are_limited_by_address_and_principals_by_name) {
    build({.per_principal = {2, 1}, .per_address_login = {2, 1}});
    const auto login = [&](std::string address) {
        auto in = make(verb::post, "/api/v1/login");
        in.address = std::move(address);
        return ask(in).status;
    };
    EXPECT_EQ(login("192.0.2.1"), 200);
    EXPECT_EQ(login("192.0.2.1"), 200);
    EXPECT_EQ(login("192.0.2.1"), 429);
    EXPECT_EQ(login("192.0.2.2"), 200);
    time.advance(seconds(1));
    EXPECT_EQ(login("192.0.2.1"), 200);
    for (const int expected : {200, 200, 429}) {
        const auto got = get("/api/v1/signed_in", {{"authorization", "Bearer guest"}});
        EXPECT_EQ(got.status, expected);
        EXPECT_EQ(value(got, "Retry-After"), expected == 429 ? "1" : "");
    }
    EXPECT_EQ(get("/api/v1/signed_in", {{"authorization", "Bearer customer"}}).status, 200);
}

TEST_F(router_test, browsing_is_shed_before_changes_are) {
    build({.in_flight = 4});
    stoa::testing::manual_clock& t = time;
    route waits{.method = verb::post, .path = "/wait", .name = "Wait", .caller = who::anyone};
    waits.answer = [&t](request_context, request, route::parameters) -> task<response> {
        co_await t.sleep(seconds(1));
        co_return response{};
    };
    ASSERT_TRUE(routes->add(std::move(waits)));
    int done = 0;
    for (int i = 0; i < 3; ++i)
        io.spawn([&]() -> task<> {
            (void)co_await routes->handle(make(verb::post, "/wait"));
            ++done;
        });
    ASSERT_TRUE(io.run_until([&] { return time.sleeping() == 3; }));
    const auto shed = get("/api/v1/notes/a");
    EXPECT_EQ(shed.status, 503);
    EXPECT_EQ(value(shed, "Retry-After"), "1");
    EXPECT_EQ(ask(make(verb::post, "/notes", {}, R"({"text":"t"})")).status, 201);
    time.advance(seconds(2));
    ASSERT_TRUE(io.run_until([&] { return done == 3; }));
    EXPECT_EQ(get("/api/v1/notes/a").status, 200);
    EXPECT_NE(measured.text().find("http_requests_shed_total 1"), std::string::npos);
}

TEST_F(router_test, cors_answers_known_origins_only) {
    build({.cors_origins = {"https://shop.example"}});
    auto preflight = make(verb::get, "/api/v1/notes/a", {{"origin", "https://shop.example"}});
    preflight.options = true;
    const auto allowed = ask(preflight);
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(value(allowed, "Access-Control-Allow-Origin"), "https://shop.example");
    EXPECT_EQ(value(allowed, "Access-Control-Allow-Methods"), "GET, HEAD, PUT, DELETE");
    EXPECT_EQ(value(get("/api/v1/notes/a", {{"origin", "https://evil.example"}}),
                    "Access-Control-Allow-Origin"),
              "");
    EXPECT_EQ(value(get("/api/v1/notes/a", {{"origin", "https://shop.example"}}), "Vary"),
              "Origin");
}

TEST_F(router_test, requests_are_counted_by_route_and_never_by_path) {
    get("/api/v1/notes/personal-name");
    get("/not/there/either");
    const auto text = measured.text();
    EXPECT_NE(
        text.find(R"(http_requests_total{method="GET",route="/api/v1/notes/{id}",status="200"} 1)"),
        std::string::npos);
    EXPECT_NE(text.find(R"(route="unmatched",status="404")"), std::string::npos);
    EXPECT_EQ(text.find("personal-name"), std::string::npos);
}

TEST_F(router_test, a_row_without_a_policy_or_with_a_stray_parameter_stops_the_start) {
    static constexpr operation no_policy[] = {serve<&notes::get>(verb::get, "/a/{id}", "A")};
    static constexpr operation stray[] = {
        serve<&notes::get>(verb::get, "/b/{other}", "B").allows(who::anyone)};
    static constexpr operation stray_alias[] = {
        serve<&notes::get>(verb::get, "/c/{id}", "C").also_at("/d/{other}").allows(who::anyone)};
    static constexpr operation twice[] = {
        serve<&notes::get>(verb::get, "/api/v1/notes/{id}", "D").allows(who::anyone)};
    for (std::span<const operation> rows :
         {std::span<const operation>(no_policy), std::span<const operation>(stray),
          std::span<const operation>(stray_alias), std::span<const operation>(twice)})
        EXPECT_FALSE(routes->add(service{"notes", rows, &api})) << rows.front().rpc;
    EXPECT_FALSE(routes->add(route{.path = "/page", .name = "Page"}));
}

// --- routes that stream
// ---------------------------------------------------------------------------------------

class fake_exchange final : public exchange {
 public:
    explicit fake_exchange(request in) : in_(std::move(in)) {}
    const request& head() const override { return in_; }
    task<result<std::string>> read_chunk() override { co_return std::string(); }
    task<result<void>> begin(response head) override {
        answers.push_back(std::move(head));
        co_return result<void>{};
    }
    task<result<void>> write_chunk(std::string) override { co_return result<void>{}; }
    task<result<void>> finish() override { co_return result<void>{}; }
    task<result<void>> answer(response whole) override {
        answers.push_back(std::move(whole));
        co_return result<void>{};
    }
    std::vector<response> answers;

 private:
    request in_;
};

TEST_F(router_test, a_stream_is_guarded_counted_and_survives_what_its_route_throws) {
    route upload{.method = verb::post,
                 .path = "/api/v1/notes/import",
                 .name = "Import",
                 .caller = who::operators};
    upload.stream = [](request_context, exchange& with, route::parameters) -> task<> {
        if (with.head().body == "throw") throw std::runtime_error("secret");
        response out{.status = 202};
        (void)co_await with.answer(std::move(out));
    };
    ASSERT_TRUE(routes->add(std::move(upload)));
    const auto run = [&](std::vector<header> headers, std::string body) {
        fake_exchange with(
            make(verb::post, "/api/v1/notes/import", std::move(headers), std::move(body)));
        const route* to = routes->streams(with.head());
        EXPECT_NE(to, nullptr);
        io.run([&]() -> task<> { co_await routes->handle_stream(*to, with); });
        EXPECT_EQ(with.answers.size(), 1U);
        return with.answers.empty() ? response{.status = 0} : with.answers.front();
    };
    EXPECT_EQ(run({}, "").status, 401);
    EXPECT_EQ(run({{"authorization", "Bearer customer"}}, "").status, 403);
    const auto taken = run({{"authorization", "Bearer operator"}}, "");
    EXPECT_EQ(taken.status, 202);
    EXPECT_NE(value(taken, "X-Request-Id"), "");
    EXPECT_EQ(value(taken, "Cache-Control"), "no-store");
    const auto thrown = run({{"authorization", "Bearer operator"}}, "throw");
    EXPECT_EQ(thrown.status, 500);
    EXPECT_EQ(text(thrown).find("secret"), std::string::npos);
    EXPECT_NE(measured.text().find(R"(route="/api/v1/notes/import",status="202"} 1)"),
              std::string::npos);
}

}  // namespace
}  // namespace stoa::http
