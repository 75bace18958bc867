#include "transport/http/router.hpp"

#include "base/json.hpp"
#include "base/problem.hpp"
#include "runtime/log.hpp"
#include "transport/middleware/authorization.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace stoa::http {
namespace {

constexpr std::array<std::string_view, 5> verb_names{"GET", "POST", "PUT", "PATCH", "DELETE"};
std::string_view name_of(verb v) { return verb_names[static_cast<std::size_t>(v)]; }

// Paths that anyone may call and that cost a password hash or make a record: limited by address.
bool guards_address(std::string_view rpc) {
    return rpc == "Register" || rpc == "Login" || rpc == "CreateGuest" ||
           rpc == "RequestPasswordReset" || rpc == "ResetPassword";
}

std::string etag_of(std::int64_t version) { return '"' + std::to_string(version) + '"'; }

// If-None-Match and If-Match: a list of tags, weak ones compared by their value.
bool lists_tag(std::string_view header, std::string_view tag) {
    return header == "*" || header.find(tag) != std::string_view::npos;
}

// The versions of an If-Match list, joined by commas. RFC 9110 §13.1.1: the comparison is strong,
// so a weak tag matches nothing; `*` asks only that there is something.
std::string versions_of(std::string_view header) {
    if (header == "*") return {};
    std::string out;
    while (!header.empty()) {
        const auto end = std::min(header.find(','), header.size());
        auto tag = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (tag.starts_with(' ') || tag.starts_with('\t')) tag.remove_prefix(1);
        while (tag.ends_with(' ') || tag.ends_with('\t')) tag.remove_suffix(1);
        if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
            tag = tag.substr(1, tag.size() - 2);
        if (!out.empty()) out += ',';
        out += tag.starts_with("W/") ? "weak" : std::string(tag);
    }
    return out;
}

// Of the operation and not of the path as sent: an alias is the same operation, so a key sent to
// either is one key.
std::uint64_t hash_request(const request& of, std::string_view operation_path,
                           std::span<const std::pair<std::string_view, std::string>> parameters) {
    std::uint64_t h = stable_hash(operation_path);
    for (const auto& [name, value] : parameters) h = h * 31 + stable_hash(value);
    h = h * 31 + static_cast<std::uint64_t>(of.method);
    for (const auto& [name, value] : of.query)
        h = h * 31 + stable_hash(name) * 7 + stable_hash(value);
    return (h * 31 + stable_hash(of.body)) & 0x7fff'ffff'ffff'ffff;
}

// `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1). Null: another scheme.
std::optional<std::string_view> bearer_token(std::string_view header) {
    constexpr std::string_view scheme = "bearer ";
    if (header.size() <= scheme.size()) return {};
    for (std::size_t i = 0; i < scheme.size(); ++i)
        if ((header[i] >= 'A' && header[i] <= 'Z' ? header[i] + 32 : header[i]) != scheme[i])
            return {};
    header.remove_prefix(header.find_first_not_of(' ', scheme.size() - 1));
    return header;
}

// What a scoped key needs for a special route: products for /api/v1/products/import.
std::string_view first_word(std::string_view path) {
    if (path.starts_with("/api/v1")) path.remove_prefix(7);
    if (path.starts_with('/')) path.remove_prefix(1);
    return path.substr(0, path.find('/'));
}

bool has_header(const request& of, std::string_view lower_case_name) {
    return std::ranges::find(of.headers, lower_case_name, &header::name) != of.headers.end();
}

std::string last_word(std::string_view list) {
    auto out = list.substr(list.rfind(',') + 1);
    out.remove_prefix(std::min(out.find_first_not_of(' '), out.size()));
    return std::string(out);
}

bool plain_request_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

}  // namespace

