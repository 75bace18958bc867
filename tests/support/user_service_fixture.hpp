// The user service on the real embedded engine, called through its operation rows: bodies are JSON,
// as clients send them.
#pragma once

#include "adapters/security/jwt_authority.hpp"
#include "adapters/security/password_hasher.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "embedded/user_migrations.hpp"
#include "services/user/password_policy.hpp"
#include "services/user/user_events.hpp"
#include "services/user/user_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::users::testing {

// The real hasher at a cost that tests can pay, counting what is hashed.
class counting_hasher final : public password_hasher {
 public:
    task<result<std::string>> hash(std::string password) override {
        return inner_.hash(std::move(password));
    }
    task<result<bool>> verify(std::string password, std::string phc) override {
        ++verified;
        last_was_nobody = phc.empty();
        return inner_.verify(std::move(password), std::move(phc));
    }
    bool needs_rehash(const std::string& phc) override {
        return outdated || inner_.needs_rehash(phc);
    }

    int verified = 0;
    bool last_was_nobody = false;
    bool outdated = false;

 private:
    sodium_password_hasher inner_{{.cost = {.memory_kib = 8, .passes = 1}}};
};

struct reply {
    error wrong;
    std::string body;  // empty: failed
    int status = 0;

    bool ok() const { return !body.empty(); }
    template <class T>
    T as() const {
        return from_json<T>(body).value();
    }
};

// All that a client sees of a failure, but the request's id.
inline std::string problem_of(const reply& failed) { return problem_json(failed.wrong, "id"); }

inline constexpr topic_spec topics[] = {{.name = "notifications", .partitions = 1}};
inline constexpr std::string_view good_password = "correct staple 9";

class user_service_test : public ::testing::Test {
 protected:
    user_service_test() {
        sql_component component{.name = "user"};
        for (const auto& file : embedded::user_migrations())
            component.steps.push_back({std::string(file.name), std::string(file.content)});
        sqlite_options options{.directory = directory_.path(),
                               .migrations = {component},
                               .tables = {&sessions_table},
                               .topics = {std::begin(topics), std::end(topics)}};
        auto opened = sqlite_shop::open(options, clock_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
        users_.emplace(user_service::needs{shop_->database(), shop_->items(), hasher_, tokens_,
                                           clock_, random_},
                       user_settings{});
    }
    ~user_service_test() override { shop_->close(); }

    // As the transport does it: read, check the rules, call the row. `token` is the caller's.
    reply call(std::string_view rpc, std::string body, std::string token = {},
               std::string if_match = {}) {
        const auto rows = operations_of(*users_).operations;
        const auto row = std::ranges::find(rows, rpc, &operation::rpc);
        if (row == rows.end()) throw std::runtime_error("no such operation");
        record_box request(*row->request);
        auto found = read_json(body, *row->request, request.get());
        if (found.empty()) check_rules(found, *row->request, request.get());
        if (!found.empty()) return {invalid_request(std::move(found)), {}};
        request_context context{.if_match = std::move(if_match), .address = address_};
        if (!token.empty()) {
            auto caller = authenticate(token);
            if (!caller) return {caller.error(), {}};
            context.caller = *caller;
        }
        return loop_.run([&] { return answer_of(*row, context, std::move(request)); });
    }
    task<reply> answer_of(operation row, request_context context, record_box request) {
        auto answer =
            co_await row.call(static_cast<api*>(&*users_), std::move(context), std::move(request));
        if (!answer) co_return reply{answer.error(), {}};
        reply out{.status = row.success};
        write_json(out.body, answer->of(), answer->get());
        co_return out;
    }
    result<principal> authenticate(std::string token) {
        return loop_.run([&] { return users_->authenticate(token); });
    }
    signed_in registered(const std::string& email, std::string token = {}) {
        auto answer =
            call("Register",
                 R"({"email":")" + email + R"(","password":")" + std::string(good_password) +
                     R"(","first_name":"Ada","last_name":"Byron"})",
                 std::move(token));
        EXPECT_TRUE(answer.ok()) << answer.wrong.detail;
        return answer.as<signed_in>();
    }
    reply login(const std::string& email, std::string_view password, std::string token = {}) {
        return call("Login",
                    R"({"email":")" + email + R"(","password":")" + std::string(password) + R"("})",
                    std::move(token));
    }
    std::string operator_token() {
        const auto made = loop_.run(
            [&] { return users_->ensure_admin("ops@shop.test", "generated-by-the-program"); });
        EXPECT_TRUE(made.has_value());
        auto answer = login("ops@shop.test", "generated-by-the-program");
        EXPECT_TRUE(answer.ok()) << answer.wrong.detail;
        return answer.as<signed_in>().token;
    }
    static std::string id_body(const std::string& id) { return R"({"id":")" + id + R"("})"; }
    static std::string refresh_body(const std::string& token) {
        return R"({"refresh_token":")" + token + R"("})";
    }

    std::vector<delivery> notifications(std::string_view type) {
        auto all = loop_.run([&] { return shop_->log().read("notifications", 0, 0, 100); }).value();
        std::erase_if(all, [&](const delivery& each) { return each.message.type != type; });
        return all;
    }

    stoa::testing::temporary_directory directory_;
    stoa::testing::manual_clock clock_;
    stoa::testing::seeded_random random_{stoa::testing::test_seed()};
    stoa::testing::test_loop loop_;
    counting_hasher hasher_;
    jwt_authority tokens_{make_key_ring({})};
    std::unique_ptr<sqlite_shop> shop_;
    std::optional<user_service> users_;
    std::string address_ = "192.0.2.1";
};

}  // namespace stoa::users::testing
