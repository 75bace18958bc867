#include "adapters/stripe/stripe_payments.hpp"

#include "adapters/stripe/stripe_amounts.hpp"
#include "base/json.hpp"

#include <algorithm>

namespace stoa::stripe {
namespace {

// A key whose stored answer is a failure of Stripe's own brings it again for a day. Intents are
// made anew under the next of its names, which is the same for all who try.
constexpr int names_of_a_key = 5;
constexpr int refund_pages = 10;  // of a hundred

std::string percent_encoded(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || std::string_view("-_.~").contains(c);
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
    }
    return out;
}

void add(std::string& form, std::string_view name, std::string_view value) {
    if (!form.empty()) form += '&';
    ((form += percent_encoded(name)) += '=') += percent_encoded(value);
}

// What of our ids may stand in a path.
bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

std::string intent_path(std::string_view id, std::string_view rest = {}) {
    return "/v1/payment_intents/" + std::string(id) + std::string(rest);
}

error no_such_intent() {
    return {.kind = errc::not_found,
            .code = "intent_not_found",
            .detail = "Stripe knows no such intent"};
}

struct balance {
    bool livemode = false;
};
BOOST_DESCRIBE_STRUCT(balance, (), (livemode))

}  // namespace

result<void> check_options(const options& with) {
    const auto& key = with.api_key;
    if (key.empty())
        return fail(errc::invalid, "bad_setting",
                    "`payments` = stripe needs `stripe_api_key` (STRIPE_API_KEY)");
    const bool secret = key.starts_with("sk_") || key.starts_with("rk_");
    if (!secret || !is_id(key))
        return fail(errc::invalid, "bad_setting",
                    std::string("`stripe_api_key` is no secret key of Stripe (sk_… or rk_…)") +
                        (key.starts_with("pk_") ? "; pk_… is the one for browsers" : ""));
    const bool live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
    if (live && !with.api_url.starts_with("https://"))
        return fail(errc::invalid, "bad_setting",
                    "`stripe_api_url` must be https:// with a live key");
    const auto scheme = with.api_url.find("://");
    if (scheme == std::string::npos || with.api_url.ends_with('/') ||
        with.api_url.find('/', scheme + 3) != std::string::npos)
        return fail(errc::invalid, "bad_setting",
                    "`stripe_api_url` must be http(s)://host[:port], without a path");
    return {};
}

payments::payments(options with, http_here http) : with_(std::move(with)), http_(std::move(http)) {}

task<result<http_response>> payments::call(std::string method, std::string path, std::string form,
                                           std::string key) {
    http_request what{.method = std::move(method),
                      .url = with_.api_url + path,
                      .headers = {{"Authorization", "Bearer " + with_.api_key},
                                  {"Stripe-Version", std::string(api_version)}},
                      .body = std::move(form)};
    if (what.method == "POST")
        what.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    if (!key.empty()) what.headers.push_back({"Idempotency-Key", std::move(key)});
    auto answer = co_await http_().send(std::move(what), with_.answer_within);
    if (answer) co_return answer;
    auto why = std::move(answer).error();
    why.detail = "Stripe at " + with_.api_url + " (`stripe_api_url`): " + why.detail;
    // A request that cannot be sent is no verdict about the payment.
    if (why.kind == errc::invalid) why.kind = errc::unavailable;
    co_return std::unexpected(std::move(why));
}

// An intent that waits for the customer (a bank's page) is of no use to a server, and may still be
// paid by that page: it is ended, and counts as declined.
task<result<payment_intent>> payments::read(http_response answer, std::string what) {
    if (answer.status != 200) co_return fail(error_of(read_refusal(answer), what));
    const auto told = from_json<intent>(answer.body);
    if (!told || !is_id(told->id)) co_return fail(ill_formed(answer, what));
    if (wants_action(*told))
        co_return co_await end_unconfirmed(told->id, "authentication_required");
    co_return intent_of(*told);
}