// What a path and verb lead to: a row or a special route, with its metrics.
struct router::endpoint {
    const operation* row = nullptr;
    const route* special = nullptr;
    void* api = nullptr;
    upstream* elsewhere = nullptr;  // null: answered here
    std::string_view service_name;
    std::string name;
    std::string path;
    who caller = who::nobody_yet;
    verb method = verb::get;
    metric_histogram duration;
    std::array<std::optional<metric_counter>, 600> counts;  // by status, made when first seen
};

struct router::node {
    std::map<std::string, std::unique_ptr<node>, std::less<>> words;
    std::unique_ptr<node> parameter;
    std::string parameter_name;
    bool takes_rest = false;
    std::array<endpoint*, 5> by_verb{};
};

router::router(router_needs ports, router_settings settings)
    : ports_(std::move(ports)),
      settings_(std::move(settings)),
      root_(std::make_unique<node>()),
      unmatched_(std::make_unique<endpoint>()),
      shed_(ports_.measured.counter("http_requests_shed_total",
                                    "Requests refused because too many were in work.")) {
    unmatched_->name = "unmatched";
    unmatched_->path = "unmatched";
    unmatched_->duration =
        ports_.measured.duration("http_request_duration_seconds", "Time to answer, by route.",
                                 {{"method", "-"}, {"route", "unmatched"}});
}
router::~router() = default;

result<void> router::mount(verb method, std::string_view path, endpoint& to) {
    node* at = root_.get();
    std::string_view rest = path.substr(1);
    while (!rest.empty()) {
        const auto cut = std::min(rest.find('/'), rest.size());
        const auto word = rest.substr(0, cut);
        rest.remove_prefix(std::min(cut + 1, rest.size()));
        if (!word.starts_with('{')) {
            auto& next = at->words[std::string(word)];
            if (!next) next = std::make_unique<node>();
            at = next.get();
            continue;
        }
        auto name = word.substr(1, word.size() - 2);
        if (!at->parameter) at->parameter = std::make_unique<node>();
        at->takes_rest = name.ends_with("...");
        if (at->takes_rest) name.remove_suffix(3);
        if (!at->parameter_name.empty() && at->parameter_name != name)
            return fail(errc::internal, "routes_clash",
                        std::string(path) + " names a parameter differently");
        at->parameter_name = name;
        at = at->parameter.get();
    }
    auto& slot = at->by_verb[static_cast<std::size_t>(method)];
    if (slot) return fail(errc::internal, "routes_clash", std::string(path) + " is mounted twice");
    slot = &to;
    return {};
}

result<void> router::mount_all(const service& rows, upstream* elsewhere) {
    for (const auto& row : rows.operations) {
        const auto wrong = [&](std::string_view what) {
            return fail(errc::internal, "operation_unfit",
                        std::string(row.rpc) + ": " + std::string(what));
        };
        if (row.caller == who::nobody_yet) return wrong("says not who may call it");
        if (!row.path.starts_with('/')) return wrong("its path does not begin with /");
        for (const std::string_view path : {row.path, row.alias}) {
            for (std::string_view rest = path; rest.find('{') != std::string_view::npos;) {
                rest.remove_prefix(rest.find('{') + 1);
                if (!row.request->find(rest.substr(0, rest.find('}'))))
                    return wrong("a path parameter names no member");
            }
        }
        auto made = std::make_unique<endpoint>();
        made->row = &row;
        made->api = rows.api;
        made->elsewhere = elsewhere;
        made->service_name = rows.name;
        made->name = row.rpc;
        made->path = row.path;
        made->caller = row.caller;
        made->method = row.method;
        made->duration = ports_.measured.duration(
            "http_request_duration_seconds", "Time to answer, by route.",
            {{"method", std::string(name_of(row.method))}, {"route", std::string(row.path)}});
        STOA_TRY_VOID(mount(row.method, row.path, *made));
        if (!row.alias.empty()) STOA_TRY_VOID(mount(row.method, row.alias, *made));
        endpoints_.push_back(std::move(made));
    }
    services_.push_back(rows);
    return {};
}

