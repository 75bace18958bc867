#include "support/user_service_fixture.hpp"

namespace stoa::users::testing {
namespace {

// --- registration
// ----------------------------------------------------------------------------------------

TEST_F(user_service_test, registering_signs_in_and_shows_no_hash) {
    auto answer = call("Register", R"({"email":"Ada@Example.com","password":"correct staple 9",)"
                                   R"("first_name":"Ада","last_name":"李"})");
    ASSERT_TRUE(answer.ok()) << answer.wrong.detail;
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body.find("argon2"), std::string::npos);
    EXPECT_EQ(answer.body.find("hash"), std::string::npos);
    const auto who = answer.as<signed_in>();
    EXPECT_EQ(who.email, "Ada@Example.com");
    EXPECT_EQ(who.first_name, "Ада");
    EXPECT_EQ(who.role, account_role::customer);
    EXPECT_EQ(who.expires_in, 600);
    const auto me = call("GetMe", "{}", who.token);
    ASSERT_TRUE(me.ok());
    EXPECT_EQ(me.as<user>().last_name, "李");
    EXPECT_EQ(me.body.find("hash"), std::string::npos);
}

TEST_F(user_service_test, an_email_is_one_account_whatever_its_case) {
    registered("ada@example.com");
    const auto again =
        call("Register", R"({"email":"ADA@EXAMPLE.COM","password":"correct staple 9",)"
                         R"("first_name":"A","last_name":"B"})");
    EXPECT_EQ(again.wrong.kind, errc::conflict);
    EXPECT_EQ(again.wrong.code, "email_taken");
    EXPECT_TRUE(login("aDa@example.COM", good_password).ok());
}

TEST_F(user_service_test, weak_passwords_are_refused_with_the_reason) {
    const std::pair<std::string, std::string> cases[] = {{"short", "too_short"},
                                                         {std::string(129, 'x'), "too_long"},
                                                         {"Password1!", "too_common"},
                                                         {"p@ssw0rd2024", "too_common"},
                                                         {"12345678", "too_common"},
                                                         {"qwertyuiop", "too_common"},
                                                         {"abcabcabc", "too_common"},
                                                         {"Sunshine99", "too_common"},
                                                         {"ada@example.com", "same_as_email"}};
    for (const auto& [password, code] : cases) {
        const auto answer =
            call("Register", R"({"email":"ada@example.com","password":")" + password +
                                 R"(","first_name":"A","last_name":"B"})");
        ASSERT_FALSE(answer.ok()) << password;
        EXPECT_EQ(answer.wrong.kind, errc::invalid);
        EXPECT_EQ(answer.wrong.errors.at(0).where, "password");
        EXPECT_EQ(answer.wrong.errors.at(0).code, code) << password;
    }
    EXPECT_FALSE(refuse_password("violet anchor hums", "ada@example.com"));
    EXPECT_TRUE(std::ranges::is_sorted(common_passwords()));
}

