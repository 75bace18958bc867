#include "adapters/postgres/postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;

// Until a wait looks again whether the process wants to end.
constexpr std::chrono::milliseconds look_again{250};
constexpr std::chrono::seconds hurried{1};

struct options_guard {
    PQconninfoOption* list;
    ~options_guard() { PQconninfoFree(list); }
};

std::string value_of(const PQconninfoOption* in, std::string_view name) {
    for (; in->keyword; ++in)
        if (name == in->keyword) return in->val ? in->val : "";
    return {};
}

bool is_this_machine(std::string_view host) {
    return host.empty() || host == "localhost" || host.starts_with("127.") || host == "::1" ||
           host.starts_with("/");
}

std::string system_authorities() {
    for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem"})
        if (std::error_code unknown; std::filesystem::exists(path, unknown)) return path;
    return {};
}

[[noreturn]] void throw_error(error why) { throw sql_failure{std::move(why)}; }

}  // namespace

void check_storable(std::string_view text) {
    if (text.find('\0') != text.npos)
        throw_error({.kind = errc::invalid,
                     .code = "value_not_storable",
                     .detail = "PostgreSQL stores no text with a NUL in it"});
}

void postgres_parameters::add_null() { values_.push_back({.null = true}); }
void postgres_parameters::add_text(std::string_view text) {
    check_storable(text);
    // The protocol's text ends with a NUL, so it is copied.
    values_.push_back({.kept = std::string(text), .owned = true});
}
void postgres_parameters::add_number(std::int64_t n) {
    values_.push_back({.kept = std::to_string(n), .owned = true});
}
void postgres_parameters::add_number_binary(std::int64_t n) {
    std::string bytes(8, '\0');
    for (int i = 7; i >= 0; --i, n >>= 8)
        bytes[static_cast<std::size_t>(i)] = static_cast<char>(n & 0xff);
    values_.push_back({.kept = std::move(bytes), .owned = true, .binary = true});
}
void postgres_parameters::add_bytes(std::string_view bytes) {
    values_.push_back({.view = bytes, .binary = true});
}

int postgres_rows::count() const { return PQntuples(from_); }
int postgres_rows::columns() const { return PQnfields(from_); }
std::string_view postgres_rows::name(int column) const { return PQfname(from_, column); }
bool postgres_rows::null(int row, int column) const { return PQgetisnull(from_, row, column) != 0; }
std::string_view postgres_rows::at(int row, int column) const {
    return {PQgetvalue(from_, row, column),
            static_cast<std::size_t>(PQgetlength(from_, row, column))};
}

postgres_connection::postgres_connection(const postgres_address& address,
                                         const std::atomic<bool>& hurry)
    : address_(address), hurry_(hurry) {}

postgres_connection::~postgres_connection() { close(); }

void postgres_connection::close() {
    if (db_) PQfinish(db_);
    db_ = nullptr;
    waiting_.clear();
    statements_.clear();
    replaced_.clear();
    thrown_ = nullptr;
}

