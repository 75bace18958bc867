// Structured logs: one JSON object a line on stderr, no personal data (no names, addresses, tokens,
// bodies).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace stoa {

enum class log_level : std::uint8_t { debug, info, warning, error, off };

struct log_field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    log_field(std::string_view n, std::string_view v) : name(n), value(v) {}
    log_field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
    log_field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    log_field(std::string_view n, bool v) : name(n), value(v) {}
    log_field(std::string_view n, double v) : name(n), value(v) {}
    template <class T>
        requires std::is_integral_v<T>
    log_field(std::string_view n, T v) : name(n), value(static_cast<std::int64_t>(v)) {}
};
using log_fields = std::initializer_list<log_field>;

// Thread rule: any thread. Lines are written by a background thread, for which flush_log() waits;
// `at_once`: by the caller, for hosts that stop a process between two pieces of its work.
enum class log_writing : std::uint8_t { in_background, at_once };
void start_log(log_level least, log_writing how = log_writing::in_background);
bool log_enabled(log_level);
void log_line(log_level, std::string_view event, log_fields fields);
void flush_log();

inline void log_debug(std::string_view event, log_fields fields = {}) {
    if (log_enabled(log_level::debug)) log_line(log_level::debug, event, fields);
}
inline void log_info(std::string_view event, log_fields fields = {}) {
    if (log_enabled(log_level::info)) log_line(log_level::info, event, fields);
}
inline void log_warning(std::string_view event, log_fields fields = {}) {
    if (log_enabled(log_level::warning)) log_line(log_level::warning, event, fields);
}
inline void log_error(std::string_view event, log_fields fields = {}) {
    if (log_enabled(log_level::error)) log_line(log_level::error, event, fields);
}

}  // namespace stoa