result<void> router::add(route special) {
    if (special.caller == who::nobody_yet)
        return fail(errc::internal, "operation_unfit", special.name + ": says not who may call it");
    routes_.push_back(std::make_unique<route>(std::move(special)));
    const route& kept = *routes_.back();
    auto made = std::make_unique<endpoint>();
    made->special = &kept;
    made->name = kept.name;
    made->path = kept.path;
    made->caller = kept.caller;
    made->method = kept.method;
    made->duration = ports_.measured.duration(
        "http_request_duration_seconds", "Time to answer, by route.",
        {{"method", std::string(name_of(kept.method))}, {"route", kept.path}});
    STOA_TRY_VOID(mount(kept.method, kept.path, *made));
    endpoints_.push_back(std::move(made));
    return {};
}

router::match router::find(verb method, std::string_view path) const {
    match out;
    const node* at = root_.get();
    std::string_view rest = path.starts_with('/') ? path.substr(1) : path;
    while (!rest.empty()) {
        const auto cut = std::min(rest.find('/'), rest.size());
        const auto word = rest.substr(0, cut);
        if (const auto found = at->words.find(word); found != at->words.end()) {
            at = found->second.get();
        } else if (at->parameter && !word.empty()) {
            const bool all = at->takes_rest;
            out.parameters.emplace_back(at->parameter_name, std::string(all ? rest : word));
            at = at->parameter.get();
            if (all) break;
        } else {
            return {};
        }
        rest.remove_prefix(std::min(cut + 1, rest.size()));
    }
    out.to = at->by_verb[static_cast<std::size_t>(method)];
    for (std::size_t v = 0; v < verb_names.size(); ++v)
        if (at->by_verb[v])
            out.allow +=
                (out.allow.empty() ? "" : ", ") + std::string(v == 0 ? "GET, HEAD" : verb_names[v]);
    return out;
}

request_context router::make_context(const request& of) const {
    request_context out;
    const auto given = of.find("x-request-id");
    out.request_id =
        plain_request_id(given) ? std::string(given) : new_id(ports_.time, ports_.random);
    if (const auto trace = read_traceparent(of.find("traceparent")))
        out.traceparent = write_traceparent(*trace);
    out.address = of.address;
    if (const auto by = of.find(passed_on_by);
        !by.empty() && ports_.is_service && ports_.is_service(by))
        out.address = last_word(of.find("x-forwarded-for"));
    out.deadline = ports_.time.ticks() + settings_.deadline;
    out.if_match = versions_of(of.find("if-match"));
    return out;
}

active_span router::open_span(const request& in, const match& found,
                              request_context& context) const {
    if (!ports_.traces) return {};
    // Where nobody collects them, the few that are remembered are of what somebody changed.
    const bool worth_it = found.to && in.method != verb::get && found.to->caller != who::anyone;
    if (!ports_.traces->exports() && !worth_it) return {};
    active_span out(ports_.traces, context.traceparent, found.to ? found.to->name : "unmatched",
                    span_kind::server, worth_it);
    context.traceparent = out.traceparent();
    out.set("http.request.method", in.unknown_method ? "_OTHER"
                                   : in.head         ? "HEAD"
                                                     : name_of(in.method));
    if (found.to) out.set("http.route", found.to->path);
    return out;
}

namespace {
// Counts an operation in work for as long as it lives.
struct in_work {
    explicit in_work(int& n) : n_(n) { ++n_; }
    ~in_work() { --n_; }
    in_work(const in_work&) = delete;
    in_work& operator=(const in_work&) = delete;
    int& n_;
};
}  // namespace

