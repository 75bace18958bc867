#include "apps/stoa/session_pages.hpp"

#include "base/json.hpp"
#include "services/user/user_requests.hpp"

#include <algorithm>

namespace stoa {

// What a page gets of users::signed_in.
struct browser_session {
    std::string id;
    std::optional<std::string> email;
    std::string first_name, last_name;
    users::account_role role = users::account_role::guest;
    std::string token;
    std::int64_t expires_in = 0;  // seconds
};
BOOST_DESCRIBE_STRUCT(browser_session, (),
                      (id, email, first_name, last_name, role, token, expires_in))

namespace {

using http::request;
using http::response;
using http::route;
using asker = std::function<task<response>(request)>;

constexpr std::string_view cookie_name = "stoa_session";
// As long as a refresh token lasts; the user service has the last word.
constexpr std::string_view cookie_age_s = "2592000";

std::string cookie_of(std::string_view place, std::string_view value, const request& from) {
    std::string out(cookie_name);
    out.append("=").append(value).append("; Path=/session/").append(place);
    out.append("; HttpOnly; SameSite=Strict; Max-Age=").append(value.empty() ? "0" : cookie_age_s);
    if (from.find("x-forwarded-proto") == "https") out += "; Secure";
    return out;
}

std::string_view token_in(std::string_view cookies) {
    while (!cookies.empty()) {
        const auto end = std::min(cookies.find(';'), cookies.size());
        auto pair = cookies.substr(0, end);
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
        pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
        if (pair.starts_with(cookie_name) && pair.substr(cookie_name.size()).starts_with('='))
            return pair.substr(cookie_name.size() + 1);
    }
    return {};
}

// SameSite keeps other sites' pages from sending the cookie, and browsers say where a request came
// from: both are looked at, since a neighbour on another port counts as the same site.
bool from_elsewhere(const request& in) {
    const auto site = in.find("sec-fetch-site");
    return !site.empty() && site != "same-origin" && site != "none";
}

response no_store(response out) {
    out.headers.push_back({"Cache-Control", "no-store"});
    return out;
}

// The refresh token goes into the cookie, the rest to the page.
response seal(response answered, const std::string& place, const request& from) {
    if (answered.status >= 300 || !answered.body) return answered;
    auto whole = from_json<users::signed_in>(*answered.body);
    if (!whole) return http::problem_response(whole.error(), {});
    response out{.status = answered.status};
    out.headers.push_back({"Set-Cookie", cookie_of(place, whole->refresh_token, from)});
    out.set_body(to_json(browser_session{.id = std::move(whole->id),
                                         .email = std::move(whole->email),
                                         .first_name = std::move(whole->first_name),
                                         .last_name = std::move(whole->last_name),
                                         .role = whole->role,
                                         .token = std::move(whole->token),
                                         .expires_in = whole->expires_in}));
    return no_store(std::move(out));
}

// An inner answer carries the headers of every answer, and so does the outer one.
response once_headed(response answered) {
    std::erase_if(answered.headers, [](const http::header& each) {
        return each.name != "Retry-After" && each.name != "WWW-Authenticate";
    });
    return answered;
}

request to_operation(request in, std::string_view name, const std::string& request_id) {
    in.path = "/api/v1/auth/" + std::string(name);
    in.target = in.path;
    in.query.clear();
    // Nothing of a browser's own goes further, where the operation is answered by another process.
    std::erase_if(in.headers, [](const http::header& each) {
        return each.name == "cookie" || each.name == "x-request-id";
    });
    in.headers.push_back({"x-request-id", request_id});
    return in;
}

// What all of them need of the request that came.
struct visit {
    asker ask;
    std::string place, name, request_id;
};

task<response> open_session(visit at, request in) {
    const request from = in;
    auto answered = co_await at.ask(to_operation(std::move(in), at.name, at.request_id));
    co_return seal(once_headed(std::move(answered)), at.place, from);
}

task<response> refresh_session(visit at, request in) {
    const request from = in;
    const std::string held(token_in(from.find("cookie")));
    // Nobody was signed in here: every first visit is one, and no failure.
    if (held.empty() || held.size() > 512) co_return no_store({.status = 204});
    auto wanted = to_operation(std::move(in), "refresh", at.request_id);
    wanted.body = to_json(users::refresh_request{.refresh_token = held});
    auto answered = once_headed(co_await at.ask(std::move(wanted)));
    if (answered.status == 401)  // the session is over: the cookie is worth nothing any more
        answered.headers.push_back({"Set-Cookie", cookie_of(at.place, {}, from)});
    co_return seal(std::move(answered), at.place, from);
}

task<response> end_session(visit at, request in) {
    const request from = in;
    auto answered =
        once_headed(co_await at.ask(to_operation(std::move(in), "logout", at.request_id)));
    // The cookie goes whatever became of the session: the person asked to be signed out.
    answered.headers.push_back({"Set-Cookie", cookie_of(at.place, {}, from)});
    co_return answered;
}

route session_page(const asker& ask, std::string place, std::string name, std::string rpc) {
    route out{.method = verb::post,
              .path = "/session/" + place + '/' + name,
              .name = std::move(rpc),
              .caller = who::anyone};
    out.answer = [ask, place, name](request_context context, request in,
                                    route::parameters) -> task<response> {
        if (from_elsewhere(in))
            co_return http::problem_response(
                {.kind = errc::forbidden,
                 .code = "not_this_site",
                 .detail = "sessions of browsers are opened by the shop's own pages; programs use "
                           "/api/v1/auth"},
                context.request_id);
        visit at{ask, place, name, context.request_id};
        if (name == "refresh") co_return co_await refresh_session(std::move(at), std::move(in));
        if (name == "logout") co_return co_await end_session(std::move(at), std::move(in));
        co_return co_await open_session(std::move(at), std::move(in));
    };
    return out;
}

}  // namespace

std::vector<route> session_pages(std::function<task<response>(request)> ask) {
    std::vector<route> out;
    for (const std::string place : {"shop", "console"}) {
        out.push_back(session_page(ask, place, "login", "BrowserLogin"));
        out.push_back(session_page(ask, place, "refresh", "BrowserRefresh"));
        out.push_back(session_page(ask, place, "logout", "BrowserLogout"));
    }
    out.push_back(session_page(ask, "shop", "guest", "BrowserGuest"));
    out.push_back(session_page(ask, "shop", "register", "BrowserRegister"));
    return out;
}

}  // namespace stoa