TEST_F(user_service_test, server_owned_and_ill_formed_members_are_named) {
    const std::string base =
        R"("email":"a@b.test","password":"correct staple 9","first_name":"A","last_name":"B")";
    for (const std::string extra :
         {R"("role":"admin")", R"("id":"x")", R"("active":true)", R"("email_verified":true)",
          R"("created_at":"x")", R"("version":7)", R"("password_hash":"x")"}) {
        const auto answer = call("Register", "{" + base + "," + extra + "}");
        ASSERT_FALSE(answer.ok()) << extra;
        EXPECT_EQ(answer.wrong.errors.at(0).code, "not_settable") << extra;
    }
    const auto ops = operator_token();
    const std::pair<std::string_view, std::string> bad[] = {
        {"Register",
         R"({"email":"nobody","password":"correct staple 9","first_name":"A","last_name":"B"})"},
        {"Register", R"({"email":"a@b.test","password":"correct staple 9",)"
                     R"("first_name":"A\u0007","last_name":"B"})"},
        {"Register", "{}"},
        {"Login", R"({"email":"a@b.test"})"},
        {"Login", R"({"email":7,"password":true})"},
        {"Refresh", R"({"refresh_token":""})"},
        {"ChangePassword", R"({"current_password":"x"})"},
        {"RequestPasswordReset", R"({"email":"x"})"},
        {"ResetPassword", R"({"token":"","new_password":"y"})"},
        {"VerifyEmail", R"({"token":""})"},
        {"CreateGuest", R"({"email":"x"})"},
        {"CreateGuest", R"({"email":"a@b.test","email_verified":true})"},
        {"UpdateMe", R"({"role":"admin"})"},
        {"UpdateMe", R"({"first_name":""})"},
        {"UpdateMe", R"({"password":"correct staple 9"})"},
        {"UpdateUser", R"({"first_name":"no id"})"},
        {"ListUsers", R"({"limit":101})"},
        {"ListUsers", R"({"skip":-1})"},
        {"ListUsers", R"({"cursor":"nonsense"})"},
        {"ListUsers", R"({"role":"king"})"},
        {"CreateUser", R"({"email":"a@b.test","first_name":"A","last_name":"B","role":"admin"})"},
        {"CreateUser",
         R"({"email":"a@b.test","first_name":"A","last_name":"B","password":"12345678"})"},
        {"ListCustomers", R"({"limit":0})"},
        {"CreateCustomer", R"({"name":""})"},
        {"CreateCustomer", R"({"name":"A","email":"x"})"},
        {"UpdateCustomer", R"({"name":"A"})"},
        {"CreateApiKey", R"({"name":"k","scopes":[]})"},
        {"CreateApiKey", R"({"name":"k","scopes":["products:fly"]})"},
        {"CreateApiKey", R"({"name":"k","scopes":["secrets:read"]})"}};
    for (const auto& [rpc, body] : bad) {
        const auto answer = call(rpc, body, ops);
        EXPECT_FALSE(answer.ok()) << rpc << ' ' << body;
        EXPECT_EQ(answer.wrong.kind, errc::invalid) << rpc << ' ' << body;
        EXPECT_FALSE(answer.wrong.errors.empty()) << rpc << ' ' << body;
    }
}

// --- login
// -----------------------------------------------------------------------------------------------

TEST_F(user_service_test, wrong_password_and_unknown_user_cannot_be_told_apart) {
    registered("ada@example.com");
    const auto wrong = login("ada@example.com", "not the password");
    EXPECT_FALSE(hasher_.last_was_nobody);
    const auto unknown = login("nobody@example.com", "not the password");
    EXPECT_TRUE(hasher_.last_was_nobody);
    EXPECT_EQ(hasher_.verified, 2);  // both cost a hash
    EXPECT_EQ(problem_of(wrong), problem_of(unknown));
    EXPECT_EQ(wrong.wrong.code, "invalid_credentials");
    EXPECT_EQ(wrong.wrong.kind, errc::unauthenticated);
}

TEST_F(user_service_test,
       an_account_takes_twenty_guesses_an_hour_from_strangers_and_still_lets_its_owner_in) {
    registered("ada@example.com");
    ASSERT_TRUE(login("ada@example.com", good_password)
                    .ok());  // the first of the twenty; the owner's address is known now
    int limited = 0;
    for (int i = 0; i < 200; ++i) {
        address_ = "198.51.100." + std::to_string(i);
        const auto answer = login("ada@example.com", "guess");
        if (answer.wrong.kind == errc::rate_limited) {
            ++limited;
            EXPECT_EQ(answer.wrong.code, "too_many_attempts");
            EXPECT_GT(answer.wrong.retry_after_s, 0);
        }
    }
    EXPECT_EQ(hasher_.verified, 20);
    EXPECT_EQ(limited, 181);
    address_ = "192.0.2.1";
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
    address_ = "198.51.100.1";
    clock_.advance(hours(1));
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
}

TEST_F(user_service_test,
       an_address_that_guesses_on_waits_longer_each_time_also_for_unknown_accounts) {
    for (const std::string email : {"ada@example.com", "nobody@example.com"}) {
        if (email == "ada@example.com") registered(email);
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(login(email, "guess").wrong.code, "invalid_credentials");
        std::vector<int> waits;
        for (int i = 0; i < 5; ++i) {
            const auto refused = login(email, "guess");
            ASSERT_EQ(refused.wrong.kind, errc::rate_limited);
            waits.push_back(refused.wrong.retry_after_s);
            clock_.advance(seconds(refused.wrong.retry_after_s));
            EXPECT_EQ(login(email, "guess").wrong.code, "invalid_credentials");
        }
        EXPECT_EQ(waits, (std::vector<int>{1, 2, 4, 8, 16}));
    }
}

TEST_F(user_service_test, an_outdated_hash_is_replaced_at_login) {
    registered("ada@example.com");
    const auto stored = [&] {
        return loop_.run([&] {
            return shop_->database().read([](transaction& t) -> result<std::string> {
                return *store::find_credentials_by_email(t, "ada@example.com")->password_hash;
            });
        });
    };
    const auto before = stored().value();
    hasher_.outdated = true;
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
    EXPECT_NE(stored().value(), before);
    hasher_.outdated = false;
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
}

