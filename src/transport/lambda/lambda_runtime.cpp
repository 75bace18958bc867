#include "transport/lambda/lambda_runtime.hpp"

#include "base/json.hpp"
#include "runtime/log.hpp"
#include "transport/lambda/lambda_event.hpp"

#include <charconv>

namespace stoa::lambda {
namespace {

// Waiting for an event has no end of its own.
constexpr milliseconds for_ever = hours(24 * 365);
constexpr milliseconds answer_within{10'000};

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view field(std::string_view of, std::string_view name) {
    while (!of.empty()) {
        const auto end = std::min(of.find(';'), of.size());
        const auto one = of.substr(0, end);
        if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
            return one.substr(name.size() + 1);
        of.remove_prefix(std::min(end + 1, of.size()));
    }
    return {};
}

std::string summary_of(const functions::outcome& done) {
    std::string out = std::to_string(done.failed.size()) + " of its records failed: ";
    const auto& first = done.failed.front();
    return out + first.id + ": " + (first.why.detail.empty() ? first.why.code : first.why.detail);
}

}  // namespace

std::string write_error(const error& why) {
    std::string out = R"({"errorMessage":)";
    append_json_string(out, why.detail.empty() ? why.code : why.detail);
    out += R"(,"errorType":)";
    append_json_string(out, why.code);
    return out + R"(,"stackTrace":[]})";
}

std::string traceparent_of(std::string_view xray) {
    const auto root = field(xray, "Root"), parent = field(xray, "Parent");
    if (root.size() != 35 || !root.starts_with("1-") || root[10] != '-' || parent.size() != 16)
        return {};
    const auto time = root.substr(2, 8), rest = root.substr(11);
    if (!is_hex(time) || !is_hex(rest) || !is_hex(parent)) return {};
    const bool sampled = field(xray, "Sampled") == "1";
    return "00-" + std::string(time) + std::string(rest) + '-' + std::string(parent) +
           (sampled ? "-01" : "-00");
}

struct runtime::call {
    std::string request_id, body, xray;
    instant deadline;
};

task<result<void>> runtime::post(std::string path, std::string body, std::string error_type) {
    http_request what{.method = "POST", .url = base_ + path};
    what.headers.push_back({"Content-Type", "application/json"});
    if (!error_type.empty())
        what.headers.push_back({"Lambda-Runtime-Function-Error-Type", std::move(error_type)});
    what.body = std::move(body);
    STOA_CO_TRY(const auto said, co_await http_.send(std::move(what), answer_within));
    if (said.status / 100 == 2) co_return result<void>();
    co_return fail(errc::internal, "runtime_api_refused",
                   "Lambda's runtime API answers " + std::to_string(said.status) + " to " + path);
}

task<result<void>> runtime::fail_start(error why) {
    co_return co_await post("/init/error", write_error(why), "Runtime." + why.code);
}

task<result<runtime::call>> runtime::next() {
    STOA_CO_TRY(auto said, co_await http_.send({.url = base_ + "/invocation/next"}, for_ever));
    if (said.status != 200)
        co_return fail(errc::internal, "runtime_api_refused",
                       "Lambda's runtime API answers " + std::to_string(said.status) +
                           " when it is asked for an event");
    call out{.request_id = std::string(said.find("lambda-runtime-aws-request-id")),
             .xray = std::string(said.find("lambda-runtime-trace-id")),
             .deadline = {INT64_MAX}};
    if (out.request_id.empty())
        co_return fail(errc::internal, "runtime_api_refused",
                       "Lambda's runtime API hands out an event without a request id");
    // Wall clock of the same machine: what is left of it is measured by the other clock from here.
    const auto due = said.find("lambda-runtime-deadline-ms");
    std::int64_t due_ms = 0;
    if (std::from_chars(due.data(), due.data() + due.size(), due_ms).ec == std::errc() &&
        due_ms > 0 && due_ms < INT64_MAX / 1000)
        out.deadline = time_.ticks() + (timestamp{due_ms * 1000} - time_.now());
    out.body = std::move(said.body);
    co_return out;
}

task<result<void>> runtime::answer(std::string request_id, std::string body) {
    co_return co_await post("/invocation/" + request_id + "/response", std::move(body), {});
}
task<result<void>> runtime::fail_call(std::string request_id, error why) {
    log_error("invocation_failed",
              {{"request_id", request_id}, {"code", why.code}, {"detail", why.detail}});
    co_return co_await post("/invocation/" + request_id + "/error", write_error(why),
                            "Function." + why.code);
}

task<result<void>> runtime::handle(functions::function& with, call what) {
    auto event = read_event(what.body);
    what.body = {};
    if (!event) co_return co_await fail_call(what.request_id, std::move(event).error());
    auto done = co_await with.handle(*event, {.request_id = what.request_id,
                                              .traceparent = traceparent_of(what.xray),
                                              .deadline = what.deadline});
    if (!done) co_return co_await fail_call(what.request_id, std::move(done).error());
    for (const auto& each : done->failed)
        log_warning("record_failed", {{"request_id", what.request_id},
                                      {"record", each.id},
                                      {"code", each.why.code},
                                      {"detail", each.why.detail}});
    // Whoever is not asked for single records is told that the event as a whole comes again.
    if (!done->failed.empty() && event->from != functions::event_source::sqs) {
        auto why = done->failed.front().why;
        why.detail = summary_of(*done);
        co_return co_await fail_call(what.request_id, std::move(why));
    }
    co_return co_await answer(what.request_id, write_answer(*event, *done));
}

task<result<void>> runtime::serve(functions::function& with) {
    for (;;) {
        STOA_CO_TRY(auto what, co_await next());
        busy_ = true;
        auto told = co_await handle(with, std::move(what));
        busy_ = false;
        if (!told || ending_) co_return told;
    }
}

}  // namespace stoa::lambda
