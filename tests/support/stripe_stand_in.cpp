#include "support/stripe_stand_in.hpp"

namespace stoa::testing {

std::string stripe_stand_in::decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

stripe_stand_in::fields stripe_stand_in::read_form(std::string_view form) {
    fields out;
    while (!form.empty()) {
        const auto cut = std::min(form.find('&'), form.size());
        const auto pair = form.substr(0, cut);
        form.remove_prefix(std::min(cut + 1, form.size()));
        const auto eq = pair.find('=');
        out[decoded(pair.substr(0, eq))] = decoded(pair.substr(eq + 1));
    }
    return out;
}

http_response stripe_stand_in::json(int status, std::string body) {
    return {status, {{"request-id", "req_" + std::to_string(status)}}, std::move(body)};
}

http_response stripe_stand_in::refuse(int status, std::string type, std::string code,
                                      std::string decline) {
    auto body = R"({"error":{"type":")" + type + R"(","code":")" + code + R"(","message":"no")";
    if (!decline.empty()) body += R"(,"decline_code":")" + decline + '"';
    return json(status, body + "}}");
}

std::string stripe_stand_in::text_of(const intent& of) {
    auto out = R"({"object":"payment_intent","id":")" + of.id + R"(","status":")" + of.status +
               R"(","amount":)" + std::to_string(of.amount) + R"(,"currency":")" + of.currency +
               R"(","metadata":{"order_id":")" + of.order_id + R"(","stoa_key":")" + of.key +
               R"("},"last_payment_error":)";
    if (of.error_code.empty()) return out + "null}";
    return out + R"({"code":")" + of.error_code + R"(","decline_code":")" + of.decline + R"("}})";
}

std::string stripe_stand_in::text_of(const refund& of) {
    return R"({"object":"refund","id":")" + of.id + R"(","status":")" + of.status +
           R"(","amount":)" + std::to_string(of.amount) + R"(,"currency":")" + of.currency +
           R"(","metadata":{"stoa_key":")" + of.key + R"("}})";
}

std::int64_t stripe_stand_in::captured() const {
    std::int64_t sum = 0;
    for (const auto& [id, each] : intents_) sum += each.status == "succeeded" ? each.amount : 0;
    return sum;
}
std::int64_t stripe_stand_in::refunded() const {
    std::int64_t sum = 0;
    for (const auto& [id, each] : refunds_) sum += each.status == "failed" ? 0 : each.amount;
    return sum;
}

http_response stripe_stand_in::make(const fields& form) {
    const auto field = [&](std::string_view name) {
        const auto found = form.find(name);
        return found == form.end() ? std::string() : found->second;
    };
    const auto card = field("payment_method");
    for (const auto* known :
         {"pm_ok", "pm_declined", "pm_stolen", "pm_expired", "pm_3ds", "pm_no_refund", "pm_slow"})
        if (card == known) {
            intent made{.id = "pi_" + std::to_string(next_id_++),
                        .card = card,
                        .order_id = field("metadata[order_id]"),
                        .key = field("metadata[stoa_key]"),
                        .amount = std::stoll(field("amount")),
                        .currency = field("currency")};
            intents_[made.id] = made;
            return json(200, text_of(made));
        }
    return refuse(400, "invalid_request_error", "resource_missing");
}

http_response stripe_stand_in::confirm(intent& it) {
    if (it.status != "requires_confirmation")
        return refuse(400, "invalid_request_error", "payment_intent_unexpected_state");
    const auto declined = [&](std::string code, std::string decline) {
        it.status = "requires_payment_method";
        it.error_code = code;
        it.decline = decline;
        return refuse(402, "card_error", std::move(code), std::move(decline));
    };
    if (it.card == "pm_declined") return declined("card_declined", "insufficient_funds");
    if (it.card == "pm_stolen") return declined("card_declined", "stolen_card");
    if (it.card == "pm_expired") return declined("expired_card", "");
    if (it.card == "pm_3ds") return declined("authentication_required", "");
    it.status = it.card == "pm_slow" ? "processing" : "succeeded";
    return json(200, text_of(it));
}