task<result<payment_intent>> payments::create(std::string key, money amount, std::string method,
                                              std::string reference) {
    STOA_CO_TRY(const auto units, units_of(amount));
    if (!is_id(method) || !(method.starts_with("pm_") || method.starts_with("card_")))
        co_return fail(errc::invalid, "unsupported_method",
                       "the payment method must be what Stripe.js made of the card in the browser "
                       "(pm_… or card_…)");
    std::string code(amount.currency.text());
    for (char& c : code) c = static_cast<char>(c - 'A' + 'a');
    std::string form;
    add(form, "amount", std::to_string(units));
    add(form, "currency", code);
    add(form, "payment_method_types[]", "card");
    add(form, "payment_method", method);
    add(form, "capture_method", "automatic");
    add(form, "metadata[order_id]", reference);
    add(form, "metadata[stoa_key]", key);
    for (int name = 1;; ++name) {
        const auto under = name == 1 ? key : key + '/' + std::to_string(name);
        STOA_CO_TRY(auto answer, co_await call("POST", "/v1/payment_intents", form, under));
        const auto why = read_refusal(answer);
        if (answer.status < 500 || !why.replayed || name == names_of_a_key)
            co_return co_await read(std::move(answer), "creating an intent");
        // The failure is stored under this name. The intent may stand all the same.
        STOA_CO_TRY(auto stands, co_await search(key));
        if (stands) co_return *std::move(stands);
    }
}

// Stripe's index is some seconds behind: nothing found proves nothing.
task<result<std::optional<payment_intent>>> payments::search(std::string key) {
    std::string quoted;
    for (const char c : key) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    std::string query;
    add(query, "query", "metadata['stoa_key']:'" + quoted + '\'');
    STOA_CO_TRY(const auto answer, co_await call("GET", "/v1/payment_intents/search?" + query, {}));
    if (answer.status != 200) co_return fail(error_of(read_refusal(answer), "searching an intent"));
    const auto page = from_json<intent_page>(answer.body);
    if (!page) co_return fail(ill_formed(answer, "searching an intent"));
    for (const auto& each : page->data) {
        if (!each.metadata || each.metadata->stoa_key != key) continue;
        STOA_CO_TRY(auto found, intent_of(each));
        co_return std::optional(std::move(found));
    }
    co_return std::optional<payment_intent>();
}

task<result<payment_intent>> payments::get(std::string intent_id) {
    if (!is_id(intent_id)) co_return fail(no_such_intent());
    STOA_CO_TRY(auto answer, co_await call("GET", intent_path(intent_id), {}));
    co_return co_await read(std::move(answer), "reading an intent");
}

task<result<payment_intent>> payments::confirm(std::string intent_id) {
    if (!is_id(intent_id)) co_return fail(no_such_intent());
    std::string form;
    add(form, "error_on_requires_action", "true");
    STOA_CO_TRY(auto answer, co_await call("POST", intent_path(intent_id, "/confirm"), form));
    if (answer.status != 400 && answer.status != 402)
        co_return co_await read(std::move(answer), "confirming an intent");
    // It says why not; the intent says where that leaves it. One that could be confirmed again is
    // ended, so that what is called declined stays so.
    const auto why = error_of(read_refusal(answer), "confirming an intent");
    STOA_CO_TRY(auto now, co_await get(intent_id));
    if (now.status != intent_status::created) co_return now;
    co_return co_await end_unconfirmed(std::move(intent_id), why.code);
}

