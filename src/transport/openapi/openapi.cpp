#include "transport/openapi/openapi.hpp"

#include "base/problem.hpp"
#include "transport/openapi/pretty_json.hpp"
#include "transport/openapi/schemas.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace stoa::openapi {
namespace {

constexpr std::array<std::string_view, 5> verbs{"get", "post", "put", "patch", "delete"};
constexpr std::array<std::string_view, 6> callers{"nobody",     "anyone",    "signed_in",
                                                  "registered", "operators", "services"};

std::string_view word_of(who policy) { return callers[static_cast<std::size_t>(policy)]; }

member_names path_members(std::string_view path) {
    member_names out;
    for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open)) {
        const auto close = path.find('}', open);
        auto name = path.substr(open + 1, close - open - 1);
        if (name.ends_with("...")) name.remove_suffix(3);
        out.insert(name);
        open = close;
    }
    return out;
}

// {name...} is the router's word for the rest of a path; OpenAPI has only {name}.
std::string documented_path(std::string_view path) {
    std::string out(path);
    if (const auto dots = out.find("...}"); dots != std::string::npos) out.erase(dots, 3);
    return out;
}

bool has_body(const operation& row) { return row.method != verb::get && row.method != verb::erase; }
bool is_versioned(const type& of) {
    const member* version = of.find("version");
    return version && version->of->what == kind::integer;
}
bool fits_a_parameter(const type& of) {
    const auto what = schemas::plain(of).what;
    return what != kind::list && what != kind::record && what != kind::json;
}

struct problem_answer {
    int status;
    std::string_view when;
};
constexpr problem_answer problems_known[] = {
    {400, "The request cannot be read: broken JSON, a malformed path or header."},
    {401, "No credential where one is needed, or one that is not valid (any more)."},
    {403, "The caller is known, but this is for others."},
    {404, "It does not exist, or is another's."},
    {409, "Its state does not allow this; `allowed` may list what does."},
    {412, "If-Match names another version than the current one."},
    {413, "The body is larger than 1 MiB."},
    {422, "The request can be read but breaks rules; `errors` names each member."},
    {429, "Too many requests; Retry-After says when to come back."},
    {503, "Overloaded or not ready; nothing was done, try again after Retry-After."},
};

class document_writer {
 public:
    document_writer(std::span<const service> services, std::span<const http::route* const> specials)
        : services_(services) {
        for (const auto& each : services) {
            for (const auto& row : each.operations) {
                note(row, each.name);
                paths_[documented_path(row.path)].push_back({&row, nullptr, each.name});
            }
        }
        for (const auto* special : specials)
            if (!special->summary.empty())
                paths_[documented_path(special->path)].push_back({nullptr, special, "shop"});
        schemas_.settle_names();
    }

    std::string write(const about& program) {
        out_.begin_object();
        out_.member("openapi", "3.1.0");
        write_info(program);
        out_.name("servers").begin_list();
        for (const auto& url : program.servers) out_.begin_object().member("url", url).end_object();
        out_.end_list();
        out_.name("tags").begin_list();
        for (const auto& each : services_)
            out_.begin_object().member("name", each.name).end_object();
        out_.begin_object().member("name", "shop").end_object().end_list();
        out_.name("paths").begin_object();
        for (auto& [path, entries] : paths_) {
            std::ranges::sort(entries, {}, [](const entry& e) { return e.method(); });
            out_.name(path).begin_object();
            for (const auto& each : entries)
                each.row ? write_operation(each) : write_special(*each.special);
            out_.end_object();
        }
        out_.end_object();
        write_components();
        out_.end_object();
        return out_.take();
    }

 private:
    struct entry {
        const operation* row;
        const http::route* special;
        std::string_view service;
        verb method() const { return row ? row->method : special->method; }
    };

    void note(const operation& row, std::string_view service) {
        const auto in_path = path_members(row.path);
        for (const auto& m : row.request->members) schemas_.note(*m.of, service);
        if (carries_body(row)) schemas_.note(*row.request, service, in_path);
        if (row.success != 204) schemas_.note(*row.response, service);
    }
    static bool carries_body(const operation& row) {
        const auto in_path = path_members(row.path);
        return has_body(row) && std::ranges::any_of(row.request->members, [&](const member& m) {
                   return !in_path.contains(m.name);
               });
    }

