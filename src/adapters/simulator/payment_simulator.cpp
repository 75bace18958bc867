#include "adapters/simulator/payment_simulator.hpp"

#include "runtime/crash_point.hpp"

#include <algorithm>
#include <array>

namespace stoa {

namespace {

constexpr kv_table intents_table{.name = "simulator-intents", .hash = "id"};
constexpr kv_table keys_table{.name = "simulator-keys", .hash = "key"};
constexpr std::array tables{intents_table, keys_table};

constexpr std::string_view accepted[] = {"credit_card",
                                         "debit_card",
                                         "bank_transfer",
                                         "paypal",
                                         "tok_ok",
                                         "tok_slow",
                                         "tok_declined",
                                         "tok_insufficient_funds",
                                         "tok_expired_card",
                                         "tok_timeout_before_capture",
                                         "tok_timeout_after_capture",
                                         "tok_500_then_ok",
                                         "tok_double_webhook",
                                         "tok_refund_refused"};

std::string_view decline_of(std::string_view method) {
    if (method == "tok_declined") return "card_declined";
    if (method == "tok_insufficient_funds") return "insufficient_funds";
    if (method == "tok_expired_card") return "expired_card";
    return {};
}

struct key_record {
    std::string key;
    std::string subject;  // an intent's or a refund's id
    money amount;
    currency_code currency;
};
BOOST_DESCRIBE_STRUCT(key_record, (), (key, subject, amount, currency))

error lost(std::string_view what) {
    return {.kind = errc::timeout,
            .code = "provider_timeout",
            .detail = "the provider's answer to " + std::string(what) + " was lost"};
}

struct intent_record {
    std::string id;
    payment_intent intent;
    std::string method;
    money refunded;
    currency_code currency;
    std::int64_t version = 1;
};
BOOST_DESCRIBE_STRUCT(intent_record, (), (id, intent, method, refunded, currency, version))

task<result<std::optional<intent_record>>> find(key_value& store, std::string id) {
    return store.find<intent_record>(intents_table, key_of("id", std::move(id)));
}

error no_such_intent() {
    return {.kind = errc::not_found,
            .code = "intent_not_found",
            .detail = "the provider knows no such intent"};
}

}  // namespace

std::span<const kv_table> simulator_tables() { return tables; }

payment_simulator::payment_simulator(key_value& store, clock& time, random_source& random,
                                     std::function<void(std::string)> webhook, settings timing)
    : store_(store),
      time_(time),
      random_(random),
      webhook_(std::move(webhook)),
      settings_(timing) {}

// True once for each text, ever: the faults that strike only the first time.
task<result<bool>> payment_simulator::first_time(std::string what) {
    write_set in;
    in.put(keys_table, key_of("key", "once:" + what), {absent("key")});
    STOA_CO_TRY(const auto outcome, co_await store_.write(std::move(in)));
    co_return outcome.committed();
}

task<result<payment_intent>> payment_simulator::create(std::string key, money amount,
                                                       std::string method, std::string reference) {
    if (std::ranges::find(accepted, method) == std::end(accepted))
        co_return fail(errc::invalid, "unsupported_method", "the provider does not take " + method);
    if (method == "tok_500_then_ok") {
        STOA_CO_TRY(const bool first, co_await first_time(key));
        if (first)
            co_return fail(errc::unavailable, "provider_failed", "the provider answered 500");
    }
    intent_record fresh{.id = "pi_" + new_id(time_, random_),
                        .method = method,
                        .refunded = {0, amount.currency},
                        .currency = amount.currency};
    fresh.intent = {.id = fresh.id,
                    .status = intent_status::created,
                    .amount = amount,
                    .currency = amount.currency,
                    .reference = std::move(reference)};
    write_set in;
    in.put(keys_table, to_item(key_record{key, fresh.id, amount, amount.currency}),
           {absent("key")});
    in.put(intents_table, to_item(fresh));
    STOA_CO_TRY(const auto outcome, co_await store_.write(std::move(in)));
    if (outcome.committed()) co_return fresh.intent;
    STOA_CO_TRY(const auto known, co_await store_.find<key_record>(keys_table, key_of("key", key)));
    if (!known || known->amount != amount)
        co_return fail(errc::conflict, "key_reused", "this key was used with another amount");
    co_return co_await get(known->subject);
}

task<result<payment_intent>> payment_simulator::get(std::string intent_id) {
    STOA_CO_TRY(const auto found, co_await find(store_, std::move(intent_id)));
    if (!found) co_return fail(no_such_intent());
    co_return found->intent;
}

// Ends an intent that is still open; one that has ended stays as it is.
task<result<payment_intent>> payment_simulator::end(std::string intent_id, intent_status as,
                                                    std::string why) {
    for (;;) {
        STOA_CO_TRY(const auto before, co_await find(store_, intent_id));
        if (!before) co_return fail(no_such_intent());
        if (before->intent.status != intent_status::created) co_return before->intent;
        auto after = *before;
        after.intent.status = as;
        after.intent.decline_code = why;
        ++after.version;
        write_set in;
        in.put(intents_table, to_item(after), {equals("version", before->version)});
        STOA_CO_TRY(const auto outcome, co_await store_.write(std::move(in)));
        if (outcome.committed()) co_return after.intent;
    }
}

task<result<payment_intent>> payment_simulator::confirm(std::string intent_id) {
    STOA_CO_TRY(const auto found, co_await find(store_, intent_id));
    if (!found) co_return fail(no_such_intent());
    const auto& method = found->method;
    if (method == "tok_slow") co_await time_.sleep(settings_.slow);
    if (method == "tok_timeout_before_capture") {
        STOA_CO_TRY(const bool first, co_await first_time("confirm:" + intent_id));
        if (first) {
            co_await time_.sleep(settings_.lost_after);
            co_return fail(lost("confirm"));
        }
    }
    const auto decline = decline_of(method);
    STOA_CO_TRY(auto ended,
                co_await end(intent_id,
                             decline.empty() ? intent_status::succeeded : intent_status::declined,
                             std::string(decline)));
    crash_point("intent_captured");
    const int webhooks = method == "tok_double_webhook" ? 2 : 1;
    for (int i = 0; webhook_ && i < webhooks; ++i) webhook_(ended.reference);
    if (method == "tok_timeout_after_capture") {
        STOA_CO_TRY(const bool first, co_await first_time("confirm:" + intent_id));
        if (first) {
            co_await time_.sleep(settings_.lost_after);
            co_return fail(lost("confirm"));
        }
    }
    co_return ended;
}

task<result<payment_intent>> payment_simulator::cancel(std::string intent_id) {
    return end(std::move(intent_id), intent_status::cancelled);
}

task<result<provider_refund>> payment_simulator::refund(std::string key, std::string intent_id,
                                                        money amount) {
    for (;;) {
        STOA_CO_TRY(const auto known,
                    co_await store_.find<key_record>(keys_table, key_of("key", key)));
        if (known) {
            if (known->amount != amount)
                co_return fail(errc::conflict, "key_reused",
                               "this key was used with another amount");
            co_return provider_refund{known->subject, true, amount, amount.currency};
        }
        STOA_CO_TRY(const auto before, co_await find(store_, intent_id));
        if (!before) co_return fail(no_such_intent());
        const bool covered = before->intent.status == intent_status::succeeded &&
                             before->refunded.minor + amount.minor <= before->intent.amount.minor;
        if (!covered || before->method == "tok_refund_refused")
            co_return provider_refund{"", false, amount, amount.currency};
        auto after = *before;
        after.refunded.minor += amount.minor;
        ++after.version;
        const auto id = "re_" + new_id(time_, random_);
        write_set in;
        in.put(keys_table, to_item(key_record{key, id, amount, amount.currency}), {absent("key")});
        in.put(intents_table, to_item(after), {equals("version", before->version)});
        STOA_CO_TRY(const auto outcome, co_await store_.write(std::move(in)));
        if (outcome.committed()) co_return provider_refund{id, true, amount, amount.currency};
    }
}

}  // namespace stoa
