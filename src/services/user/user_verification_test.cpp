#include "support/user_service_fixture.hpp"

namespace stoa::users::testing {
namespace {

class user_verification_test : public user_service_test {
 protected:
    user_verification_test() { start(); }

    // Another process on the same store.
    void start() {
        users_.emplace(user_service::needs{shop_->database(), shop_->items(), hasher_, tokens_,
                                           clock_, random_},
                       user_settings{});
        users_->on_adopt([this](std::string guest_id, std::string user_id) {
            return adopt(std::move(guest_id), std::move(user_id));
        });
    }
    task<result<adopted>> adopt(std::string guest_id, std::string user_id) {
        asked_.emplace_back(guest_id, user_id);
        if (broken_) co_return fail(errc::unavailable, "down", "");
        const bool has = std::erase(with_orders_, guest_id) > 0;
        co_return adopted{.moved = has, .complete = !still_placing_};
    }
    std::vector<email_verification_requested> mails() {
        std::vector<email_verification_requested> out;
        for (const auto& each : notifications("email.verification_requested"))
            out.push_back(from_json<email_verification_requested>(each.message.payload).value());
        return out;
    }
    reply verify(const std::string& mail_token, const std::string& bearer) {
        return call("VerifyEmail", R"({"token":")" + mail_token + R"("})", bearer);
    }
    bool verified(const std::string& bearer) {
        return call("GetMe", "{}", bearer).as<user>().email_verified;
    }
    signed_in guest(const std::string& email) {
        auto made = call("CreateGuest", R"({"email":")" + email + R"("})").as<signed_in>();
        with_orders_.push_back(made.id);
        return made;
    }
    int sweep() {
        return loop_.run([&] { return users_->sweep(); }).value();
    }
    using moves = std::vector<std::pair<std::string, std::string>>;

    moves asked_;
    std::vector<std::string> with_orders_;
    bool broken_ = false, still_placing_ = false;
};

// --- tokens
// ----------------------------------------------------------------------------------------------

TEST_F(user_verification_test, registering_sends_a_token_that_verifies_once) {
    const auto ada = registered("Ada@example.com");
    ASSERT_EQ(mails().size(), 1u);
    const auto mail = mails().front();
    EXPECT_EQ(mail.user_id, ada.id);
    EXPECT_EQ(mail.email, "Ada@example.com");
    EXPECT_EQ(mail.expires_at, clock_.now() + hours(24));
    EXPECT_FALSE(verified(ada.token));
    EXPECT_EQ(verify(mail.token, ada.token).status, 204);
    EXPECT_TRUE(verified(ada.token));
    EXPECT_EQ(verify(mail.token, ada.token).wrong.code, "invalid_verification_token");
    EXPECT_TRUE(verified(ada.token));
}

TEST_F(user_verification_test, a_token_is_not_stored_as_it_was_sent) {
    registered("ada@example.com");
    const auto token = mails().front().token;
    auto read = [token](transaction& t) {
        return result<std::int64_t>(
            t.number("SELECT COUNT(*) FROM email_verifications WHERE digest = ?1", token).value());
    };
    EXPECT_EQ(loop_.run([&] { return shop_->database().read(read); }).value(), 0);
}

TEST_F(user_verification_test, wrong_old_and_foreign_tokens_are_refused_alike_and_change_nothing) {
    const auto ada = registered("ada@example.com");
    const auto eve = registered("eve@example.com");
    const auto mail = mails().front();
    const auto wrong = verify("no-such-token", ada.token);
    const auto foreign = verify(mail.token, eve.token);
    EXPECT_EQ(problem_of(wrong), problem_of(foreign));
    EXPECT_FALSE(verified(ada.token));
    EXPECT_FALSE(verified(eve.token));
    EXPECT_EQ(verify(mail.token, {}).wrong.code, "invalid_verification_token");

    clock_.advance(hours(24));
    const auto again = login("ada@example.com", good_password).as<signed_in>();
    EXPECT_EQ(problem_of(verify(mail.token, again.token)), problem_of(wrong));
    EXPECT_FALSE(verified(again.token));
}

TEST_F(user_verification_test, asking_is_answered_alike_and_mails_are_few) {
    const auto ada = registered("ada@example.com");
    const auto first = call("RequestEmailVerification", "{}", ada.token);
    EXPECT_EQ(first.status, 202);
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(call("RequestEmailVerification", "{}", ada.token).body, first.body);
    EXPECT_EQ(mails().size(), 2u + 3u);  // those before the verification, and an hour's worth
    clock_.advance(hours(1));
    const auto later = login("ada@example.com", good_password).as<signed_in>();
    EXPECT_EQ(call("RequestEmailVerification", "{}", later.token).body, first.body);
    EXPECT_EQ(mails().size(), 6u);
}

TEST_F(user_verification_test, changing_addresses_does_not_send_more_mails) {
    const auto eve = registered("eve@example.com");
    for (int i = 0; i < 10; ++i) {
        const auto changed = call("UpdateMe",
                                  R"({"email":"victim)" + std::to_string(i) +
                                      R"(@example.com","current_password":"correct staple 9"})",
                                  eve.token);
        ASSERT_TRUE(changed.ok()) << changed.wrong.detail;
        ASSERT_TRUE(call("RequestEmailVerification", "{}", eve.token).ok());
    }
    EXPECT_EQ(mails().size(), 3u);
}

