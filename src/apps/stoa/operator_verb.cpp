// `stoa operator EMAIL`: the first account that runs a shop, which no other account can make.
#include "apps/stoa/commands.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/tools.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/json.hpp"
#include "services/user/user_requests.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cstdio>

namespace stoa {
namespace {

result<made_operator> ask_running(http::blocking_client& shop,
                                  const users::make_operator_request& wanted) {
    STOA_TRY(const auto answer, shop.call("POST", "/local/operator", to_json(wanted)));
    if (answer.status >= 400) return fail(error_of(answer));
    return from_json<made_operator>(answer.body);
}

result<made_operator> make_stopped(const settings& from,
                                   const users::make_operator_request& wanted) {
    STOA_TRY_VOID(require_shop(from));
    STOA_TRY(const auto stopped, shop::open(from));
    loop own(1);
    result<made_operator> done = fail(errc::internal, "operator_ended_early");
    asio::co_spawn(own, stopped->make_operator(wanted.email),
                   [&](const std::exception_ptr& thrown, result<made_operator> outcome) {
                       if (thrown) std::rethrow_exception(thrown);
                       done = std::move(outcome);
                   });
    own.run();
    return done;
}

}  // namespace

int run_operator(const settings& from, const std::string& email) {
    const users::make_operator_request wanted{email};
    const auto wrong = rule_problems(wanted);
    if (!wrong.empty())
        return complain({.code = "bad_address", .detail = '`' + email + "` is no e-mail address"});
    const auto running = running_shop(from);
    const auto made = running ? ask_running(*running, wanted) : make_stopped(from, wanted);
    if (!made) return complain(made.error());
    const char* const name = made->email.c_str();
    if (made->created) std::printf("%s is an operator\n", name);
    else if (made->changed)
        std::printf("%s is an operator now, no customer any more: sign in again\n", name);
    else std::printf("%s was an operator already\n", name);
    if (made->password)
        std::printf("Password: %s  (shown only now; POST /api/v1/auth/password changes it)\n",
                    made->password->c_str());
    return 0;
}

}  // namespace stoa
