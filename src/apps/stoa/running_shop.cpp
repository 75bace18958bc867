#include "apps/stoa/running_shop.hpp"

#include "apps/stoa/run_file.hpp"
#include "base/json.hpp"

#include <filesystem>

namespace stoa {
namespace {

struct problem_document {
    std::string code;
    std::optional<std::string> detail;
};
BOOST_DESCRIBE_STRUCT(problem_document, (), (code, detail))

}  // namespace

std::unique_ptr<http::blocking_client> running_shop(const settings& from) {
    const auto running = read_run_file(from.text("data_dir"));
    if (!running) return {};
    auto client = std::make_unique<http::blocking_client>(running->admin, running->token);
    const auto alive = client->call("GET", "/health");
    return alive && alive->status == 200 ? std::move(client) : nullptr;
}

error error_of(const http::client_answer& answer) {
    auto told = from_json<problem_document>(answer.body);
    if (!told)
        return {.kind = errc::internal,
                .code = "unexpected_answer",
                .detail = "the shop answered " + std::to_string(answer.status)};
    return {
        .kind = errc::internal, .code = told->code, .detail = told->detail.value_or(told->code)};
}

result<void> require_shop(const settings& from) {
    if (from.text("sql") != "sqlite") return {};  // it is where its engines are
    const auto& directory = from.text("data_dir");
    if (std::filesystem::exists(directory + "/shop.db") ||
        std::filesystem::exists(directory + "/restore.part"))
        return {};
    return fail(errc::not_found, "no_shop",
                "there is no shop in " + directory +
                    ": `stoa serve` makes one; if it is elsewhere, name it with --data-dir");
}

}  // namespace stoa