void postgres_connection::open() {
    close();
    char* wrong = nullptr;
    const options_guard given{PQconninfoParse(address_.url.c_str(), &wrong)};
    if (!given.list) {
        const std::string words = wrong ? wrong : "out of memory";
        PQfreemem(wrong);
        throw_error(connect_error("", words));
    }
    const auto host = value_of(given.list, "host");
    const auto port = value_of(given.list, "port");
    where_ = (host.empty() ? "localhost" : host) + ":" + (port.empty() ? "5432" : port);

    auto mode = address_.ssl_mode.empty() ? value_of(given.list, "sslmode") : address_.ssl_mode;
    if (mode.empty()) mode = is_this_machine(host) ? "prefer" : "verify-full";
    auto authorities = address_.ssl_root_cert.empty() ? value_of(given.list, "sslrootcert")
                                                      : address_.ssl_root_cert;
    if (authorities.empty() && mode.starts_with("verify-")) authorities = system_authorities();
    const auto ms = [](milliseconds t) { return std::to_string(t.count()); };
    const auto server_options =
        "-c statement_timeout=" + ms(address_.statement_timeout) +
        " -c lock_timeout=" + ms(address_.lock_timeout) +
        " -c idle_in_transaction_session_timeout=" + ms(address_.idle_in_transaction_timeout) +
        // Statements are few and look rows up by index: one plan serves
        // all values, and one that was made while a table was empty must
        // not read the whole of it later.
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off "
        "-c enable_hashjoin=off -c enable_mergejoin=off "
        "-c default_transaction_isolation=read\\ committed "
        "-c client_min_messages=error";
    const auto user_timeout = ms(address_.statement_timeout + milliseconds(5'000));
    const std::array<std::pair<const char*, std::string>, 12> settings{{
        {"dbname", address_.url},  // expanded: it holds all the others
        {"password", address_.password},
        {"sslmode", mode},
        {"sslrootcert", authorities},
        {"application_name", address_.application},
        {"client_encoding", "UTF8"},
        {"gssencmode", "disable"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", user_timeout},
        {"options", server_options},
    }};
    std::vector<const char*> names, values;
    for (const auto& [name, value] : settings) {
        if (value.empty()) continue;
        names.push_back(name);
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    db_ = PQconnectStartParams(names.data(), values.data(), 1);
    const auto refused = [&] {
        const std::string words = db_ ? PQerrorMessage(db_) : "out of memory";
        close();
        throw_error(connect_error(where_, words));
    };
    if (!db_ || PQstatus(db_) == CONNECTION_BAD) refused();
    const auto until = steady::now() + address_.connect_timeout;
    for (auto step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK; step = PQconnectPoll(db_)) {
        if (step == PGRES_POLLING_FAILED) refused();
        pollfd one{PQsocket(db_),
                   static_cast<short>(step == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
        if (left.count() <= 0 || hurry_) {
            close();
            throw_error(connect_error(
                where_, "it said nothing for " + ms(address_.connect_timeout) + " ms"));
        }
        ::poll(&one, 1, static_cast<int>(std::min(left, look_again).count()));
        if (one.revents == 0) {
            // Nothing yet: PQconnectPoll must not be asked before there is.
            while (one.revents == 0 && steady::now() < until && !hurry_)
                ::poll(&one, 1, static_cast<int>(look_again.count()));
        }
    }
    PQsetnonblocking(db_, 1);
    if (PQserverVersion(db_) < 150000) {
        const auto version = PQserverVersion(db_) / 10000;
        close();
        throw_error({.kind = errc::invalid,
                     .code = "postgres_too_old",
                     .detail = "PostgreSQL at " + where_ + " has version " +
                               std::to_string(version) + "; 15 is the oldest that works"});
    }
    PQenterPipelineMode(db_);
}

bool postgres_connection::still_there() const {
    if (!db_) return false;
    char byte = 0;
    const auto n = ::recv(PQsocket(db_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Bytes that nobody asked for: results on their way, or the server's last words.
    if (n > 0) return !waiting_.empty();
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void postgres_connection::forget_statements() {
    for (auto& [name, each] : statements_) replaced_.push_back(std::move(each));
    statements_.clear();
}

postgres_connection::deadline postgres_connection::statement_deadline() const {
    return steady::now() + address_.statement_timeout + std::chrono::seconds(1);
}

void postgres_connection::lose(std::string_view words) {
    postgres_failure out;
    out.is = postgres_failure::kind::lost;
    out.why = connection_lost(words);
    close();
    throw out;
}

// --- sending
// ---------------------------------------------------------------------------------------------

void postgres_connection::prepare(statement& s) {
    if (s.is != statement::state::unknown) return;
    s.name = "s" + std::to_string(++names_);
    if (PQsendPrepare(db_, s.name.c_str(), s.text.c_str(), static_cast<int>(s.types.size()),
                      s.types.data()) == 0)
        lose(PQerrorMessage(db_));
    s.is = statement::state::sent;
    waiting_.push_back({.is = expected::kind::prepare, .of = &s});
}

void postgres_connection::run(statement& s, const postgres_parameters& args, bool binary_rows,
                              expected what) {
    if (!db_) lose("it was never made");
    prepare(s);
    const auto n = args.values_.size();
    std::vector<const char*> values(n);
    std::vector<int> sizes(n), formats(n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto& v = args.values_[i];
        const auto view = v.owned ? std::string_view(v.kept) : v.view;
        values[i] = v.null ? nullptr : view.data() ? view.data() : "";
        sizes[i] = static_cast<int>(view.size());
        formats[i] = v.binary ? 1 : 0;
    }
    if (PQsendQueryPrepared(db_, s.name.c_str(), static_cast<int>(n), values.data(), sizes.data(),
                            formats.data(), binary_rows ? 1 : 0) == 0)
        lose(PQerrorMessage(db_));
    what.is = expected::kind::run;
    what.of = &s;
    waiting_.push_back(std::move(what));
}

void postgres_connection::send(const char* sql, bool locks, std::span<const cell> args,
                               rows_sink rows, std::int64_t* changed) {
    auto& kept = statements_[key{sql, locks}];
    if (!kept) {
        auto words = to_postgres(sql, locks);
        kept = std::make_unique<statement>();
        kept->text = std::move(words.text);
        kept->arguments = words.arguments;
        kept->parameters = std::move(words.parameters);
        for (const auto& each : kept->parameters)
            kept->types.push_back(each.tested ? postgres_type::text : 0);
    }
    if (kept->arguments != args.size())
        throw_error({.kind = errc::internal,
                     .code = "statement_refused",
                     .detail = "a statement with " + std::to_string(kept->arguments) +
                               " parameters was given " + std::to_string(args.size()) + ": " +
                               sql});
    // What NULL left open is told with the first value: then the statement is prepared once more.
    auto types = kept->types;
    postgres_parameters values;
    for (std::size_t i = 0; i < types.size(); ++i) {
        const auto [argument, tested] = kept->parameters[i];
        const auto& given = args[argument];
        if (std::holds_alternative<std::monostate>(given)) {
            values.add_null();
        } else if (tested) {
            values.add_text("1");
        } else if (const auto* n = std::get_if<std::int64_t>(&given)) {
            values.add_number(*n);
            types[i] = postgres_type::number;
        } else {
            const auto* view = std::get_if<std::string_view>(&given);
            values.add_text(view ? *view : std::string_view(std::get<std::string>(given)));
            types[i] = postgres_type::text;
        }
    }
    if (types != kept->types) {
        auto fresh = std::make_unique<statement>();
        fresh->text = kept->text;
        fresh->parameters = kept->parameters;
        fresh->arguments = kept->arguments;
        fresh->types = std::move(types);
        if (kept->is != statement::state::unknown) replaced_.push_back(std::move(kept));
        kept = std::move(fresh);
    }
    run(*kept, values, false, {.sql = sql, .rows = std::move(rows), .changed = changed});
}

void postgres_connection::send(const char* sql, std::vector<std::uint32_t> types,
                               postgres_parameters args, rows_sink rows) {
    auto& kept = statements_[key{sql, false}];
    if (!kept) {
        kept = std::make_unique<statement>();
        kept->text = sql;
        kept->types = std::move(types);
    } else if (kept->types != types) {
        throw_error({.kind = errc::internal,
                     .code = "statement_refused",
                     .detail = std::string("a statement was given lists of other types: ") + sql});
    }
    run(*kept, args, false, {.sql = sql, .rows = std::move(rows)});
}

void postgres_connection::send(const postgres_prepared_text& text, postgres_parameters args,
                               rows_sink rows, std::int64_t* changed) {
    auto& kept = statements_[key{&text, false}];
    if (!kept) {
        kept = std::make_unique<statement>();
        kept->text = text.text;
        kept->types = text.types;
    }
    run(*kept, args, text.binary_rows,
        {.sql = text.text.c_str(), .rows = std::move(rows), .changed = changed});
}

void postgres_connection::send_word(const char* word, std::string* tag) {
    auto& kept = statements_[key{word, false}];
    if (!kept) {
        kept = std::make_unique<statement>();
        kept->text = word;
    }
    run(*kept, {}, false, {.sql = word, .tag = tag});
}

void postgres_connection::mark() {
    if (PQpipelineSync(db_) == 0) lose(PQerrorMessage(db_));
    waiting_.push_back({.is = expected::kind::mark});
}

// --- waiting
// ---------------------------------------------------------------------------------------------

void postgres_connection::wait(short events, deadline until) {
    for (;;) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
        if (left.count() <= 0) lose("it did not answer in time");
        pollfd one{PQsocket(db_), events, 0};
        const int ready = ::poll(&one, 1, static_cast<int>(std::min(left, look_again).count()));
        if (ready > 0) return;
        if (ready < 0 && errno != EINTR) lose(std::strerror(errno));
        if (hurry_) until = std::min(until, steady::now() + hurried);
    }
}

// Reads while it writes: both sides may be waiting for room.
void postgres_connection::flush(deadline until) {
    for (;;) {
        const int left = PQflush(db_);
        if (left == 0) return;
        if (left < 0) lose(PQerrorMessage(db_));
        wait(POLLIN | POLLOUT, until);
        if (PQconsumeInput(db_) == 0) lose(PQerrorMessage(db_));
    }
}

pg_result* postgres_connection::next_result(deadline until) {
    while (PQisBusy(db_) != 0) {
        wait(POLLIN, until);
        if (PQconsumeInput(db_) == 0) lose(PQerrorMessage(db_));
    }
    return PQgetResult(db_);
}

void postgres_connection::take_result(const expected& what, pg_result* got,
                                      std::optional<postgres_failure>& first) {
    const auto status = PQresultStatus(got);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (what.is == expected::kind::prepare) {
            what.of->is = statement::state::ready;
            return;
        }
        if (what.forgotten || first) return;
        if (what.changed) {
            const std::string_view n = PQcmdTuples(got);
            *what.changed = 0;
            std::from_chars(n.data(), n.data() + n.size(), *what.changed);
        }
        if (what.tag) *what.tag = PQcmdStatus(got);
        if (!what.rows || status != PGRES_TUPLES_OK || thrown_) return;
        // What a reader throws leaves settle() after all results were taken.
        try {
            what.rows(postgres_rows(got));
        } catch (const sql_failure&) {
            thrown_ = std::current_exception();
        } catch (const std::exception&) {
            thrown_ = std::current_exception();
        }
        return;
    }
    if (what.is == expected::kind::prepare) what.of->is = statement::state::unknown;
    if (status == PGRES_PIPELINE_ABORTED || what.forgotten || first) return;
    const char* state = PQresultErrorField(got, PG_DIAG_SQLSTATE);
    // Only the first line: what follows shows values of rows.
    const char* words = PQresultErrorField(got, PG_DIAG_MESSAGE_PRIMARY);
    if (!state) lose(PQresultErrorMessage(got));
    first = failure_of(state, words ? words : "",
                       what.is == expected::kind::prepare ? what.of->text.c_str() : what.sql);
}

void postgres_connection::take_results(expected what, std::optional<postgres_failure>& first) {
    const auto until = statement_deadline();
    struct free_result {
        void operator()(pg_result* r) const { PQclear(r); }
    };
    if (what.is == expected::kind::mark) {
        const std::unique_ptr<pg_result, free_result> got(next_result(until));
        if (!got || PQresultStatus(got.get()) != PGRES_PIPELINE_SYNC)
            lose(got ? PQresultErrorMessage(got.get()) : "it answered out of turn");
        return;
    }
    for (bool any = false;; any = true) {
        const std::unique_ptr<pg_result, free_result> got(next_result(until));
        if (!got) {
            if (!any)
                lose(PQstatus(db_) == CONNECTION_BAD ? PQerrorMessage(db_)
                                                     : "it answered out of turn");
            return;
        }
        take_result(what, got.get(), first);
    }
}

void postgres_connection::settle() {
    if (!db_) lose("it was never made");
    mark();
    ++round_trips_;
    ++settled_;
    flush(statement_deadline());
    std::optional<postgres_failure> first;
    while (!waiting_.empty()) {
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        take_results(std::move(next), first);
    }
    replaced_.clear();
    if (auto thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
    if (!first) return;
    if (first->is == postgres_failure::kind::lost) close();
    throw *first;
}

void postgres_connection::settle_later() {
    if (!db_) lose("it was never made");
    mark();
    for (auto& each : waiting_) {
        each.forgotten = true;
        each.rows = nullptr;
        each.changed = nullptr;
        each.tag = nullptr;
    }
    if (PQflush(db_) < 0) lose(PQerrorMessage(db_));
}

void postgres_connection::script(const std::string& text) {
    settle();
    if (PQexitPipelineMode(db_) == 0) lose(PQerrorMessage(db_));
    if (PQsendQuery(db_, text.c_str()) == 0) lose(PQerrorMessage(db_));
    const auto until = steady::now() + std::chrono::hours(1);
    flush(until);
    std::optional<postgres_failure> first;
    const expected what{.is = expected::kind::run};
    while (auto* got = next_result(until)) {
        take_result(what, got, first);
        PQclear(got);
    }
    if (PQenterPipelineMode(db_) == 0) lose(PQerrorMessage(db_));
    if (first) {
        if (first->is == postgres_failure::kind::lost) close();
        throw *first;
    }
}

}  // namespace stoa