// Cancels, and tells it as a decline. `succeeded` where a capture came first.
task<result<payment_intent>> payments::end_unconfirmed(std::string intent_id, std::string why) {
    std::string form;
    add(form, "cancellation_reason", "abandoned");
    STOA_CO_TRY(auto answer, co_await call("POST", intent_path(intent_id, "/cancel"), form));
    if (answer.status != 200 && answer.status != 400)
        co_return fail(error_of(read_refusal(answer), "ending an intent"));
    if (answer.status == 400) {
        STOA_CO_TRY(answer, co_await call("GET", intent_path(intent_id), {}));
        if (answer.status != 200)
            co_return fail(error_of(read_refusal(answer), "reading an intent"));
    }
    const auto told = from_json<intent>(answer.body);
    if (!told) co_return fail(ill_formed(answer, "ending an intent"));
    STOA_CO_TRY(auto ended, intent_of(*told));
    if (ended.status == intent_status::cancelled) {
        ended.status = intent_status::declined;
        ended.decline_code = std::move(why);
    }
    co_return ended;
}

task<result<payment_intent>> payments::cancel(std::string intent_id) {
    if (!is_id(intent_id)) co_return fail(no_such_intent());
    STOA_CO_TRY(auto answer, co_await call("POST", intent_path(intent_id, "/cancel"), {}));
    // It has ended already, or is on its way: which, the intent says.
    if (answer.status == 400) co_return co_await get(std::move(intent_id));
    co_return co_await read(std::move(answer), "cancelling an intent");
}

// Lists are read after writes, unlike the search.
task<result<std::optional<provider_refund>>> payments::find_refund(std::string key,
                                                                   std::string intent_id,
                                                                   money amount) {
    STOA_CO_TRY(const auto units, units_of(amount));
    std::string last;
    for (int page = 0; page < refund_pages; ++page) {
        std::string query;
        add(query, "payment_intent", intent_id);
        add(query, "limit", "100");
        if (!last.empty()) add(query, "starting_after", last);
        STOA_CO_TRY(const auto answer, co_await call("GET", "/v1/refunds?" + query, {}));
        if (answer.status != 200) co_return fail(error_of(read_refusal(answer), "listing refunds"));
        const auto told = from_json<refund_page>(answer.body);
        if (!told) co_return fail(ill_formed(answer, "listing refunds"));
        for (const auto& each : told->data) {
            if (!each.metadata || each.metadata->stoa_key != key) continue;
            if (each.amount != units)
                co_return fail(errc::conflict, "key_reused",
                               "this key was used with another amount");
            STOA_CO_TRY(auto found, refund_of(each));
            co_return std::optional(std::move(found));
        }
        if (!told->has_more || told->data.empty()) co_return std::optional<provider_refund>();
        last = told->data.back().id;
    }
    co_return fail(errc::unavailable, "too_many_refunds",
                   "the intent " + intent_id + " has more refunds than are looked through");
}

task<result<provider_refund>> payments::refund(std::string key, std::string intent_id,
                                               money amount) {
    if (!is_id(intent_id)) co_return fail(no_such_intent());
    STOA_CO_TRY(const auto units, units_of(amount));
    STOA_CO_TRY(auto made, co_await find_refund(key, intent_id, amount));
    if (made) co_return *std::move(made);
    std::string form;
    add(form, "payment_intent", intent_id);
    add(form, "amount", std::to_string(units));
    add(form, "metadata[stoa_key]", key);
    STOA_CO_TRY(const auto answer, co_await call("POST", "/v1/refunds", form, key));
    if (answer.status == 200) {
        const auto told = from_json<stripe::refund>(answer.body);
        if (!told) co_return fail(ill_formed(answer, "a refund"));
        co_return refund_of(*told);
    }
    auto why = error_of(read_refusal(answer), "a refund");
    if (why.kind == errc::invalid || why.kind == errc::declined)
        co_return provider_refund{"", false, amount, amount.currency};
    co_return fail(std::move(why));
}

task<result<std::string>> payments::probe() {
    STOA_CO_TRY(const auto answer, co_await call("GET", "/v1/balance", {}));
    if (answer.status != 200)
        co_return fail(error_of(read_refusal(answer), "asking for the balance"));
    const auto told = from_json<balance>(answer.body);
    if (!told) co_return fail(ill_formed(answer, "asking for the balance"));
    co_return std::string(told->livemode ? "live" : "test");
}

}  // namespace stoa::stripe