task<response> router::handle(request in) {
    const auto started = ports_.time.ticks();
    auto found = find(in.method, in.path);
    auto context = make_context(in);
    if (in.options) co_return preflight(in, found.allow, context);
    if (in.unknown_method) found.to = nullptr;
    auto traced = open_span(in, found, context);
    response out;
    const bool browsing = found.to && found.to->method == verb::get;
    if (in_flight_ >= settings_.in_flight - (browsing ? settings_.in_flight / 4 : 0)) {
        shed_.add();
        out = problem_response({.kind = errc::unavailable,
                                .code = "overloaded",
                                .detail = "too much is in work; try again in a moment",
                                .retry_after_s = 1},
                               context.request_id);
    } else {
        const in_work counted(in_flight_);
        out = co_await answer(in, found, context);
    }
    add_common_headers(in, found.to, context, out);
    finish(in, found, context, out, started, traced);
    co_return out;
}

task<response> router::answer(request& in, const match& found, request_context& context) {
    if (!found.to) {
        if (found.allow.empty()) {
            if (not_found_page_ && in.method == verb::get && !in.unknown_method)
                if (auto page = not_found_page_(in)) co_return *std::move(page);
            co_return problem_response({.kind = errc::not_found,
                                        .code = "no_such_path",
                                        .detail = "there is nothing at " + in.path},
                                       context.request_id);
        }
        auto out = problem_response({.kind = errc::malformed,
                                     .code = "method_not_allowed",
                                     .detail = "this path answers to " + found.allow},
                                    context.request_id, in.unknown_method ? 501 : 405);
        out.headers.push_back({"Allow", found.allow});
        co_return out;
    }
    std::string thrown;
    try {
        if (auto refused = co_await admit(in, *found.to, context)) co_return *std::move(refused);
        co_return co_await call(in, found, context);
    } catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted) throw;
        thrown = e.what();
    } catch (const std::exception& e) {
        thrown = e.what();
    }
    log_error("operation_threw",
              {{"operation", found.to->name}, {"request_id", context.request_id}, {"why", thrown}});
    co_return problem_response({.kind = errc::internal, .code = "internal"}, context.request_id);
}

// Who calls, whether they may, and how often. Nothing: go on.
task<std::optional<response>> router::admit(const request& in, endpoint& to,
                                            request_context& context) {
    const auto refuse = [&](error why) { return problem_response(why, context.request_id); };
    std::string_view credential = in.find("authorization");
    if (const auto token = bearer_token(credential)) credential = *token;
    else if (!credential.empty())
        co_return refuse({.kind = errc::unauthenticated,
                          .code = "scheme_not_supported",
                          .detail = "send `Authorization: Bearer <token>`"});
    else credential = in.find("x-api-key");
    if (!credential.empty()) {
        auto known = co_await ports_.authenticate(std::string(credential));
        if (!known) co_return refuse(std::move(known).error());
        context.caller = *std::move(known);
    }
    const auto& who_calls = context.caller;
    const auto allowed =
        check_access(who_calls, {.caller = to.caller,
                                 .of = to.special ? first_word(to.path) : to.service_name,
                                 .reads = to.method == verb::get});
    if (!allowed) co_return refuse(allowed.error());
    const auto now = ports_.time.ticks();
    const bool within =
        (!guards_address(to.name) ||
         ports_.limiter.take("address:" + context.address, settings_.per_address_login, now)) &&
        (!who_calls.signed_in() || !settings_.per_principal.limited() ||
         ports_.limiter.take(who_calls.scope(), settings_.per_principal, now));
    if (!within)
        co_return refuse({.kind = errc::rate_limited,
                          .code = "rate_limited",
                          .detail = "too many requests; slow down",
                          .retry_after_s = 1});
    co_return std::nullopt;
}

