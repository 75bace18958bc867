#include "apps/stoa/backup_pages.hpp"

#include "base/json.hpp"
#include "runtime/log.hpp"

#include <mutex>

namespace stoa {
namespace {

using http::exchange;
using http::response;
using http::route;

// Between the auditing thread and the loop that tells of it.
struct audit_watch {
    std::mutex mutex;
    audit_line line;
    bool ended = false;
    std::atomic<bool> left = false;  // the client went away: the audit ends

    void tell(std::string_view step, std::int64_t done, std::int64_t all) {
        if (left) throw sql_failure{error{.kind = errc::unavailable, .code = "nobody_listens"}};
        const std::scoped_lock lock(mutex);
        line.step = step;
        line.done = done;
        line.all = all;
    }
    void end(result<audit_report> made) {
        const std::scoped_lock lock(mutex);
        line = {};
        if (made) line.report = *std::move(made);
        else line.failure = made.error().detail.empty() ? made.error().code : made.error().detail;
        ended = true;
    }
    std::pair<std::string, bool> look() {
        const std::scoped_lock lock(mutex);
        return {to_json(line) + '\n', ended};
    }
};

task<> refuse(request_context context, exchange& with) {
    (void)co_await with.answer(http::problem_response(local_only(), context.request_id));
}

task<> answer_audit(local_page_needs from, request_context context, exchange& with) {
    if (!is_local(context)) {
        co_await refuse(std::move(context), with);
        co_return;
    }
    auto watch = std::make_shared<audit_watch>();
    const bool begun = from.work.post([watch, audit = from.audit] {
        watch->end(audit([&](std::string_view step, std::int64_t done, std::int64_t all) {
            watch->tell(step, done, all);
        }));
    });
    if (!begun) {
        (void)co_await with.answer(
            http::problem_response({.kind = errc::unavailable,
                                    .code = "overloaded",
                                    .detail = "other audits and backups run; try again later",
                                    .retry_after_s = 10},
                                   context.request_id));
        co_return;
    }
    // The client's going away, and the shop's stop, end this coroutine: the audit learns of it.
    const std::shared_ptr<void> leaving(nullptr, [watch](void*) { watch->left = true; });
    if (!co_await with.begin({.content_type = "application/x-ndjson"})) co_return;
    std::string told;
    for (milliseconds wait{5};; wait = std::min(wait * 2, milliseconds(500))) {
        auto [line, ended] = watch->look();
        const bool again = line == told;
        told = line;
        if ((ended || !again || wait == milliseconds(500)) &&
            !co_await with.write_chunk(std::move(line)))
            co_return;
        if (ended) break;
        co_await from.time.sleep(wait);
    }
    (void)co_await with.finish();
}

task<> answer_backup(local_page_needs from, request_context context, exchange& with) {
    if (!is_local(context)) {
        co_await refuse(std::move(context), with);
        co_return;
    }
    const auto request_id = context.request_id;
    auto open = from.backup;
    auto made = co_await offload(from.work, std::move(open));
    if (!made) {
        (void)co_await with.answer(http::problem_response(made.error(), request_id));
        co_return;
    }
    const std::shared_ptr<backup_stream> stream = *std::move(made);
    if (!co_await with.begin({.content_type = "application/octet-stream"})) co_return;
    for (;;) {
        auto more = [stream] { return stream->next(); };
        auto chunk = co_await offload(from.work, std::move(more));
        if (!chunk) {
            log_error("backup_failed",
                      {{"code", chunk.error().code}, {"detail", chunk.error().detail}});
            co_return;  // cut off: whoever reads sees that it has no end
        }
        if (chunk->empty()) break;
        if (!co_await with.write_chunk(*std::move(chunk))) co_return;
    }
    (void)co_await with.finish();
}

}  // namespace

bool is_local(const request_context& context) { return context.caller.key_id == "local"; }

error local_only() {
    return {.kind = errc::forbidden,
            .code = "local_only",
            .detail = "only the program's own verbs may ask this: run `stoa` beside the shop"};
}

std::vector<route> local_pages(local_page_needs from) {
    std::vector<route> out;
    out.push_back({.path = "/local/audit",
                   .name = "LocalAudit",
                   .caller = who::operators,
                   .stream = [from](request_context context, exchange& with, route::parameters) {
                       return answer_audit(from, std::move(context), with);
                   }});
    out.push_back({.path = "/local/backup",
                   .name = "LocalBackup",
                   .caller = who::operators,
                   .stream = [from](request_context context, exchange& with, route::parameters) {
                       return answer_backup(from, std::move(context), with);
                   }});
    out.push_back(operator_page(from.make_operator));
    return out;
}

}  // namespace stoa
