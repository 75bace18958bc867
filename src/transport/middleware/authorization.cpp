#include "transport/middleware/authorization.hpp"

#include <algorithm>

namespace stoa {
namespace {

bool policy_allows(who policy, const principal& who_calls) {
    switch (policy) {
        case who::nobody_yet:
            return false;
        case who::anyone:
            return true;
        case who::signed_in:
            return who_calls.signed_in();
        case who::registered:
            return who_calls.signed_in() && who_calls.is != role::guest;
        case who::operators:
            return who_calls.runs_the_shop();
        case who::services:
            return who_calls.is == role::service;
    }
    return false;
}

}  // namespace

result<void> check_access(const principal& who_calls, const wanted_access& to) {
    bool may = policy_allows(to.caller, who_calls);
    if (!may && !who_calls.signed_in())
        return fail(errc::unauthenticated, "authentication_required",
                    "log in, or POST /api/v1/auth/guest for a guest's token");
    // What anyone may do needs no scope: a key must not be able to do less than nobody.
    if (!who_calls.scopes.empty() && may && to.caller != who::anyone) {
        const auto wanted = std::string(to.of) + (to.reads ? ":read" : ":write");
        if (std::ranges::find(who_calls.scopes, wanted) == who_calls.scopes.end())
            return fail(
                errc::forbidden, "not_permitted",
                "this key has no scope " + wanted + "; make one that has (POST /api/v1/api-keys)");
    }
    if (!may)
        return fail(errc::forbidden, "not_permitted",
                    "this is for others than a " + std::string(who_calls.is == role::guest ? "guest"
                                                               : who_calls.is == role::customer
                                                                   ? "customer"
                                                                   : "key of an operator"));
    return {};
}

}  // namespace stoa
