#include "adapters/dynamodb/dynamodb_call.hpp"

#include <array>

namespace stoa::dynamodb {

result<answer> read_answer(const http_response& from) {
    answer out{.parser = std::make_unique<simdjson::dom::parser>(), .status = from.status};
    simdjson::dom::element root;
    const bool read = !out.parser->parse(from.body).get(root) && !root.get(out.root);
    if (!out.ok()) out.refusal = aws::read_error(from);
    if (!read)
        return fail(errc::internal, "dynamodb_answer_ill_formed",
                    "the answer of DynamoDB, of status " + std::to_string(from.status) +
                        ", is no JSON object: does AWS_ENDPOINT_URL lead to DynamoDB?");
    return out;
}

task<result<answer>> call(aws::client* by, std::string operation, std::string body,
                          aws::repeats how, aws::client::wants_another again) {
    std::vector<http_header> headers{{"Content-Type", "application/x-amz-json-1.0"},
                                     {"X-Amz-Target", "DynamoDB_20120810." + operation}};
    STOA_CO_TRY(const auto got, co_await by->call("POST", "/", std::move(headers), std::move(body),
                                                  how, std::move(again)));
    co_return read_answer(got);
}

std::unexpected<error> refused(const aws::service_error& why, std::string_view table,
                               const aws::client_options& at) {
    const auto& text = why.message;
    if (why.code == "ResourceNotFoundException")
        return fail(errc::internal, "table_missing",
                    "DynamoDB at " + endpoint_of(at) + " (AWS_REGION " + at.region +
                        ") has no table " + std::string(table) +
                        ", or one without that index: run `stoa migrate`");
    if (why.code == "TransactionConflictException" ||
        why.code == "ReplicatedWriteConflictException" ||
        why.code == "TransactionCanceledException")
        return fail(error{.kind = errc::unavailable,
                          .code = "dynamodb_contended",
                          .detail = "other transactions hold the same items: " + text,
                          .retry_after_s = 1});
    if (why.code == "ValidationException" || why.code == "ValidationError") {
        if (text.find("tem size") != std::string::npos)
            return fail(errc::invalid, "item_too_large", text);
        if (text.find("incorrect data type") != std::string::npos)
            return fail(errc::invalid, "not_a_number", text);
    }
    return fail(errc::internal, "dynamodb_refused",
                "DynamoDB refuses: " +
                    (why.code.empty() ? "status " + std::to_string(why.status) : why.code) + ": " +
                    text);
}

bool cancellation::passes() const {
    constexpr std::array<std::string_view, 6> codes{
        "TransactionConflict",           "ThrottlingError",      "ThrottlingException",
        "ProvisionedThroughputExceeded", "RequestLimitExceeded", "InternalServerError"};
    return std::ranges::find(codes, code) != codes.end();
}

result<std::vector<cancellation>> cancellations_of(const answer& from) {
    simdjson::dom::array reasons;
    if (from.root["CancellationReasons"].get(reasons))
        return fail(errc::internal, "dynamodb_answer_ill_formed",
                    "DynamoDB cancels a transaction without reasons: " + from.refusal.message);
    std::vector<cancellation> out;
    for (const auto each : reasons) {
        auto& one = out.emplace_back();
        std::string_view text;
        simdjson::dom::object standing;
        if (!each["Code"].get(text)) one.code = text;
        if (!each["Message"].get(text)) one.message = text;
        if (!each["Item"].get(standing)) {
            STOA_TRY(one.standing, read_item(standing));
        }
    }
    return out;
}

bool is_contended(const http_response& from) {
    const auto read = read_answer(from);
    if (!read) return false;
    const auto& code = read->refusal.code;
    if (code == "TransactionConflictException" || code == "ReplicatedWriteConflictException")
        return true;
    if (code != "TransactionCanceledException") return false;
    const auto reasons = cancellations_of(*read);
    if (!reasons) return false;
    // The first that has an answer decides: a receipt that could not be looked at comes before any
    // condition behind it.
    for (const auto& each : *reasons) {
        if (each.passes()) return true;
        if (each.code == "ConditionalCheckFailed" || each.code == "ValidationError") return false;
    }
    return false;
}

}  // namespace stoa::dynamodb