task<response> router::call(request& in, const match& found, request_context& context) {
    if (found.to->special) {
        route::parameters given;
        for (const auto& [name, value] : found.parameters) given.emplace_back(name, value);
        co_return co_await found.to->special->answer(context, std::move(in), std::move(given));
    }
    if (found.to->elsewhere)
        co_return co_await found.to->elsewhere->pass_on(context, std::move(in));
    const auto& row = *found.to->row;
    context.operation = row.rpc;
    if (has_header(in, "if-match") && in.find("if-match").empty())
        co_return problem_response({.kind = errc::malformed,
                                    .code = "if_match_empty",
                                    .detail = "send the ETag of what you read, or leave the header "
                                              "out: an empty one would guard nothing"},
                                   context.request_id);
    if (row.takes_key) {
        const auto key = in.find("idempotency-key");
        context.key_from_client = !key.empty();
        // Sent and empty is a client's bug, which would give it no protection at all: said, not
        // passed over.
        if (key.empty() && has_header(in, "idempotency-key"))
            co_return problem_response(
                {.kind = errc::malformed,
                 .code = "idempotency_key_empty",
                 .detail = "send a key of 1 to 255 characters, or leave the header out"},
                context.request_id);
        if (key.size() > 255)
            co_return problem_response(
                invalid_request({{"Idempotency-Key", "too_long", "at most 255 characters", {}}}),
                context.request_id);
        if (!std::ranges::all_of(key, [](char c) { return c >= 0x20 && c < 0x7f; }))
            co_return problem_response(
                invalid_request(
                    {{"Idempotency-Key", "invalid_characters", "ASCII characters only", {}}}),
                context.request_id);
        context.idempotency_key =
            key.empty() ? new_id(ports_.time, ports_.random) : std::string(key);
        context.request_hash = hash_request(in, row.path, found.parameters);
    }
    auto bound = bind(in, found);
    if (!bound) co_return problem_response(bound.error(), context.request_id);
    auto answered = co_await row.call(found.to->api, context, *std::move(bound));
    const auto& note = *context.reply;
    response out;
    if (!note.body.empty()) {
        out.status = note.status ? note.status : row.success;
        out.content_type = out.status >= 400 ? "application/problem+json" : "application/json";
        out.set_body(note.body);
    } else if (!answered) {
        if (answered.error().kind == errc::internal)
            log_error("operation_failed", {{"operation", row.rpc},
                                           {"request_id", context.request_id},
                                           {"code", answered.error().code},
                                           {"detail", answered.error().detail}});
        out = problem_response(answered.error(), context.request_id);
    } else {
        out = write(row, in, *answered, context);
    }
    if (note.replayed) out.headers.push_back({"Idempotent-Replayed", "true"});
    if (row.takes_key) out.headers.push_back({"Idempotency-Key", context.idempotency_key});
    co_return out;
}

// Body first, then query, then path: the path wins. Everything wrong is named in one answer.
result<record_box> router::bind(const request& in, const match& found) const {
    const auto& row = *found.to->row;
    const type& of = *row.request;
    record_box box(of);
    problems wrong;
    std::set<std::string_view> bound;
    const bool has_body = in.method != verb::get && in.method != verb::erase;
    if (has_body || !in.body.empty()) {
        wrong = read_json(in.body.empty() ? "{}" : std::string_view(in.body), of, box.get(),
                          settings_.shop_currency);
        if (!wrong.empty() && wrong.front().code == "syntax")
            return fail(errc::malformed, "malformed_json", wrong.front().detail);
    } else {
        for (const auto& m : of.members)
            if (m.of->what != kind::optional)
                wrong.push_back(
                    {std::string(m.name), "required", std::string(explain("required")), {}});
    }
    const auto bind_text = [&](std::string_view name, std::string_view text) {
        const member* m = of.find(name);
        for (const auto& r : of.rules)
            if (!m && r.means == rule::what::alias && r.member == name) m = of.find(r.target);
        if (!m) return;  // unknown parameters are ignored, as unknown members are
        std::erase_if(wrong, [&](const problem& p) { return p.where == m->name; });
        if (!read_text(text, *m->of, m->in(box.get()), settings_.shop_currency))
            wrong.push_back({std::string(m->name), "format", std::string(explain("format")), {}});
    };
    for (const auto& [name, value] : in.query) {
        // Two values of one name: caches and proxies take the first, others the last, so neither is
        // taken.
        const bool again = of.find(name) && !bound.insert(name).second;
        bind_text(name, value);
        if (again) wrong.push_back({name, "repeated", std::string(explain("repeated")), {}});
    }
    for (const auto& [name, value] : found.parameters) bind_text(name, value);
    if (wrong.empty()) check_rules(wrong, of, box.get());
    if (!wrong.empty()) return fail(invalid_request(std::move(wrong)));
    return box;
}

