// What travels with a call through every service: who asks, until when, under which trace. Passed
// by value.
#pragma once

#include "base/time.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace stoa {

// What a caller may be. `service` is a part of the shop itself, never a person.
enum class role : std::uint8_t { anonymous, guest, customer, operator_, service };
BOOST_DESCRIBE_ENUM(role, anonymous, guest, customer, operator_, service)

struct principal {
    role is = role::anonymous;
    std::string user_id;              // empty for anonymous and service callers
    std::string session_id;           // of a bearer token; empty for API keys
    std::string key_id;               // of an API key
    std::vector<std::string> scopes;  // of an API key: products:write …; empty: all of its role

    bool signed_in() const { return is != role::anonymous; }
    bool runs_the_shop() const { return is == role::operator_ || is == role::service; }
    // Owners see their own objects, operators and services all.
    bool may_see(std::string_view owner_id) const {
        return runs_the_shop() || (signed_in() && user_id == owner_id);
    }
    // The name under which idempotency keys and rate limits are kept.
    std::string scope() const {
        if (!key_id.empty()) return "key:" + key_id;
        if (!user_id.empty()) return "user:" + user_id;
        return is == role::service ? "service" : "anonymous";
    }
};
BOOST_DESCRIBE_STRUCT(principal, (), (is, user_id, session_id, key_id, scopes))

// How an operation departs from its row's plain answer. Shared with the transport that made the
// context; a service sets it at most once, before it returns.
struct reply_note {
    int status = 0;  // not 0: instead of the row's success status
    std::string
        body;  // not empty: these bytes instead of the serialised response, as they were stored
    bool replayed = false;  // the answer of an earlier request with the same idempotency key
};

struct request_context {
    principal caller;
    std::string request_id;
    std::string traceparent;  // W3C: of the request's span, or the caller's where tracing is off
    std::string operation;    // the row's rpc name; part of the idempotency scope
    std::string idempotency_key;  // from the header, or made by the server
    bool key_from_client = false;
    std::uint64_t request_hash = 0;  // of method, path and body, for keys that are used again
    std::string if_match;            // versions, joined by commas; empty: no condition
    std::string address;             // of the client, for rate limits; never logged
    instant deadline{INT64_MAX};
    std::shared_ptr<reply_note> reply = std::make_shared<reply_note>();

    // Whether If-Match lets something at this version be changed.
    bool matches(std::int64_t version) const {
        return if_match.empty() ||
               (',' + if_match + ',').find(',' + std::to_string(version) + ',') !=
                   std::string::npos;
    }
};

}  // namespace stoa
