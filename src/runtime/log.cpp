#include "runtime/log.hpp"

#include "base/json.hpp"
#include "base/time.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>

namespace stoa {
namespace {

// The one piece of global state: where lines go. Until start_log() they are dropped, which is what
// tests want.
std::atomic<log_level> least_level = log_level::off;

constexpr std::string_view names[] = {"debug", "info", "warning", "error", "off"};

// JSON has no infinity, and a number that does not fit the buffer tells nobody anything.
char* fixed(char* begin, char* end, double value) {
    if (std::isfinite(value))
        if (const auto [at, error] = std::to_chars(begin, end, value, std::chars_format::fixed, 3);
            error == std::errc{})
            return at;
    return std::ranges::copy(std::string_view("null"), begin).out;
}

void append(std::string& line, const log_field& field) {
    line += ',';
    append_json_string(line, field.name);
    line += ':';
    if (const auto* text = std::get_if<std::string_view>(&field.value))
        return append_json_string(line, *text);
    char number[32];  // the fractions that are logged are durations and shares; what is longer is
                      // cut to null
    char* end = number;
    if (const auto* n = std::get_if<std::int64_t>(&field.value))
        end = std::to_chars(number, number + sizeof number, *n).ptr;
    else if (const auto* d = std::get_if<double>(&field.value))
        end = fixed(number, number + sizeof number, *d);
    else line += std::get<bool>(field.value) ? "true" : "false";
    line.append(number, end);
}

// Lines that may wait for the terminal. Their places are made and touched at once, 400 bytes each,
// in every process of a shop.
constexpr std::size_t lines_waiting = 2'048;

}  // namespace

void start_log(log_level least, log_writing how) {
    spdlog::drop_all();
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    std::shared_ptr<spdlog::logger> logger;
    if (how == log_writing::at_once) {
        logger = std::make_shared<spdlog::logger>("stoa", sink);
    } else {
        spdlog::init_thread_pool(lines_waiting, 1);
        // Overrun drops the oldest lines: a stuck terminal must not stop the shop.
        logger = std::make_shared<spdlog::async_logger>(
            "stoa", sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
        spdlog::flush_every(std::chrono::seconds(1));
    }
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::warn);
    spdlog::set_default_logger(logger);
    least_level = least;
}

bool log_enabled(log_level level) { return level >= least_level.load(std::memory_order_relaxed); }

void log_line(log_level level, std::string_view event, log_fields fields) {
    using namespace std::chrono;
    std::string line = "{\"time\":\"";
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch());
    append_rfc3339(line, timestamp{now.count()});
    ((line += "\",\"level\":\"") += names[static_cast<std::size_t>(level)]) += "\",\"event\":";
    append_json_string(line, event);
    for (const auto& field : fields) append(line, field);
    line += '}';
    const auto as = level >= log_level::error     ? spdlog::level::err
                    : level == log_level::warning ? spdlog::level::warn
                                                  : spdlog::level::info;
    spdlog::default_logger_raw()->log(as, spdlog::string_view_t(line.data(), line.size()));
}

void flush_log() {
    if (least_level.load() == log_level::off) return;
    spdlog::default_logger()->flush();
    spdlog::shutdown();
    least_level = log_level::off;
}

}  // namespace stoa