response router::write(const operation& row, const request& in, const record_box& answered,
                       const request_context& context) const {
    response out{.status = context.reply->status ? context.reply->status : row.success};
    const type& of = answered.of();
    if (const member* version = of.find("version"); version && version->of->what == kind::integer) {
        const auto tag = etag_of(version->of->load(version->in(answered.get())));
        out.headers.push_back({"ETag", tag});
        if (in.method == verb::get && lists_tag(in.find("if-none-match"), tag)) {
            out.status = 304;
            return out;
        }
    }
    if (out.status == 201)
        if (const member* id = of.find("id");
            id && id->of->what == kind::text && row.method == verb::post) {
            // Only where that is a resource: POST /auth/register makes one that lives elsewhere.
            auto where = std::string(row.path) + '/' +
                         *static_cast<const std::string*>(id->in(answered.get()));
            if (const auto there = find(verb::get, where);
                there.to && there.to->row && there.to->row->response == row.response)
                out.headers.push_back({"Location", std::move(where)});
        }
    if (out.status == 204) return out;
    std::string body;
    body.reserve(512);
    write_json(body, of, answered.get());
    out.set_body(std::move(body));
    return out;
}

response router::preflight(const request& in, std::string_view allow,
                           const request_context& context) const {
    response out{.status = 204};
    if (allow.empty())
        return problem_response({.kind = errc::not_found, .code = "no_such_path"},
                                context.request_id);
    out.headers.push_back({"Allow", std::string(allow) + ", OPTIONS"});
    add_common_headers(in, nullptr, context, out);
    out.headers.push_back({"Access-Control-Allow-Methods", std::string(allow)});
    out.headers.push_back(
        {"Access-Control-Allow-Headers",
         "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-API-Key, "
         "X-Request-Id, traceparent"});
    out.headers.push_back({"Access-Control-Max-Age", "600"});
    return out;
}

void router::add_common_headers(const request& in, const endpoint* to,
                                const request_context& context, response& out) const {
    // What was answered to somebody, or holds secrets, is nobody else's: no cache on the way may
    // keep it.
    const bool personal = !in.find("authorization").empty() || !in.find("x-api-key").empty() ||
                          (to && to->row && to->row->hides_body);
    if (personal &&
        std::ranges::find(out.headers, "Cache-Control", &header::name) == out.headers.end())
        out.headers.push_back({"Cache-Control", "no-store"});
    if (!context.request_id.empty()) out.headers.push_back({"X-Request-Id", context.request_id});
    const auto origin = in.find("origin");
    if (origin.empty()) return;
    const auto& allowed = settings_.cors_origins;
    const bool any = std::ranges::find(allowed, "*") != allowed.end();
    if (!any && std::ranges::find(allowed, origin) == allowed.end()) return;
    out.headers.push_back({"Access-Control-Allow-Origin", any ? "*" : std::string(origin)});
    out.headers.push_back(
        {"Access-Control-Expose-Headers",
         "ETag, Idempotency-Key, Idempotent-Replayed, Location, Retry-After, X-Request-Id"});
    if (!any) out.headers.push_back({"Vary", "Origin"});
}

