#include "transport/grpc/grpc_log.hpp"

#include "runtime/log.hpp"

#include <grpc/support/log.h>

#include <mutex>
#include <string_view>

namespace stoa::rpc {
namespace {

void note(gpr_log_func_args* said) {
    const std::string_view text(said->message);
    // Of services whose hosts are a list: their certificates are judged by one_of_hosts, and this
    // is said all the same, at every connection.
    const bool about_lists = text.starts_with("No match found for server name") &&
                             text.find(',') != std::string_view::npos;
    const auto as = said->severity == GPR_LOG_SEVERITY_ERROR && !about_lists ? log_level::warning
                                                                             : log_level::debug;
    if (log_enabled(as)) log_line(as, "grpc_says", {{"text", text}});
}

}  // namespace

void log_what_grpc_says() {
    static std::once_flag once;
    std::call_once(once, [] { gpr_set_log_function(note); });
}

}  // namespace stoa::rpc
