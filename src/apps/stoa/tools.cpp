#include "apps/stoa/tools.hpp"

#include "apps/stoa/commands.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/scratch_shop.hpp"
#include "apps/stoa/wiring.hpp"
#include "base/json.hpp"
#include "services/product/catalogue_import.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include <unistd.h>

namespace stoa {
namespace {

// A shop with the API on a loopback port: the one that runs on the data directory, or one started
// for this verb.
class reached_shop {
 public:
    static result<std::unique_ptr<reached_shop>> reach(const settings& from) {
        std::unique_ptr<reached_shop> out(new reached_shop);
        if (const auto running = read_run_file(from.text("data_dir"))) {
            auto client = std::make_unique<http::blocking_client>(running->http, running->token);
            if (const auto alive = client->call("GET", "/health"); alive && alive->status == 200) {
                out->client_ = std::move(client);
                return out;
            }
        }
        STOA_TRY_VOID(out->start(from));
        return out;
    }
    ~reached_shop() {
        if (!own_) return;
        asio::co_spawn(own_->loops().at(0), stop(), [](const std::exception_ptr&) {});
        thread_.join();
    }
    http::blocking_client& client() { return *client_; }

 private:
    reached_shop() = default;

    task<> stop() {
        co_await own_->drain();
        own_->loops().stop();
    }
    task<> begin(result<void>& done) { done = co_await own_->start(); }

    result<void> start(const settings& from) {
        STOA_TRY(auto quiet, from.with({{"http", "127.0.0.1:0"}, {"admin", "127.0.0.1:0"}}));
        STOA_TRY(own_, shop::open(quiet));
        result<void> started;
        std::atomic<bool> ready = false;
        asio::co_spawn(own_->loops().at(0), begin(started), [&](const std::exception_ptr&) {
            ready = true;
            ready.notify_one();
        });
        thread_ = std::jthread([this] { own_->loops().run(); });
        ready.wait(false);
        if (!started) {
            own_->loops().stop();
            thread_.join();
            own_.reset();
            return started;
        }
        const auto& here = own_->reached_at();
        client_ = std::make_unique<http::blocking_client>(here.http, here.token);
        return {};
    }

    std::unique_ptr<shop> own_;
    std::jthread thread_;
    std::unique_ptr<http::blocking_client> client_;
};

void show_progress(const char* what, std::int64_t done, std::int64_t all) {
    if (!isatty(STDERR_FILENO) || all == 0) return;
    std::fprintf(stderr, "\r%s %3d %%", what, static_cast<int>(done * 100 / all));
    if (done >= all) std::fputc('\n', stderr);
}

void print_report(const products::import_report& report, const std::string& file) {
    std::printf("%s%s: %lld rows: %lld created, %lld updated, %lld unchanged, %lld bad\n",
                file.c_str(), report.dry_run ? " (dry run, nothing changed)" : "",
                static_cast<long long>(report.rows), static_cast<long long>(report.created),
                static_cast<long long>(report.updated), static_cast<long long>(report.unchanged),
                static_cast<long long>(report.bad));
    for (const auto& name : report.unknown_columns)
        std::printf("  column `%s` is not known and was ignored\n", name.c_str());
    for (std::size_t i = 0; i < report.errors.size() && i < 50; ++i) {
        const auto& bad = report.errors[i];
        std::printf("  row %lld (line %lld)%s%s: %s\n", static_cast<long long>(bad.row),
                    static_cast<long long>(bad.line), bad.column.empty() ? "" : " ",
                    bad.column.c_str(), bad.detail.c_str());
    }
    if (report.bad > 50)
        std::printf("  … all bad rows: GET /api/v1/imports/%s/errors\n", report.id.c_str());
}

result<products::import_report> follow(http::blocking_client& client,
                                       products::import_report report) {
    while (report.status == products::import_status::queued ||
           report.status == products::import_status::running) {
        show_progress("Applying", report.read_bytes, report.file_bytes);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        STOA_TRY(const auto answer, client.call("GET", "/api/v1/imports/" + report.id));
        if (answer.status != 200) return fail(error_of(answer));
        STOA_TRY(report, from_json<products::import_report>(answer.body));
    }
    return report;
}

}  // namespace

int import_file(const settings& from, const transfer_options& options) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(options.file.c_str(), "rb"),
                                                         std::fclose);
    if (!file)
        return complain({.code = "no_file", .detail = options.file + ": " + std::strerror(errno)});
    std::error_code ignored;
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(options.file, ignored));
    auto shop = reached_shop::reach(from);
    if (!shop) return complain(shop.error());
    auto& client = (*shop)->client();
    const auto target =
        std::string("/api/v1/products/import") + (options.dry_run ? "?dry_run=true" : "");
    auto answer = client.upload(target, file.get(), size,
                                [&](std::int64_t done) { show_progress("Sending", done, size); });
    if (!answer) return complain(answer.error());
    if (answer->status >= 400) return complain(error_of(*answer));
    auto report = from_json<products::import_report>(answer->body);
    if (report) report = follow(client, *std::move(report));
    if (!report) return complain(report.error());
    if (report->status == products::import_status::failed)
        return complain({.code = "import_failed",
                         .detail = options.file + ": " + report->failure.value_or("failed")});
    print_report(*report, options.file);
    return report->bad == 0 ? 0 : 1;
}

int export_file(const settings& from, const transfer_options& options) {
    auto shop = reached_shop::reach(from);
    if (!shop) return complain(shop.error());
    const auto partial = options.file + ".part";
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(partial.c_str(), "wb"),
                                                         std::fclose);
    if (!file)
        return complain({.code = "no_file", .detail = partial + ": " + std::strerror(errno)});
    auto answer = (*shop)->client().download("/api/v1/products/export", file.get());
    if (!answer) return complain(answer.error());
    if (answer->status >= 400) return complain(error_of(*answer));
    // Whole or not at all: the name appears when everything is written.
    if (std::fflush(file.get()) != 0 || std::rename(partial.c_str(), options.file.c_str()) != 0)
        return complain({.code = "no_file", .detail = options.file + ": " + std::strerror(errno)});
    std::printf("%s written\n", options.file.c_str());
    return 0;
}

int run_migrate(const settings& from) {
    const auto stands = engines::make(from);
    if (!stands) return complain(stands.error());
    for (const auto& line : *stands) std::printf("%s\n", line.c_str());
    return 0;
}

int print_openapi(const settings& from) {
    const auto empty = scratch_shop::open(from);
    if (!empty) return complain(empty.error());
    std::fputs((**empty)->api_document().c_str(), stdout);
    return 0;
}

}  // namespace stoa