TEST_F(user_verification_test, a_new_address_is_not_verified_and_the_old_ones_token_is_void) {
    const auto ada = registered("ada@example.com");
    const auto old = mails().front();
    ASSERT_TRUE(call("RequestEmailVerification", "{}", ada.token).ok());
    ASSERT_TRUE(verify(old.token, ada.token).ok());
    ASSERT_TRUE(call("RequestEmailVerification", "{}", ada.token).ok());
    const auto unused = mails().back();
    ASSERT_TRUE(call("UpdateMe",
                     R"({"email":"new@example.com","current_password":"correct staple 9"})",
                     ada.token)
                    .ok());
    EXPECT_FALSE(verified(ada.token));
    EXPECT_EQ(verify(unused.token, ada.token).wrong.code, "invalid_verification_token");
    EXPECT_FALSE(verified(ada.token));
}

// --- guests' orders
// --------------------------------------------------------------------------------------

TEST_F(user_verification_test, orders_of_guests_with_the_address_move_when_it_is_verified) {
    const auto first = guest("Ada@example.com"), second = guest("ada@EXAMPLE.com");
    guest("bob@example.com");
    const auto ada = registered("ada@example.com");
    EXPECT_EQ(sweep(), 0);
    EXPECT_TRUE(asked_.empty());
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    std::ranges::sort(asked_);
    moves expected{{first.id, ada.id}, {second.id, ada.id}};
    std::ranges::sort(expected);
    EXPECT_EQ(asked_, expected);
}

TEST_F(user_verification_test, an_account_with_the_address_but_without_its_mail_gets_nothing) {
    guest("ada@example.com");
    const auto eve = registered("ada@example.com");
    ASSERT_FALSE(verify("guessed", eve.token).ok());
    ASSERT_TRUE(login("ada@example.com", good_password).ok());
    clock_.advance(minutes(2));
    EXPECT_EQ(sweep(), 0);
    EXPECT_TRUE(asked_.empty());
}

TEST_F(user_verification_test, the_orders_are_looked_for_until_a_later_look_finds_none) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    still_placing_ = true;
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    EXPECT_EQ(asked_.size(), 1u);
    EXPECT_EQ(sweep(), 1);  // some moved and there was more: at once
    EXPECT_EQ(sweep(), 0);  // nothing could be moved: in a minute
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    still_placing_ = false;
    with_orders_.push_back(who.id);  // the index shows it only now
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    clock_.advance(hours(1));
    EXPECT_EQ(sweep(), 0);
    EXPECT_EQ(asked_.size(), 5u);
}

// Simulated seed 5025670: the clock was set forward, and the first look that found nothing ended
// the claim while an order was still on its way.
TEST_F(user_verification_test, a_wall_clock_that_is_set_forward_ends_no_claim) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    clock_.set_wall(clock_.now() + hours(1));
    EXPECT_EQ(sweep(), 1);
    with_orders_.push_back(who.id);
    clock_.set_wall(clock_.now() + hours(1));
    EXPECT_EQ(sweep(), 1);
    EXPECT_TRUE(with_orders_.empty()) << "the order that came after the first look has moved";
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    clock_.advance(minutes(2));
    EXPECT_EQ(sweep(), 0) << "the look of before ended it";
}

TEST_F(user_verification_test, a_process_that_dies_in_between_is_finished_by_the_next) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    broken_ = true;
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());  // verified all the same
    EXPECT_TRUE(verified(ada.token));
    broken_ = false;
    start();
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    EXPECT_TRUE(std::ranges::find(with_orders_, who.id) == with_orders_.end());
}