// --- sessions
// --------------------------------------------------------------------------------------------

TEST_F(user_service_test, a_refresh_token_works_once_and_its_second_use_ends_the_session) {
    const auto first = registered("ada@example.com");
    const auto second = call("Refresh", refresh_body(first.refresh_token));
    ASSERT_TRUE(second.ok()) << second.wrong.detail;
    const auto third = call("Refresh", refresh_body(second.as<signed_in>().refresh_token));
    ASSERT_TRUE(third.ok());
    ASSERT_TRUE(authenticate(third.as<signed_in>().token).has_value());
    // A thief, or the owner after a thief.
    EXPECT_EQ(call("Refresh", refresh_body(first.refresh_token)).wrong.kind, errc::unauthenticated);
    EXPECT_FALSE(authenticate(third.as<signed_in>().token).has_value());
    EXPECT_FALSE(call("Refresh", refresh_body(third.as<signed_in>().refresh_token)).ok());
}

TEST_F(user_service_test, a_refresh_whose_answer_was_lost_gets_the_same_tokens_again_for_a_while) {
    const auto first = registered("ada@example.com");
    const auto second = call("Refresh", refresh_body(first.refresh_token));
    ASSERT_TRUE(second.ok());
    clock_.advance(seconds(9));
    const auto again = call("Refresh", refresh_body(first.refresh_token));
    ASSERT_TRUE(again.ok()) << again.wrong.detail;
    EXPECT_EQ(again.as<signed_in>().refresh_token, second.as<signed_in>().refresh_token);
    EXPECT_TRUE(authenticate(again.as<signed_in>().token).has_value());
    clock_.advance(seconds(2));
    EXPECT_FALSE(call("Refresh", refresh_body(first.refresh_token)).ok());
    EXPECT_FALSE(authenticate(second.as<signed_in>().token).has_value()) << "later it is a thief's";
}

TEST_F(user_service_test, guessed_refresh_tokens_end_nobodys_session) {
    const auto who = registered("ada@example.com");
    const auto session = who.refresh_token.substr(0, who.refresh_token.find('.'));
    auto forged = who.refresh_token;
    forged.back() = forged.back() == '0' ? '1' : '0';
    for (const auto& token :
         {forged, session + ".0." + std::string(64, 'a'), session + ".-1.x", session + ".x.y",
          session, std::string("..."), who.token, session + ".99999999999999999999.x"})
        EXPECT_EQ(call("Refresh", refresh_body(token)).wrong.code, "invalid_refresh_token")
            << token;
    EXPECT_TRUE(authenticate(who.token).has_value());
    EXPECT_TRUE(call("Refresh", refresh_body(who.refresh_token)).ok());
}

TEST_F(user_service_test, a_refresh_token_is_no_access_token) {
    const auto who = registered("ada@example.com");
    EXPECT_EQ(authenticate(who.refresh_token).error().kind, errc::unauthenticated);
    EXPECT_EQ(authenticate("").error().kind, errc::unauthenticated);
    EXPECT_EQ(authenticate("stoa_" + std::string(64, '0')).error().kind, errc::unauthenticated);
}

TEST_F(user_service_test, logging_out_bites_at_once_and_only_there) {
    const auto here = registered("ada@example.com");
    const auto there = login("ada@example.com", good_password).as<signed_in>();
    ASSERT_TRUE(call("Logout", "{}", here.token).ok());
    EXPECT_EQ(authenticate(here.token).error().kind, errc::unauthenticated);
    EXPECT_FALSE(call("Refresh", refresh_body(here.refresh_token)).ok());
    EXPECT_TRUE(authenticate(there.token).has_value());
}

TEST_F(user_service_test, tokens_and_sessions_end_with_their_time) {
    const auto who = registered("ada@example.com");
    clock_.advance(minutes(11));
    EXPECT_FALSE(authenticate(who.token).has_value());
    const auto next = call("Refresh", refresh_body(who.refresh_token));
    ASSERT_TRUE(next.ok());
    clock_.advance(hours(24 * 31));
    EXPECT_FALSE(call("Refresh", refresh_body(next.as<signed_in>().refresh_token)).ok());
}

