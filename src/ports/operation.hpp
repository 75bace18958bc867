// How a service is asked: one row describes one operation; HTTP, gRPC, OpenAPI, metrics,
// authorization and the API collection come from it, by code that is compiled once: a row is plain
// data, its one template ends in `call`, a thunk.
//
//   constexpr operation table[] = {
//       serve<&api::get_order>(verb::get, "/api/v1/orders/{id}",
//       "GetOrder").allows(who::signed_in),
//   };
#pragma once

#include "base/context.hpp"
#include "base/described.hpp"
#include "runtime/task.hpp"

namespace stoa {

enum class verb : std::uint8_t { get, post, put, patch, erase };

// Who may call. There is no default: a row without a policy stops the start.
enum class who : std::uint8_t {
    nobody_yet,  // not decided: refused at start
    anyone,      // no token needed
    signed_in,   // guests, customers, operators; the service answers 404 for another's object
    registered,  // signed in with credentials of their own: not guests
    operators,   // and services
    services,    // parts of the shop only
};

struct operation {
    std::string_view
        rpc;  // CreateOrder: also the metric's, the span's and the idempotency scope's name
    verb method = verb::get;
    std::string_view
        path;  // {name} binds the request's member of that name; so do query parameters
    std::string_view alias{};  // a second path, as the documents show it without the prefix
    std::uint16_t success = 200;
    who caller = who::nobody_yet;
    bool takes_key = false;      // honours Idempotency-Key
    bool hides_body = false;     // bodies carry secrets: never traced
    std::string_view summary{};  // one sentence for the API page
    const type* request = nullptr;
    const type* response = nullptr;
    task<result<record_box>> (*call)(void* api, request_context, record_box request) = nullptr;

    // Each word of a row is a copy with one member set. Defined first: constant evaluation needs
    // the body.
    template <class M>
    constexpr operation with(M operation::* member, M value) const {
        operation out = *this;
        out.*member = value;
        return out;
    }

    constexpr operation answers(std::uint16_t status) const {
        return with(&operation::success, status);
    }
    constexpr operation allows(who callers) const { return with(&operation::caller, callers); }
    constexpr operation takes_idempotency_key() const { return with(&operation::takes_key, true); }
    constexpr operation also_at(std::string_view path_) const {
        return with(&operation::alias, path_);
    }
    constexpr operation keeps_secrets() const { return with(&operation::hides_body, true); }
    constexpr operation says(std::string_view text) const {
        return with(&operation::summary, text);
    }
};

namespace detail {
template <class M>
struct api_member;
template <class Api, class Response, class Request>
struct api_member<task<result<Response>> (Api::*)(request_context, Request)> {
    using api = Api;
    using request = Request;
    using response = Response;
};

template <auto Member>
task<result<record_box>> call_member(void* api, request_context context, record_box request) {
    using m = api_member<decltype(Member)>;
    auto& self = *static_cast<typename m::api*>(api);
    auto response =
        co_await (self.*Member)(std::move(context), std::move(request.as<typename m::request>()));
    if (!response) co_return std::unexpected(std::move(response).error());
    co_return record_box::holding(*std::move(response));
}
}  // namespace detail

template <auto Member>
constexpr operation serve(verb method, std::string_view path, std::string_view rpc) {
    using m = detail::api_member<decltype(Member)>;
    operation row;
    row.rpc = rpc;
    row.method = method;
    row.path = path;
    row.request = &type_of<typename m::request>;
    row.response = &type_of<typename m::response>;
    row.call = &detail::call_member<Member>;
    return row;
}

// What wiring hands to the transports: the table and the object behind it. `api` must be the
// address of the very class whose members the rows name (static_cast<orders::api*>(&service)).
struct service {
    std::string_view name;  // orders
    std::span<const operation> operations;
    void* api = nullptr;
};

}  // namespace stoa