    void write_info(const about& program) {
        out_.name("info").begin_object();
        out_.member("title", program.title);
        out_.member("version", program.version);
        out_.member("description",
                    "A headless shop: catalogue, carts, orders, payments. Amounts are decimals "
                    "with no more digits "
                    "than their currency has; times are UTC by RFC 3339; errors are problem "
                    "documents (RFC 9457). "
                    "Unknown members are ignored. `x-callers` says who may call: anyone, signed_in "
                    "(guests too), "
                    "registered (no guests), operators, services. `x-alias` is a second path of "
                    "the same operation.");
        out_.name("license")
            .begin_object()
            .member("name", "MIT")
            .member("identifier", "MIT")
            .end_object();
        out_.end_object();
    }

    void write_head(std::string_view id, std::string_view tag, std::string_view summary,
                    who policy) {
        out_.member("operationId", id);
        out_.name("tags").begin_list().value(tag).end_list();
        if (!summary.empty()) out_.member("summary", summary);
        out_.member("x-callers", word_of(policy));
        out_.name("security").begin_list();
        if (policy == who::anyone) out_.begin_object().end_object();
        out_.begin_object().name("bearer").begin_list().end_list().end_object();
        if (policy != who::services)
            out_.begin_object().name("api_key").begin_list().end_list().end_object();
        out_.end_list();
    }

    void write_operation(const entry& one) {
        const auto& row = *one.row;
        out_.name(verbs[static_cast<std::size_t>(row.method)]).begin_object();
        write_head(row.rpc, one.service, row.summary, row.caller);
        if (!row.alias.empty()) out_.member("x-alias", row.alias);
        write_parameters(one);
        if (carries_body(row)) {
            const auto in_path = path_members(row.path);
            const bool needed = std::ranges::any_of(row.request->members, [&](const member& m) {
                return !in_path.contains(m.name) && m.of->what != kind::optional;
            });
            out_.name("requestBody").begin_object().member("required", needed);
            write_content("application/json",
                          [&] { schemas_.write_use(out_, *row.request, in_path); });
            out_.end_object();
        }
        write_responses(one);
        out_.end_object();
    }

    void write_parameters(const entry& one) {
        const auto& row = *one.row;
        const auto in_path = path_members(row.path);
        out_.name("parameters").begin_list();
        for (const auto& m : row.request->members) {
            const bool path = in_path.contains(m.name);
            if (!path && (has_body(row) || !fits_a_parameter(*m.of))) continue;
            out_.begin_object().member("name", m.name).member("in", path ? "path" : "query");
            out_.member("required", path || m.of->what != kind::optional);
            out_.name("schema");
            schemas_.write_member(out_, *row.request, m);
            out_.end_object();
        }
        if (row.takes_key)
            write_header("Idempotency-Key",
                         "Names this attempt: a repeat with the same key and body gets the stored "
                         "answer, another body 422.",
                         255);
        if (guards_version(one))
            write_header("If-Match",
                         "The version (ETag) that this change is about; another one now is 412.",
                         64);
        if (row.method == verb::get && is_versioned(*row.response))
            write_header("If-None-Match",
                         "The version (ETag) that you have; 304 if it still is the current one.",
                         64);
        out_.end_list();
    }
    void write_header(std::string_view name, std::string_view what, int longest) {
        out_.begin_object().member("name", name).member("in", "header").member("required", false);
        out_.member("description", what);
        out_.name("schema")
            .begin_object()
            .member("type", "string")
            .member("maxLength", longest)
            .end_object();
        out_.end_object();
    }
    // PUT, PATCH and DELETE of something whose GET shows a version.
    bool guards_version(const entry& one) const {
        const auto method = one.row->method;
        if (method != verb::put && method != verb::patch && method != verb::erase) return false;
        for (const auto& each : services_)
            if (each.name == one.service)
                for (const auto& row : each.operations)
                    if (row.method == verb::get && row.path == one.row->path)
                        return is_versioned(*row.response);
        return false;
    }

    template <class Schema>
    void write_content(std::string_view type, Schema schema) {
        out_.name("content").begin_object().name(type).begin_object().name("schema");
        schema();
        out_.end_object().end_object();
    }

    void write_responses(const entry& one) {
        const auto& row = *one.row;
        const bool shows = row.success != 204;
        out_.name("responses").begin_object();
        out_.name(std::to_string(row.success))
            .begin_object()
            .member("description", status_title(row.success));
        if (shows && is_versioned(*row.response)) {
            out_.name("headers").begin_object().name("ETag").begin_object();
            out_.member("description", "The version, for If-Match and If-None-Match.");
            out_.name("schema").begin_object().member("type", "string").end_object();
            out_.end_object().end_object();
        }
        if (shows)
            write_content("application/json", [&] { schemas_.write_use(out_, *row.response); });
        out_.end_object();
        if (row.method == verb::get && is_versioned(*row.response))
            out_.name("304")
                .begin_object()
                .member("description", "You have the current version.")
                .end_object();
        const bool changes = row.method != verb::get;
        const bool named = !path_members(row.path).empty();
        for (const auto& [status, when] : problems_known) {
            if (status == 403 && row.caller == who::anyone) continue;
            if (status == 404 && !named && !changes) continue;
            if (status == 409 && !changes) continue;
            if (status == 412 && !guards_version(one)) continue;
            if (status == 413 && !has_body(row)) continue;
            if (status == 422 && row.request->members.empty()) continue;
            write_problem_use(std::to_string(status));
        }
        write_problem_use("default");
        out_.end_object();
    }
    void write_problem_use(const std::string& status) {
        out_.name(status).begin_object();
        out_.member("$ref", "#/components/responses/problem_" + status);
        out_.end_object();
    }