TEST_F(user_service_test, the_oldest_session_gives_way_beyond_twenty) {
    const auto first = registered("ada@example.com");
    std::string last;
    for (std::size_t i = 0; i < session_store::most_sessions; ++i)
        last = login("ada@example.com", good_password).as<signed_in>().token;
    EXPECT_FALSE(authenticate(first.token).has_value());
    EXPECT_TRUE(authenticate(last).has_value());
}

// --- passwords
// -------------------------------------------------------------------------------------------

TEST_F(user_service_test, a_new_password_ends_the_other_sessions_and_keeps_this_one) {
    const auto here = registered("ada@example.com");
    const auto there = login("ada@example.com", good_password).as<signed_in>();
    clock_.advance(seconds(1));
    const auto wrong =
        call("ChangePassword", R"({"current_password":"nope","new_password":"another staple 9"})",
             here.token);
    EXPECT_EQ(wrong.wrong.code, "invalid_credentials");
    EXPECT_TRUE(authenticate(there.token).has_value());
    const auto done = call(
        "ChangePassword",
        R"({"current_password":"correct staple 9","new_password":"another staple 9"})", here.token);
    ASSERT_TRUE(done.ok()) << done.wrong.detail;
    EXPECT_FALSE(authenticate(there.token).has_value());
    EXPECT_FALSE(call("Refresh", refresh_body(there.refresh_token)).ok());
    EXPECT_TRUE(authenticate(here.token).has_value());
    EXPECT_TRUE(call("Refresh", refresh_body(here.refresh_token)).ok());
    EXPECT_FALSE(login("ada@example.com", good_password).ok());
    EXPECT_TRUE(login("ada@example.com", "another staple 9").ok());
}

TEST_F(user_service_test, a_login_that_began_before_the_sessions_were_ended_gets_none) {
    const auto who = registered("ada@example.com");
    session_store sessions(shop_->items(), clock_);
    const auto began = clock_.now();
    clock_.advance(seconds(1));
    const auto ended = loop_.run([&] { return sessions.end_all(who.id, clock_.now(), "", 1); });
    ASSERT_TRUE(ended.has_value());
    const session_record late{.session_id = "late", .user_id = who.id, .authenticated_at = began};
    EXPECT_EQ(loop_.run([&] { return sessions.start(late); }).error().code, "session_ended");
}

TEST_F(user_service_test, a_reset_is_answered_alike_for_everybody_and_mailed_to_those_who_exist) {
    const auto who = registered("Ada@example.com");
    const auto known = call("RequestPasswordReset", R"({"email":"ada@EXAMPLE.com"})");
    const auto unknown = call("RequestPasswordReset", R"({"email":"nobody@example.com"})");
    EXPECT_EQ(known.status, 202);
    EXPECT_EQ(known.body, unknown.body);
    const auto sent = notifications("password.reset_requested");
    ASSERT_EQ(sent.size(), 1u);
    const auto told = from_json<password_reset_requested>(sent[0].message.payload).value();
    EXPECT_EQ(told.user_id, who.id);
    EXPECT_EQ(told.email, "Ada@example.com");

    clock_.advance(seconds(1));
    const auto confirm = [&](std::string password) {
        return call("ResetPassword",
                    R"({"token":")" + told.token + R"(","new_password":")" + password + R"("})");
    };
    EXPECT_EQ(confirm("12345678").wrong.errors.at(0).code, "too_common");  // the token still works
    ASSERT_TRUE(confirm("another staple 9").ok());
    EXPECT_EQ(confirm("yet another staple").wrong.code, "invalid_reset_token");
    EXPECT_FALSE(authenticate(who.token).has_value());
    EXPECT_FALSE(login("ada@example.com", good_password).ok());
    const auto back = login("ada@example.com", "another staple 9");
    ASSERT_TRUE(back.ok());
    EXPECT_TRUE(call("GetMe", "{}", back.as<signed_in>().token).as<user>().email_verified);
}

TEST_F(user_service_test, a_reset_token_ends_after_an_hour_and_mails_are_few) {
    registered("ada@example.com");
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(call("RequestPasswordReset", R"({"email":"ada@example.com"})").ok());
    const auto sent = notifications("password.reset_requested");
    ASSERT_EQ(sent.size(), 3u);
    const auto told = from_json<password_reset_requested>(sent[0].message.payload).value();
    clock_.advance(hours(1));
    EXPECT_EQ(call("ResetPassword",
                   R"({"token":")" + told.token + R"(","new_password":"another staple 9"})")
                  .wrong.code,
              "invalid_reset_token");
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
}

}  // namespace
}  // namespace stoa::users::testing