void router::finish(const request& in, const match& found, const request_context& context,
                    const response& out, instant started, active_span& traced) {
    endpoint& to = found.to ? *found.to : *unmatched_;
    const double took_s = std::chrono::duration<double>(ports_.time.ticks() - started).count();
    traced.set("http.response.status_code", out.status);
    if (out.status >= 500) {
        traced.set("error.type", std::to_string(out.status));
        traced.fail({});
    }
    to.duration.observe(took_s);
    auto& count = to.counts[static_cast<std::size_t>(out.status)];
    const auto method = found.to ? name_of(to.method) : std::string_view("-");
    if (!count)
        count = ports_.measured.counter("http_requests_total",
                                        "Requests answered, by route and status.",
                                        {{"method", std::string(method)},
                                         {"route", to.path},
                                         {"status", std::to_string(out.status)}});
    count->add();
    const bool change = in.method != verb::get || out.status >= 400;
    if (settings_.log == access_log::off || (settings_.log == access_log::changes && !change))
        return;
    // The route, not the path: ids and queries may be personal.
    log_info("request", {{"method", method},
                         {"route", to.path},
                         {"status", out.status},
                         {"duration_ms", took_s * 1000},
                         {"request_id", context.request_id},
                         {"traceparent", context.traceparent}});
}

response router::refuse(const error& why, int status, const request& head) {
    const auto context = make_context(head);
    auto out = problem_response(why, context.request_id, status);
    add_common_headers(head, nullptr, context, out);
    return out;
}

namespace {
// A streaming route's exchange that gives its answer the headers of every answer and knows what it
// was.
class watched_exchange final : public exchange {
 public:
    watched_exchange(exchange& inner, std::function<void(response&)> complete)
        : inner_(inner), complete_(std::move(complete)) {}

    const request& head() const override { return inner_.head(); }
    task<result<std::string>> read_chunk() override { return inner_.read_chunk(); }
    task<result<void>> begin(response head) override {
        return inner_.begin(noted(std::move(head)));
    }
    task<result<void>> write_chunk(std::string chunk) override {
        return inner_.write_chunk(std::move(chunk));
    }
    task<result<void>> finish() override { return inner_.finish(); }
    task<result<void>> answer(response whole) override {
        return inner_.answer(noted(std::move(whole)));
    }

    int status() const { return status_; }  // 0: nothing was answered

 private:
    response noted(response out) {
        status_ = out.status;
        complete_(out);
        return out;
    }
    exchange& inner_;
    std::function<void(response&)> complete_;
    int status_ = 0;
};
}  // namespace

const route* router::streams(const request& head) {
    if (head.options) return nullptr;
    const auto found = find(head.method, head.path);
    return found.to && found.to->special && found.to->special->stream ? found.to->special : nullptr;
}

task<> router::handle_stream(const route& special, exchange& with) {
    const auto started = ports_.time.ticks();
    const auto& head = with.head();
    auto found = find(head.method, head.path);
    auto context = make_context(head);
    auto traced = open_span(head, found, context);
    watched_exchange watched(
        with, [&](response& out) { add_common_headers(head, found.to, context, out); });
    std::string thrown;
    try {
        if (auto refused = co_await admit(head, *found.to, context)) {
            (void)co_await watched.answer(*std::move(refused));
        } else {
            route::parameters given;
            for (const auto& [name, value] : found.parameters) given.emplace_back(name, value);
            co_await special.stream(context, watched, std::move(given));
        }
    } catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted) throw;
        thrown = e.what();
    } catch (const std::exception& e) {
        thrown = e.what();
    }
    if (!thrown.empty())
        log_error(
            "operation_threw",
            {{"operation", special.name}, {"request_id", context.request_id}, {"why", thrown}});
    // Also where the route ended without a word. An answer that has begun is cut off: the client
    // sees that.
    if (watched.status() == 0)
        (void)co_await watched.answer(
            problem_response({.kind = errc::internal, .code = "internal"}, context.request_id));
    finish(head, found, context, {.status = watched.status()}, started, traced);
}

}  // namespace stoa::http
