// Expected failures are values. One enumeration of kinds decides the HTTP and gRPC status
// (transport/status.cpp holds that table); the stable, machine-readable `code` says which rule was
// broken.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoa {

enum class errc : std::uint8_t {
    malformed,            // 400: cannot be read at all
    unauthenticated,      // 401
    declined,             // 402: the payment provider said no
    forbidden,            // 403
    not_found,            // 404: absent, or another user's
    conflict,             // 409: not in this state
    precondition_failed,  // 412: If-Match does not hold
    too_large,            // 413
    invalid,              // 422: readable but against a rule
    rate_limited,         // 429
    internal,             // 500: a bug or a broken engine
    unavailable,          // 503: try again
    timeout,              // 504
    storage_full,         // 507: nothing was written
};

// One member of a request that is wrong. `where` is a path: items[1].quantity.
struct problem {
    std::string where;
    std::string code;
    std::string detail;
    std::optional<std::int64_t> available;  // out_of_stock: units that could be had
};
using problems = std::vector<problem>;

struct error {
    errc kind = errc::internal;
    std::string code;    // snake_case, stable: clients switch on it
    std::string detail;  // for a person: what happened and what to do
    problems errors;
    std::vector<std::string> allowed;  // state conflicts: the transitions that would be accepted
    int retry_after_s = 0;
};

template <class T = void>
using result = std::expected<T, error>;

inline std::unexpected<error> fail(errc kind, std::string_view code, std::string detail = {}) {
    return std::unexpected(
        error{.kind = kind, .code = std::string(code), .detail = std::move(detail)});
}
inline std::unexpected<error> fail(error why) { return std::unexpected(std::move(why)); }

}  // namespace stoa

// Passes an error on, in a function (TRY) or a coroutine (CO_TRY). `STOA_CO_TRY(auto order,
// co_await get(id));` The declaration comes first so that the name reads where it is bound; for
// result<void> use the _VOID forms.
#define STOA_CONCAT_(a, b) a##b
#define STOA_CONCAT(a, b) STOA_CONCAT_(a, b)
#define STOA_TRY_(leave, holder, declaration, ...)                 \
    auto holder = (__VA_ARGS__);                                   \
    if (!holder) leave std::unexpected(std::move(holder).error()); \
    declaration = *std::move(holder)
#define STOA_TRY(declaration, ...) \
    STOA_TRY_(return, STOA_CONCAT(stoa_try_, __LINE__), declaration, __VA_ARGS__)
#define STOA_CO_TRY(declaration, ...) \
    STOA_TRY_(co_return, STOA_CONCAT(stoa_try_, __LINE__), declaration, __VA_ARGS__)
#define STOA_TRY_VOID(...)                                         \
    do {                                                           \
        if (auto stoa_tried = (__VA_ARGS__); !stoa_tried)          \
            return std::unexpected(std::move(stoa_tried).error()); \
    } while (false)
#define STOA_CO_TRY_VOID(...)                                         \
    do {                                                              \
        if (auto stoa_tried = (__VA_ARGS__); !stoa_tried)             \
            co_return std::unexpected(std::move(stoa_tried).error()); \
    } while (false)
