#include "adapters/stripe/stripe_answers.hpp"

#include "adapters/stripe/stripe_amounts.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <charconv>

namespace stoa::stripe {
namespace {

struct error_body {
    std::optional<std::string> type, code, decline_code, message;
};
BOOST_DESCRIBE_STRUCT(error_body, (), (type, code, decline_code, message))
struct error_document {
    error_body error;
};
BOOST_DESCRIBE_STRUCT(error_document, (), (error))

std::optional<currency_code> currency_of(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return read_currency(text);
}

error odd(std::string what) {
    return {.kind = errc::unavailable,
            .code = "provider_answer_malformed",
            .detail = "Stripe's answer cannot be used: " + std::move(what)};
}

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

}  // namespace

refusal read_refusal(const http_response& from) {
    refusal out{.status = from.status,
                .request_id = std::string(from.find("request-id")),
                .replayed = from.find("idempotent-replayed") == "true"};
    // A body that is no error document (a proxy's page) says nothing more than its status.
    if (auto told = from_json<error_document>(from.body)) {
        out.type = told->error.type.value_or("");
        out.code = told->error.code.value_or("");
        out.decline_code = told->error.decline_code.value_or("");
        out.message = told->error.message.value_or("");
    }
    return out;
}

std::string decline_code(std::string_view code, std::string_view decline_code) {
    const auto why =
        decline_code.empty() || decline_code == "generic_decline" ? code : decline_code;
    if (why == "insufficient_funds") return "insufficient_funds";
    if (among(why, {"expired_card", "invalid_expiry_month", "invalid_expiry_year"}))
        return "expired_card";
    if (among(why, {"incorrect_cvc", "invalid_cvc"})) return "incorrect_cvc";
    if (among(why, {"authentication_required", "payment_intent_authentication_failure",
                    "authentication_not_handled"}))
        return "authentication_required";
    if (among(why, {"processing_error", "try_again_later", "issuer_not_available",
                    "reenter_transaction"}))
        return "processing_error";
    return "card_declined";
}

bool wants_action(const intent& from) {
    return from.status == "requires_action" || from.status == "requires_source_action";
}

result<payment_intent> intent_of(const intent& from) {
    const auto currency = currency_of(from.currency);
    if (!currency) return fail(odd("the currency " + from.currency));
    const auto minor = minor_of(from.amount, *currency);
    if (!minor) return fail(odd("the amount " + std::to_string(from.amount)));
    payment_intent out{.id = from.id,
                       .status = intent_status::processing,
                       .amount = {*minor, *currency},
                       .currency = *currency};
    if (from.metadata) out.reference = from.metadata->order_id.value_or("");
    const auto& failed = from.last_payment_error;
    if (from.status == "succeeded") {
        out.status = intent_status::succeeded;
    } else if (from.status == "canceled") {
        out.status = intent_status::cancelled;
    } else if (from.status == "requires_payment_method" && failed) {
        // The card is off the intent again: it cannot be confirmed a second time.
        out.status = intent_status::declined;
        out.decline_code =
            decline_code(failed->code.value_or(""), failed->decline_code.value_or(""));
    } else if (among(from.status, {"requires_confirmation", "requires_payment_method"})) {
        out.status = intent_status::created;
    }
    return out;
}

result<provider_refund> refund_of(const refund& from) {
    const auto currency = currency_of(from.currency);
    if (!currency) return fail(odd("the currency " + from.currency));
    const auto minor = minor_of(from.amount, *currency);
    if (!minor) return fail(odd("the amount " + std::to_string(from.amount)));
    const auto status = from.status.value_or("succeeded");
    if (among(status, {"pending", "requires_action"}))
        return fail(errc::unavailable, "refund_pending",
                    "Stripe has not finished the refund " + from.id + " yet");
    return provider_refund{from.id, status == "succeeded", {*minor, *currency}, *currency};
}

error error_of(const refusal& from, std::string_view what) {
    std::string detail =
        "Stripe answered " + std::to_string(from.status) + " to " + std::string(what);
    if (!from.request_id.empty()) detail += " (request " + from.request_id + ')';
    if (!from.message.empty()) detail += ": " + from.message;
    error out{.kind = errc::unavailable, .code = "provider_failed", .detail = std::move(detail)};
    const auto is = [&](errc kind, std::string code) {
        out.kind = kind;
        out.code = std::move(code);
    };
    switch (from.status) {
        case 400:
            if (from.type == "idempotency_error") is(errc::conflict, "key_reused");
            // A parameter that names nothing: the payment method of the customer.
            else if (from.code == "resource_missing") is(errc::invalid, "invalid_payment_method");
            else is(errc::invalid, from.code.empty() ? "provider_refused" : from.code);
            break;
        case 401:
        case 403:
            is(errc::unavailable, "provider_refuses_the_key");
            out.detail += "; see `stripe_api_key` (STRIPE_API_KEY)";
            break;
        case 402:
            is(errc::declined, decline_code(from.code, from.decline_code));
            break;
        case 404:
            is(errc::not_found, "intent_not_found");
            break;
        case 409:
            is(errc::unavailable, "provider_busy");
            break;
        case 429:
            is(errc::unavailable, "provider_throttles");
            out.retry_after_s = 1;
            break;
        default:
            break;
    }
    return out;
}

error ill_formed(const http_response& from, std::string_view what) {
    return odd("status " + std::to_string(from.status) + " to " + std::string(what) +
               (from.find("request-id").empty()
                    ? std::string()
                    : " (request " + std::string(from.find("request-id")) + ')'));
}

}  // namespace stoa::stripe
