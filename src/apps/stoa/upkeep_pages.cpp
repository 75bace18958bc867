#include "apps/stoa/upkeep_pages.hpp"

#include "base/json.hpp"

#include <set>
#include <tuple>

namespace stoa {

// Of a problem document.
struct told_problem {
    std::string code;
    std::optional<std::string> detail;
};
BOOST_DESCRIBE_STRUCT(told_problem, (), (code, detail))

// What clients send: every member may be left out.
struct wanted_redrive {
    std::optional<std::string> group, topic, key, id;
    std::optional<bool> dry_run, give_up;
};
BOOST_DESCRIBE_STRUCT(wanted_redrive, (), (group, topic, key, id, dry_run, give_up))

struct part_readiness {
    std::string status;
    json_text dependencies;
};
BOOST_DESCRIBE_STRUCT(part_readiness, (), (status, dependencies))

namespace {

using http::request;
using http::response;
using http::route;

response no_store(std::string body) {
    response out;
    out.headers.push_back({"Cache-Control", "no-store"});
    out.set_body(std::move(body));
    return out;
}

using runner = std::function<task<result<redrive_report>>(redrive_request)>;
using parts = std::vector<part_elsewhere>;

error part_failed(const part_elsewhere& part, const error& why) {
    return {.kind = errc::unavailable,
            .code = why.code,
            .detail = "the " + part.name + " service: " + why.detail,
            .retry_after_s = 1};
}

// Letters of this process, then those of each of the others, each once: a process may serve several
// parts.
class everywhere {
 public:
    everywhere(const runner& run, const parts& others, request_context context, request in)
        : run_(run), others_(others), context_(std::move(context)), in_(std::move(in)) {}

    task<result<redrive_report>> redrive(redrive_request wanted) {
        if (run_) {
            auto here = co_await run_(wanted);
            if (!here && here.error().code != "unknown_group")
                co_return std::unexpected(std::move(here).error());
            if (here) add(*std::move(here));
            else nobody_ = std::move(here).error();
        }
        for (const auto& each : others_) STOA_CO_TRY_VOID(co_await ask(each));
        if (!known_ && nobody_) co_return std::unexpected(*std::move(nobody_));
        co_return std::move(out_);
    }

 private:
    void add(redrive_report more) {
        known_ = true;
        out_.more |= more.more;
        for (auto& each : more.letters)
            if (seen_.emplace(each.group, each.topic, each.partition, each.offset).second)
                out_.letters.push_back(std::move(each));
    }
    // Applying twice changes nothing, so it may be asked again.
    task<result<void>> ask(const part_elsewhere& part) {
        auto answered = co_await part.at->ask(context_, in_, true);
        if (!answered) co_return std::unexpected(part_failed(part, answered.error()));
        if (answered->status == 404) co_return result<void>{};  // it consumes nothing
        if (answered->status >= 300) {
            auto why = from_json<told_problem>(answered->body);
            if (!why) co_return std::unexpected(part_failed(part, why.error()));
            error told{.kind = answered->status < 500 ? errc::invalid : errc::unavailable,
                       .code = std::move(why->code),
                       .detail = why->detail.value_or("")};
            if (told.code != "unknown_group") co_return std::unexpected(std::move(told));
            nobody_ = std::move(told);
            co_return result<void>{};
        }
        auto report = from_json<redrive_report>(answered->body);
        if (!report) co_return std::unexpected(part_failed(part, report.error()));
        add(*std::move(report));
        co_return result<void>{};
    }

    const runner& run_;
    const parts& others_;
    request_context context_;
    request in_;
    bool known_ = false;
    std::optional<error> nobody_;  // knows the group that was asked for
    std::set<std::tuple<std::string, std::string, std::int32_t, std::int64_t>> seen_;
    redrive_report out_;
};

task<response> answer_redrive(everywhere work, redrive_request wanted, std::string request_id) {
    auto done = co_await work.redrive(std::move(wanted));
    if (!done) co_return http::problem_response(done.error(), request_id);
    co_return no_store(to_json(*done));
}

// One of the others is `ready` only where it says so.
task<part_readiness> ask_readiness(const part_elsewhere& part, request_context context,
                                   request in) {
    auto answered = co_await part.at->ask(context, in, true);
    if (answered && answered->status == 200)
        if (auto told = from_json<part_readiness>(answered->body)) co_return *std::move(told);
    part_readiness out{.status = "not ready"};
    out.dependencies.text = R"({"process":"does not answer"})";
    co_return out;
}

task<response> answer_readiness(std::vector<dependency> own, const parts& others,
                                request_context context, request in) {
    bool ready = false;
    auto body = readiness(own, ready);
    if (others.empty()) co_return no_store(std::move(body));
    body.pop_back();
    body += R"(,"parts":{)";
    for (bool first = true; const auto& each : others) {
        if (!std::exchange(first, false)) body += ',';
        append_json_string(body, each.name);
        body += ':' + to_json(co_await ask_readiness(each, context, in));
    }
    co_return no_store(body + "}}");
}

}  // namespace

route readiness_page(std::function<std::vector<dependency>()> ask, parts others) {
    route out{.method = verb::get,
              .path = "/api/v1/readiness",
              .name = "Readiness",
              .caller = who::operators,
              .summary = "Whether everything the shop stands on answers, by dependency."};
    out.answer = [ask = std::move(ask), others = std::move(others)](
                     request_context context, request in, route::parameters) -> task<response> {
        return answer_readiness(ask(), others, std::move(context), std::move(in));
    };
    return out;
}

std::vector<route> dead_letter_pages(runner run, parts others) {
    std::vector<route> out;
    route list{.method = verb::get,
               .path = "/api/v1/dead-letters",
               .name = "ListDeadLetters",
               .caller = who::operators,
               .summary = "Events that could not be applied, with their causes."};
    list.answer = [run, others](request_context context, request in,
                                route::parameters) -> task<response> {
        const auto request_id = context.request_id;
        return answer_redrive({run, others, std::move(context), std::move(in)}, {.dry_run = true},
                              request_id);
    };
    out.push_back(std::move(list));
    route again{.method = verb::post,
                .path = "/api/v1/dead-letters/redrive",
                .name = "RedriveDeadLetters",
                .caller = who::operators,
                .summary =
                    "Applies dead letters once more, by group, topic, key or id; `give_up` "
                    "forgets them."};
    again.answer = [run, others](request_context context, request in,
                                 route::parameters) -> task<response> {
        const auto request_id = context.request_id;
        auto sent = from_json<wanted_redrive>(in.body.empty() ? "{}" : in.body);
        if (!sent) co_return http::problem_response(sent.error(), request_id);
        redrive_request wanted{.group = std::move(sent->group),
                               .topic = std::move(sent->topic),
                               .key = std::move(sent->key),
                               .id = std::move(sent->id),
                               .dry_run = sent->dry_run.value_or(false),
                               .give_up = sent->give_up.value_or(false)};
        co_return co_await answer_redrive({run, others, std::move(context), std::move(in)},
                                          std::move(wanted), request_id);
    };
    out.push_back(std::move(again));
    return out;
}

}  // namespace stoa
