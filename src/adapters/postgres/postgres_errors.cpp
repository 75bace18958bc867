#include "adapters/postgres/postgres_errors.hpp"

#include <algorithm>
#include <array>

namespace stoa {
namespace {

using trouble = postgres_failure::kind;

bool any_of(std::string_view state, std::initializer_list<std::string_view> states) {
    return std::ranges::find(states, state) != states.end();
}

postgres_failure made(trouble is, errc what, std::string_view code, std::string detail,
                      int retry_after_s = 0) {
    postgres_failure out;
    out.is = is;
    out.why = {.kind = what,
               .code = std::string(code),
               .detail = std::move(detail),
               .retry_after_s = retry_after_s};
    return out;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}
bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::ranges::any_of(parts, [&](auto part) { return contains(text, part); });
}

// libpq ends its messages with a line break and begins some with the address, which is said anyway.
std::string one_line(std::string_view words) {
    std::string out;
    for (const char c : words) out += c == '\n' || c == '\t' ? ' ' : c;
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

}  // namespace

postgres_failure failure_of(std::string_view state, std::string_view message, const char* sql) {
    const std::string words(message);
    const auto of_class = [&](std::string_view c) { return state.substr(0, 2) == c; };
    if (state == "55P03")
        return made(trouble::statement, errc::unavailable, "rows_locked",
                    "another transaction holds what this one needs, for too long", 1);
    if (any_of(state, {"40001", "40P01"}))
        return made(trouble::conflict, errc::unavailable, "transaction_conflict",
                    "other transactions were in the way too often: " + words, 1);
    if (state == "23505") return made(trouble::twin, errc::conflict, "constraint", words);
    if (of_class("23")) return made(trouble::statement, errc::conflict, "constraint", words);
    if (state == "26000" || (state == "0A000" && contains(message, "cached plan")))
        return made(trouble::stale, errc::unavailable, "schema_moved",
                    "the schema changed while it was used: " + words, 1);
    if (of_class("08") || any_of(state, {"57P01", "57P02", "57P03", "57P05", "25P03"}))
        return made(trouble::lost, errc::unavailable, "database_unavailable",
                    "the database ended the connection: " + words, 1);
    if (state == "57014")
        return made(trouble::statement, errc::timeout, "statement_timeout",
                    "the database took too long and was told to stop", 1);
    if (state == "53100" || state == "53000")
        return made(trouble::statement, errc::storage_full, "storage_full",
                    "the database has no space left; nothing was written");
    if (of_class("53"))
        return made(trouble::statement, errc::unavailable, "database_overloaded", words, 1);
    if (of_class("22")) return made(trouble::statement, errc::invalid, "value_not_storable", words);
    if (state == "54000") return made(trouble::statement, errc::invalid, "value_too_large", words);
    if (state == "25006")
        return made(trouble::statement, errc::internal, "read_only",
                    "a reading transaction, or a standby server, cannot write: " + words);
    if (state == "42501")
        return made(trouble::statement, errc::internal, "permission_denied",
                    words + ": the role of DATABASE_URL (DB_USER) needs this right");
    auto detail = std::string(state) + " " + words;
    if (sql) (detail += ", in: ") += sql;
    return made(trouble::statement, errc::internal, "statement_refused", std::move(detail));
}

error outcome_unknown() {
    return {.kind = errc::unavailable,
            .code = "outcome_unknown",
            .detail =
                "the connection to the database broke while the change was being made "
                "durable; whether it was kept shows when the request is sent again under its "
                "idempotency key",
            .retry_after_s = 1};
}

error connection_lost(std::string_view words) {
    return {.kind = errc::unavailable,
            .code = "database_unavailable",
            .detail = "the database cannot be reached; nothing was changed: " + one_line(words),
            .retry_after_s = 1};
}

error connect_error(std::string_view where, std::string_view words) {
    const auto said = ": " + one_line(words);
    const auto at = "PostgreSQL at " + std::string(where);
    const auto wrong = [&](std::string_view code, std::string what) {
        return error{
            .kind = errc::invalid, .code = std::string(code), .detail = std::move(what) + said};
    };
    if (contains_any(words, {"received invalid response to SSL negotiation",
                             "expected authentication request from server",
                             "unexpected response from server", "invalid frontend message",
                             "unsupported frontend protocol"}))
        return wrong("postgres_not_spoken",
                     "what listens at " + std::string(where) +
                         " does not speak PostgreSQL; check DATABASE_URL (DB_HOST, DB_PORT)");
    if (contains_any(words,
                     {"password authentication failed", "no password supplied", "pg_hba.conf",
                      "role \"", "authentication failed", "authentication method"}))
        return wrong("postgres_login_refused",
                     at + " refused the login; check DATABASE_URL (DB_USER, DB_PASSWORD)");
    if (contains(words, "database \"") && contains(words, "does not exist"))
        return wrong("postgres_no_database",
                     at + " has no such database; create it, or check DATABASE_URL (DB_NAME)");
    if (contains_any(words, {"certificate", "SSL", "TLS"}))
        return wrong("postgres_tls",
                     "no trusted TLS connection to " + at +
                         "; check sslmode and sslrootcert in DATABASE_URL (DB_SSL_MODE, "
                         "DB_SSL_ROOT_CERT), and that the certificate names this host");
    if (contains_any(words, {"invalid connection option", "invalid URI", "invalid port number",
                             "invalid sslmode", "missing \"=\"", "invalid integer value"}))
        return wrong("postgres_settings", "DATABASE_URL cannot be used");
    return {
        .kind = errc::unavailable,
        .code = "postgres_unreachable",
        .detail =
            at + " does not answer; check that it runs and DATABASE_URL (DB_HOST, DB_PORT)" + said,
        .retry_after_s = 1};
}

}  // namespace stoa