TEST_F(user_verification_test, a_guests_token_at_login_waits_for_the_address_to_be_verified) {
    const auto ada = registered("ada@example.com");
    const auto nameless = call("CreateGuest", "{}").as<signed_in>();
    ASSERT_TRUE(login("ada@example.com", good_password, nameless.token).ok());
    EXPECT_EQ(sweep(), 0);
    EXPECT_TRUE(asked_.empty());
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    EXPECT_EQ(asked_, (moves{{nameless.id, ada.id}}));
}

TEST_F(user_verification_test, a_guests_token_at_login_of_a_verified_account_moves_at_once) {
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    const auto nameless = call("CreateGuest", "{}").as<signed_in>();
    ASSERT_TRUE(login("ada@example.com", good_password, nameless.token).ok());
    EXPECT_EQ(asked_, (moves{{nameless.id, ada.id}}));
}

TEST_F(user_verification_test, what_waits_for_an_unverified_account_goes_to_a_verified_one) {
    registered("eve@example.com");
    const auto who = guest("ada@example.com");
    ASSERT_TRUE(login("eve@example.com", good_password, who.token).ok());
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    EXPECT_EQ(asked_, (moves{{who.id, ada.id}}));
    const auto eve = login("eve@example.com", good_password).as<signed_in>();
    ASSERT_TRUE(verify(mails().front().token, eve.token).ok());
    EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(user_verification_test, a_guest_who_is_claimed_registers_as_somebody_new) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    const auto bob = registered("bob@example.com", who.token);
    EXPECT_NE(bob.id, who.id);
    clock_.advance(minutes(1));
    sweep();
    for (const auto& [from, to] : asked_) EXPECT_EQ(to, ada.id);
}

TEST_F(user_verification_test, a_registered_account_is_never_claimed_by_its_old_address) {
    const auto who = guest("ada@example.com");
    const auto bob = registered("bob@example.com", who.token);
    EXPECT_EQ(bob.id, who.id);
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    EXPECT_TRUE(asked_.empty());
}

TEST_F(user_verification_test, nothing_moves_to_an_account_that_has_ended_or_changed_its_address) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    broken_ = true;
    ASSERT_TRUE(verify(mails().front().token, ada.token).ok());
    broken_ = false;
    asked_.clear();
    ASSERT_TRUE(call("UpdateMe",
                     R"({"email":"new@example.com","current_password":"correct staple 9"})",
                     ada.token)
                    .ok());
    clock_.advance(minutes(1));
    sweep();
    EXPECT_TRUE(asked_.empty());
    ASSERT_TRUE(call("RequestEmailVerification", "{}", ada.token).ok());
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    EXPECT_EQ(asked_, (moves{{who.id, ada.id}}));
    asked_.clear();
    ASSERT_TRUE(call("DeleteUser", id_body(ada.id), operator_token()).ok());
    clock_.advance(minutes(1));
    EXPECT_EQ(sweep(), 1);
    clock_.advance(hours(1));
    EXPECT_EQ(sweep(), 0);
    EXPECT_TRUE(asked_.empty());
}

TEST_F(user_verification_test, guests_made_with_anothers_address_only_delay_the_owner) {
    const auto who = guest("ada@example.com");
    for (int i = 0; i < 100; ++i) {
        clock_.advance(milliseconds(1));
        call("CreateGuest", R"({"email":"ada@example.com"})");
    }
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    for (int look = 0; look < 2; ++look) {
        clock_.advance(minutes(1));
        for (int round = 0; round < 20; ++round) sweep();
    }
    const auto asked_for_it = [&] {
        return std::ranges::find(asked_, std::pair(who.id, ada.id)) != asked_.end();
    };
    EXPECT_FALSE(asked_for_it());
    ASSERT_TRUE(call("RequestEmailVerification", "{}", ada.token).ok());
    ASSERT_TRUE(verify(mails().back().token, ada.token).ok());
    EXPECT_TRUE(asked_for_it());
}

TEST_F(user_verification_test, a_password_reset_by_mail_verifies_and_moves_too) {
    const auto who = guest("ada@example.com");
    const auto ada = registered("ada@example.com");
    ASSERT_TRUE(call("RequestPasswordReset", R"({"email":"ada@example.com"})").ok());
    const auto told = from_json<password_reset_requested>(
                          notifications("password.reset_requested").at(0).message.payload)
                          .value();
    ASSERT_TRUE(call("ResetPassword",
                     R"({"token":")" + told.token + R"(","new_password":"another staple 9"})")
                    .ok());
    EXPECT_EQ(asked_, (moves{{who.id, ada.id}}));
}

}  // namespace
}  // namespace stoa::users::testing
