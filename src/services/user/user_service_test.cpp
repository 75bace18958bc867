#include "support/user_service_fixture.hpp"

namespace stoa::users::testing {
namespace {

// --- guests
// ----------------------------------------------------------------------------------------------

TEST_F(user_service_test, a_guest_who_registers_keeps_the_record) {
    const auto guest = call("CreateGuest", "{}").as<signed_in>();
    EXPECT_EQ(guest.role, account_role::guest);
    EXPECT_EQ(authenticate(guest.token)->is, role::guest);
    const auto who = registered("ada@example.com", guest.token);
    EXPECT_EQ(who.id, guest.id);
    EXPECT_EQ(who.role, account_role::customer);
    EXPECT_FALSE(authenticate(guest.token).has_value());
    EXPECT_EQ(authenticate(who.token)->is, role::customer);
}

TEST_F(user_service_test, a_guest_who_registers_with_a_taken_email_stays_a_guest) {
    registered("ada@example.com");
    const auto guest = call("CreateGuest", "{}").as<signed_in>();
    const auto refused = call("Register",
                              R"({"email":"ada@example.com","password":"correct staple 9",)"
                              R"("first_name":"A","last_name":"B"})",
                              guest.token);
    EXPECT_EQ(refused.wrong.code, "email_taken");
    EXPECT_EQ(authenticate(guest.token)->is, role::guest);
}

TEST_F(user_service_test, a_guest_who_logs_in_is_merged_and_ends) {
    const auto who = registered("ada@example.com");
    const auto guest = call("CreateGuest", "{}").as<signed_in>();
    std::vector<std::string> merged;
    users_->on_merge([&](std::string from, std::string to) -> task<result<void>> {
        merged = {from, to};
        co_return result<void>{};
    });
    ASSERT_TRUE(login("ada@example.com", good_password, guest.token).ok());
    EXPECT_EQ(merged, (std::vector<std::string>{guest.id, who.id}));
    EXPECT_FALSE(authenticate(guest.token).has_value());
}

TEST_F(user_service_test, a_merge_that_fails_leaves_the_guest_with_everything) {
    registered("ada@example.com");
    const auto guest = call("CreateGuest", "{}").as<signed_in>();
    users_->on_merge([](std::string, std::string) -> task<result<void>> {
        co_return fail(errc::unavailable, "overloaded", "");
    });
    EXPECT_TRUE(login("ada@example.com", good_password, guest.token).ok());
    EXPECT_TRUE(authenticate(guest.token).has_value());
}

TEST_F(user_service_test, a_guests_address_is_no_account_and_takes_none) {
    registered("ada@example.com");
    const auto guest = call("CreateGuest", R"({"email":"bob@example.com"})").as<signed_in>();
    EXPECT_EQ(call("GetMe", "{}", guest.token).as<user>().email, "bob@example.com");
    const auto moved = call("UpdateMe", R"({"email":"Ada@example.com"})", guest.token);
    ASSERT_TRUE(moved.ok()) << moved.wrong.detail;
    EXPECT_FALSE(moved.as<user>().email_verified);
    EXPECT_TRUE(login("ada@example.com", good_password).ok());
    registered("bob@example.com");  // what a guest gives as an address is nobody's yet
    EXPECT_EQ(call("ChangePassword", R"({"current_password":"x","new_password":"y"})", guest.token)
                  .wrong.code,
              "no_password");
    EXPECT_TRUE(call("UpdateMe", R"({"phone":"+49 30 1"})", guest.token).ok());
}

// --- records
// ---------------------------------------------------------------------------------------------

TEST_F(user_service_test, a_foreign_user_is_as_absent_as_an_unknown_one) {
    const auto ada = registered("ada@example.com");
    const auto eve = registered("eve@example.com");
    const std::string unknown = "018f0000-0000-7000-8000-000000000000";
    for (const std::string rpc : {"GetUser", "UpdateUser"}) {
        const auto foreign = call(rpc, id_body(ada.id), eve.token);
        const auto absent = call(rpc, id_body(unknown), eve.token);
        EXPECT_EQ(foreign.wrong.kind, errc::not_found) << rpc;
        EXPECT_EQ(problem_of(foreign), problem_of(absent)) << rpc;
    }
    const auto ops = operator_token();
    EXPECT_TRUE(call("GetUser", id_body(ada.id), ada.token).ok());
    EXPECT_TRUE(call("GetUser", id_body(ada.id), ops).ok());
    EXPECT_EQ(call("GetUser", id_body(unknown), ops).wrong.kind, errc::not_found);
    EXPECT_EQ(call("GetUser", id_body("../1' OR 1=1"), ops).wrong.kind, errc::not_found);
}

TEST_F(user_service_test, absent_members_stay_and_if_match_guards_the_change) {
    const auto ada = registered("ada@example.com");
    const auto first =
        call("UpdateMe", R"({"phone":"123","address":"Ω street 1"})", ada.token, "1");
    ASSERT_TRUE(first.ok()) << first.wrong.detail;
    EXPECT_EQ(first.as<user>().version, 2);
    EXPECT_EQ(first.as<user>().first_name, "Ada");
    const auto stale = call("UpdateMe", R"({"phone":"456"})", ada.token, "1");
    EXPECT_EQ(stale.wrong.kind, errc::precondition_failed);
    EXPECT_EQ(stale.wrong.code, "version_differs");
    EXPECT_EQ(call("GetMe", "{}", ada.token).as<user>().phone, "123");
    EXPECT_TRUE(call("UpdateMe", R"({"phone":"456"})", ada.token, "").ok());
}

TEST_F(user_service_test, a_new_email_needs_the_password_and_is_not_verified) {
    const auto ada = registered("ada@example.com");
    registered("eve@example.com");
    EXPECT_EQ(
        call("UpdateMe", R"({"email":"new@example.com"})", ada.token).wrong.errors.at(0).where,
        "current_password");
    EXPECT_EQ(
        call("UpdateMe", R"({"email":"new@example.com","current_password":"nope"})", ada.token)
            .wrong.code,
        "invalid_credentials");
    EXPECT_EQ(
        call("UpdateMe", R"({"email":"EVE@example.com","current_password":"correct staple 9"})",
             ada.token)
            .wrong.code,
        "email_taken");
    const auto done =
        call("UpdateMe", R"({"email":"New@example.com","current_password":"correct staple 9"})",
             ada.token);
    ASSERT_TRUE(done.ok()) << done.wrong.detail;
    EXPECT_EQ(done.as<user>().email, "New@example.com");
    EXPECT_FALSE(done.as<user>().email_verified);
    EXPECT_TRUE(login("new@example.com", good_password).ok());
}

TEST_F(user_service_test, a_deactivated_user_is_signed_out_and_stays_so) {
    const auto ops = operator_token();
    const auto ada = registered("ada@example.com");
    clock_.advance(seconds(1));
    ASSERT_TRUE(call("DeleteUser", id_body(ada.id), ops).ok());
    EXPECT_FALSE(authenticate(ada.token).has_value());
    EXPECT_FALSE(call("Refresh", refresh_body(ada.refresh_token)).ok());
    EXPECT_EQ(login("ada@example.com", good_password).wrong.code, "invalid_credentials");
    EXPECT_FALSE(call("GetUser", id_body(ada.id), ops).as<user>().active);
    EXPECT_TRUE(call("DeleteUser", id_body(ada.id), ops).ok());  // again is fine
    EXPECT_EQ(call("ListUsers", "{}", ops).as<user_list>().total, 1);
    const auto me = authenticate(ops)->user_id;
    EXPECT_EQ(call("DeleteUser", id_body(me), ops).wrong.code, "own_account");
}

TEST_F(user_service_test, customers_are_listed_page_by_page_with_their_total) {
    const auto ops = operator_token();
    std::vector<std::string> made;
    for (int i = 0; i < 7; ++i) {
        const auto answer =
            call("CreateCustomer", R"({"name":"Zoë )" + std::to_string(i) + R"("})", ops);
        ASSERT_TRUE(answer.ok()) << answer.wrong.detail;
        made.insert(made.begin(), answer.as<customer>().name);
        clock_.advance(milliseconds(1));
    }
    call("CreateGuest", "{}");
    std::vector<std::string> seen;
    std::string body = R"({"limit":3})";
    for (int pages = 0; pages < 4; ++pages) {
        const auto page = call("ListCustomers", body, ops).as<customer_list>();
        EXPECT_EQ(page.total, 7);
        for (const auto& each : page.customers) seen.push_back(each.name);
        if (!page.next_cursor) break;
        body = R"({"limit":3,"cursor":")" + *page.next_cursor + R"("})";
    }
    EXPECT_EQ(seen, made);
    EXPECT_EQ(
        call("ListCustomers", R"({"skip":5,"limit":3})", ops).as<customer_list>().customers.size(),
        2u);
}

TEST_F(user_service_test, a_customer_is_the_user_record_and_an_operator_is_no_customer) {
    const auto ops = operator_token();
    const auto ada = registered("ada@example.com");
    const auto found = call("GetCustomer", id_body(ada.id), ops);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found.as<customer>().name, "Ada Byron");
    const auto renamed =
        call("UpdateCustomer", R"({"id":")" + ada.id + R"(","name":"Lady Lovelace"})", ops);
    EXPECT_EQ(renamed.as<customer>().name, "Lady Lovelace");
    const auto me = authenticate(ops)->user_id;
    for (const std::string rpc : {"GetCustomer", "UpdateCustomer"})
        EXPECT_EQ(call(rpc, id_body(me), ops).wrong.kind, errc::not_found) << rpc;
    ASSERT_TRUE(call("DeleteCustomer", id_body(ada.id), ops).ok());
    EXPECT_EQ(call("ListCustomers", "{}", ops).as<customer_list>().total, 0);
}

TEST_F(user_service_test, a_customer_without_a_password_gets_one_by_mail) {
    const auto ops = operator_token();
    ASSERT_TRUE(
        call("CreateUser", R"({"email":"bo@example.com","first_name":"Bo","last_name":"Li"})", ops)
            .ok());
    EXPECT_EQ(login("bo@example.com", "anything at all").wrong.code, "invalid_credentials");
    ASSERT_TRUE(call("RequestPasswordReset", R"({"email":"bo@example.com"})").ok());
    const auto told = from_json<password_reset_requested>(
                          notifications("password.reset_requested").at(0).message.payload)
                          .value();
    ASSERT_TRUE(call("ResetPassword",
                     R"({"token":")" + told.token + R"(","new_password":"another staple 9"})")
                    .ok());
    EXPECT_TRUE(login("bo@example.com", "another staple 9").ok());
}

TEST_F(user_service_test, the_program_makes_its_operator_once) {
    const auto ensure = [&](std::string email) {
        return loop_.run([&] { return users_->ensure_admin(email, "generated-by-the-program"); });
    };
    const auto first = ensure("ops@shop.test");
    EXPECT_EQ(ensure("OPS@shop.test")->id, first->id);
    registered("ada@example.com");
    EXPECT_EQ(ensure("ada@example.com").error().code, "email_taken");
}

TEST_F(user_service_test, the_program_promotes_a_customer_and_ends_its_sessions) {
    const auto make = [&](std::string email) {
        return loop_.run([&] { return users_->make_operator({email}, "generated-by-it"); });
    };
    const auto ada = registered("ada@example.com");
    const auto made = make("ADA@example.com");
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_EQ(made->account.id, ada.id);
    EXPECT_TRUE(made->changed && !made->created && !made->password_set);
    EXPECT_FALSE(authenticate(ada.token).has_value());
    EXPECT_EQ(login("ada@example.com", good_password).as<signed_in>().role, account_role::admin);
    EXPECT_FALSE(make("ada@example.com")->changed);
    EXPECT_TRUE(make("new@example.com")->password_set);
    EXPECT_TRUE(login("new@example.com", "generated-by-it").ok());
    EXPECT_EQ(make("no address").error().kind, errc::invalid);
    call("CreateGuest", R"({"email":"guest@example.com"})");
    EXPECT_EQ(make("Guest@example.com").error().code, "guest_address");
}

TEST_F(user_service_test, operators_change_the_roles_of_others_only) {
    const auto ops = operator_token();
    const auto ada = registered("ada@example.com");
    const auto body = [](const std::string& id, const std::string& role) {
        return R"({"id":")" + id + R"(","role":")" + role + R"("})";
    };
    EXPECT_EQ(call("UpdateUser", body(ada.id, "admin"), ada.token).wrong.errors.at(0).code,
              "not_settable");
    EXPECT_EQ(call("UpdateUser", body(ada.id, "guest"), ops).wrong.errors.at(0).where, "role");
    EXPECT_EQ(call("UpdateUser", body(authenticate(ops)->user_id, "customer"), ops).wrong.code,
              "own_role");
    ASSERT_TRUE(call("UpdateUser", body(ada.id, "admin"), ops).ok());
    EXPECT_FALSE(authenticate(ada.token).has_value());
    EXPECT_EQ(call("ListCustomers", "{}", ops).as<customer_list>().total, 0);
    clock_.advance(seconds(1));
    const auto promoted = login("ada@example.com", good_password).as<signed_in>();
    ASSERT_TRUE(call("UpdateUser", body(ada.id, "customer"), ops).ok());
    EXPECT_FALSE(authenticate(promoted.token).has_value());
    EXPECT_EQ(call("ListCustomers", "{}", ops).as<customer_list>().total, 1);
}

// --- API keys
// --------------------------------------------------------------------------------------------

TEST_F(user_service_test, an_api_key_is_shown_once_works_with_its_scopes_and_makes_no_keys) {
    const auto ops = operator_token();
    const auto made = call(
        "CreateApiKey",
        R"({"name":"importer","scopes":["products:write","products:read","products:read"]})", ops);
    ASSERT_TRUE(made.ok()) << made.wrong.detail;
    const auto key = made.as<new_api_key>();
    EXPECT_TRUE(key.key.starts_with("stoa_"));
    EXPECT_EQ(key.scopes, (std::vector<std::string>{"products:read", "products:write"}));
    const auto who = authenticate(key.key);
    ASSERT_TRUE(who.has_value());
    EXPECT_EQ(who->is, role::operator_);
    EXPECT_EQ(who->key_id, key.id);
    EXPECT_EQ(who->scopes, key.scopes);
    EXPECT_TRUE(who->user_id.empty());

    const auto listed = call("ListApiKeys", "{}", ops);
    EXPECT_EQ(listed.body.find(key.key), std::string::npos);
    EXPECT_EQ(listed.as<api_key_list>().api_keys.size(), 1u);
    EXPECT_EQ(
        call("CreateApiKey", R"({"name":"more","scopes":["users:write"]})", key.key).wrong.code,
        "session_needed");
    EXPECT_EQ(call("Logout", "{}", key.key).wrong.code, "session_needed");
    EXPECT_EQ(call("GetMe", "{}", key.key).wrong.kind, errc::not_found);

    ASSERT_TRUE(call("DeleteApiKey", id_body(key.id), ops).ok());
    EXPECT_FALSE(authenticate(key.key).has_value());
    EXPECT_EQ(call("DeleteApiKey", id_body(key.id), ops).wrong.kind, errc::not_found);
}

TEST_F(user_service_test, every_operation_has_a_policy_and_a_sentence) {
    const auto rows = operations_of(*users_).operations;
    EXPECT_EQ(rows.size(), 25u);
    for (const auto& row : rows) {
        EXPECT_NE(row.caller, who::nobody_yet) << row.rpc;
        EXPECT_FALSE(row.summary.empty()) << row.rpc;
        EXPECT_EQ("/api/v1" + std::string(row.alias), row.path) << row.rpc;
    }
}

}  // namespace
}  // namespace stoa::users::testing