    void write_special(const http::route& route) {
        out_.name(verbs[static_cast<std::size_t>(route.method)]).begin_object();
        write_head(route.name, "shop", route.summary, route.caller);
        out_.name("parameters").begin_list();
        for (const auto name : path_members(route.path)) {
            out_.begin_object().member("name", name).member("in", "path").member("required", true);
            out_.name("schema").begin_object().member("type", "string").end_object().end_object();
        }
        out_.end_list();
        out_.name("responses").begin_object();
        out_.name("200").begin_object().member("description", route.summary).end_object();
        if (route.may_answer_later)
            out_.name("202")
                .begin_object()
                .member("description", "It is taken, and goes on.")
                .end_object();
        if (route.caller != who::anyone) {
            write_problem_use("401");
            write_problem_use("403");
        }
        write_problem_use("default");
        out_.end_object().end_object();
    }

    void write_components() {
        out_.name("components").begin_object();
        out_.name("schemas").begin_object();
        schemas_.write_components(out_);
        write_problem_schema();
        out_.end_object();
        out_.name("responses").begin_object();
        for (const auto& [status, when] : problems_known)
            write_problem("problem_" + std::to_string(status), when);
        write_problem("problem_default",
                      "Any other failure: `code` names it, `request_id` finds it in the log.");
        out_.end_object();
        out_.name("securitySchemes").begin_object();
        out_.name("bearer").begin_object().member("type", "http").member("scheme", "bearer");
        out_.member("bearerFormat", "JWT")
            .member("description", "The `token` of login, registration or guest.")
            .end_object();
        out_.name("api_key").begin_object().member("type", "apiKey").member("in", "header");
        out_.member("name", "X-API-Key")
            .member("description", "A key that an operator made; it may have scopes.")
            .end_object();
        out_.end_object().end_object();
    }
    void write_problem(std::string_view name, std::string_view when) {
        out_.name(name).begin_object().member("description", when);
        write_content("application/problem+json", [&] {
            out_.begin_object()
                .member("$ref", "#/components/schemas/problem_document")
                .end_object();
        });
        out_.end_object();
    }
    void write_problem_schema() {
        const auto text = [&](std::string_view name, std::string_view what) {
            out_.name(name)
                .begin_object()
                .member("type", "string")
                .member("description", what)
                .end_object();
        };
        out_.name("problem_document").begin_object().member("type", "object");
        out_.member("description",
                    "What went wrong (RFC 9457). Programs switch on `code`, people read `detail`.");
        out_.name("properties").begin_object();
        text("type", "/problems/ and the code.");
        text("title", "The status in words.");
        out_.name("status").begin_object().member("type", "integer").end_object();
        text("code", "Stable, snake_case.");
        text("detail", "What happened and what to do.");
        text("request_id", "Also in the header X-Request-Id and in the log.");
        out_.name("errors").begin_object().member("type", "array").name("items").begin_object();
        out_.member("type", "object").name("properties").begin_object();
        text("pointer", "A JSON pointer into the request.");
        text("code", "required, out_of_range, …");
        text("detail", "In words.");
        out_.name("available")
            .begin_object()
            .member("type", "integer")
            .member("description", "Units that could be had.")
            .end_object();
        out_.end_object().end_object().end_object();
        out_.name("allowed").begin_object().member("type", "array");
        out_.member("description", "The states or transitions that would be accepted.");
        out_.name("items").begin_object().member("type", "string").end_object().end_object();
        out_.end_object();
        out_.name("required").begin_list();
        for (const auto* name : {"type", "title", "status", "code", "request_id"}) out_.value(name);
        out_.end_list().end_object();
    }

    std::span<const service> services_;
    schemas schemas_;
    std::map<std::string, std::vector<entry>> paths_;
    pretty_json out_;
};

}  // namespace

std::string write_document(std::span<const service> services,
                           std::span<const http::route* const> specials, const about& program) {
    return document_writer(services, specials).write(program);
}

}  // namespace stoa::openapi