http_response stripe_stand_in::give_back(const fields& form) {
    const auto found = intents_.find(form.at("payment_intent"));
    if (found == intents_.end()) return refuse(404, "invalid_request_error", "resource_missing");
    const auto& of = found->second;
    const auto amount = std::stoll(form.at("amount"));
    std::int64_t given = 0;
    for (const auto& [id, each] : refunds_) given += each.intent == of.id ? each.amount : 0;
    if (of.status != "succeeded" || given + amount > of.amount)
        return refuse(400, "invalid_request_error", "charge_already_refunded");
    refund made{.id = "re_" + std::to_string(next_id_++),
                .intent = of.id,
                .key = form.at("metadata[stoa_key]"),
                .status = of.card == "pm_no_refund" ? "failed" : "succeeded",
                .amount = amount,
                .currency = of.currency};
    refunds_[made.id] = made;
    return json(200, text_of(made));
}

http_response stripe_stand_in::answer(const http_request& what, std::string_view path,
                                      const fields& form) {
    static constexpr std::string_view intents = "/v1/payment_intents";
    const bool posts = what.method == "POST";
    if (path == intents) return make(form);
    if (path == "/v1/balance") return json(200, R"({"object":"balance","livemode":false})");
    if (path == "/v1/refunds" && posts) return give_back(form);
    if (path == "/v1/refunds") {
        std::string list;
        for (const auto& [id, each] : refunds_)
            if (each.intent == form.at("payment_intent"))
                list += (list.empty() ? "" : ",") + text_of(each);
        return json(200, R"({"object":"list","has_more":false,"data":[)" + list + "]}");
    }
    if (path == "/v1/payment_intents/search") {
        std::string list;
        for (const auto& [id, each] : intents_)
            if (form.at("query").ends_with(":'" + each.key + '\''))
                list += (list.empty() ? "" : ",") + text_of(each);
        return json(200, R"({"object":"search_result","data":[)" + list + "]}");
    }
    auto rest = path.substr(intents.size() + 1);
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto found = intents_.find(rest.substr(0, slash));
    if (found == intents_.end()) return refuse(404, "invalid_request_error", "resource_missing");
    auto& it = found->second;
    if (path.ends_with("/confirm")) return confirm(it);
    if (path.ends_with("/cancel")) {
        if (!it.status.starts_with("requires_"))
            return refuse(400, "invalid_request_error", "payment_intent_unexpected_state");
        it.status = "canceled";
    }
    return json(200, text_of(it));
}

task<result<http_response>> stripe_stand_in::send(http_request what, milliseconds) {
    asked.push_back(what);
    const auto begin = what.url.find('/', what.url.find("://") + 3);
    const auto query = std::min(what.url.find('?'), what.url.size());
    const auto path = what.url.substr(begin, query - begin);
    const auto form = read_form(
        what.method == "POST" ? what.body : what.url.substr(std::min(query + 1, what.url.size())));
    std::string key;
    for (const auto& each : what.headers)
        if (each.name == "Idempotency-Key") key = each.value;
    auto strikes = fault::none;
    for (auto at = faults_.begin(); at != faults_.end(); ++at)
        if (path.ends_with(at->first)) {
            strikes = at->second;
            faults_.erase(at);
            break;
        }
    const auto lost = [] { return fail(errc::timeout, "no_answer_in_time", "no answer"); };
    switch (strikes) {
        case fault::lost_before:
            co_return lost();
        case fault::status_429:
            co_return refuse(429, "rate_limit_error", "rate_limit");
        case fault::status_409:
            co_return refuse(409, "invalid_request_error", "idempotency_key_in_use");
        case fault::status_401:
            co_return refuse(401, "invalid_request_error", "");
        case fault::garbage:
            co_return http_response{200, {}, "<html>a proxy's page</html>"};
        default:
            break;
    }
    if (const auto known = stored_.find(key); !key.empty() && known != stored_.end()) {
        if (known->second.form != what.body) co_return refuse(400, "idempotency_error", "");
        auto again = known->second.answer;
        again.headers.push_back({"idempotent-replayed", "true"});
        co_return again;
    }
    http_response made;
    if (strikes != fault::stored_500) made = answer(what, path, form);
    if (strikes == fault::stored_500 || strikes == fault::stored_500_after)
        made = refuse(500, "api_error", "");
    // What was refused before it began is not kept under the key.
    if (!key.empty() && made.status != 400) stored_[key] = {what.body, made};
    if (strikes == fault::lost_after) co_return lost();
    co_return made;
}

}  // namespace stoa::testing
