#include "apps/stoa/folder_watch.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/media_type.hpp"
#include "base/utf8.hpp"
#include "ports/image.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "services/product/catalogue_import.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace stoa {

// What is told of a file that could not be taken.
struct folder_problem {
    std::string file, code, detail;
};
BOOST_DESCRIBE_STRUCT(folder_problem, (), (file, code, detail))

namespace {

struct files_there {
    std::vector<drop_folder::taken_file> taken;
    std::vector<drop_folder::waiting_file> waiting;
};

constexpr int most_attempts = 8;
// A picture may come shortly before the catalogue that names its product.
constexpr int most_looks_for_a_product = 3;
constexpr std::string_view product_not_found = "product_not_found";
constexpr std::size_t chunk_bytes = 1 << 20;
constexpr seconds an_import_at_once{15};
constexpr std::string_view upload_prefix = "drop-";

std::string bucket() { return std::string(products::imports_bucket); }
std::string upload_key(const std::string& id) { return std::string(upload_prefix) + id + ".csv"; }

bool is_plain(std::string_view name) {
    return !name.empty() && name.size() <= 200 && !name.starts_with('.') &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) || c == '-' || c == '_' || c == '.';
           });
}

int attempts_for(const error& why) {
    if (why.code == product_not_found) return most_looks_for_a_product;
    if (why.code == "too_many_images") return 1;
    return functions::worth_another_try(why) ? most_attempts : 1;
}

result<std::string> whole(const std::filesystem::path& path, std::int64_t most) {
    std::ifstream file(path, std::ios::binary);
    std::string out(static_cast<std::size_t>(most) + 1, '\0');
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    if (file.bad() || (!file && !file.eof()))
        return fail(errc::unavailable, "file_unreadable", "the file cannot be read");
    out.resize(static_cast<std::size_t>(file.gcount()));
    return out;
}

}  // namespace

bool folder_watch::may_try(const std::string& what) const {
    const auto found = failed_.find(what);
    return found == failed_.end() || found->second.next <= ports_.time.ticks();
}

task<result<int>> folder_watch::round() {
    std::set<std::filesystem::path> later;
    for (const auto& [path, tries] : failed_)
        if (!may_try(path)) later.insert(path);
    auto look = [at = folder_, later = std::move(later)]() -> result<files_there> {
        return files_there{at.taken(), at.waiting(later)};
    };
    STOA_CO_TRY(const auto found, co_await offload(ports_.files, std::move(look)));
    if (!forgot_finished_) STOA_CO_TRY_VOID(co_await forget_finished(found.taken));
    forgot_finished_ = true;
    const auto no_product = [](const auto& file) { return file.of.empty(); };
    const bool catalogue_comes = std::ranges::any_of(found.taken, no_product) ||
                                 std::ranges::any_of(found.waiting, no_product);
    std::set<std::string> earlier;  // a picture follows the one whose place it takes
    int finished = 0;
    for (const auto& file : found.taken) {
        if (!file.of.empty() && !earlier.insert(file.of + '/' + file.name).second) continue;
        if (!may_try(file.path.string())) continue;
        auto outcome = file.of.empty() ? co_await go_on_with_csv(file)
                                       : co_await go_on_with_picture(file, catalogue_comes);
        auto done = co_await settle(file.path, drop_folder::name_with(file.id, file.name),
                                    std::move(outcome));
        finished += done.value_or(false);
    }
    for (const auto& file : found.waiting) {
        if (file.is_open) continue;
        const auto path = file.path.string();
        if (auto taken = co_await take(file); !taken) remember(path, taken.error());
        else failed_.erase(path);
    }
    co_return finished;
}

// The next round goes on with it.
task<result<void>> folder_watch::take(drop_folder::waiting_file file) {
    auto take = [at = folder_, file, id = new_id(ports_.time, ports_.random)]() -> result<bool> {
        return at.take(file, id);
    };
    STOA_CO_TRY(const bool taken, co_await offload(ports_.files, std::move(take)));
    if (taken) crash_point("drop_taken");
    co_return result<void>{};
}

// The upload, and what the function makes of it: both are what they were where they come again.
// True: it is over, and its report written.
task<result<bool>> folder_watch::go_on_with_csv(drop_folder::taken_file file) {
    const auto key = upload_key(file.id);
    STOA_CO_TRY(const auto there, co_await ports_.blobs.list(bucket(), key));
    const auto uploaded = std::ranges::find(there, key, &blob_info::key);
    STOA_CO_TRY(const auto object, uploaded == there.end() ? co_await upload(file, key)
                                                           : result<blob_info>(*uploaded));
    STOA_CO_TRY(const bool over, co_await import(file.id, object));
    if (!over) co_return false;
    STOA_CO_TRY(auto report, co_await ports_.blobs.get(bucket(), products::report_key(key)));
    STOA_CO_TRY(const auto told, from_json<products::file_report>(report));
    const bool well = told.status == products::file_import_status::done;
    STOA_CO_TRY_VOID(
        co_await finish(file.path, drop_folder::name_with(file.id, file.name), well, report));
    co_await forget({key, products::report_key(key)});
    co_return true;
}

// What is not forgotten now is with the next start.
task<> folder_watch::forget(std::vector<std::string> keys) {
    for (auto& key : keys)
        if (auto gone = co_await ports_.blobs.erase(bucket(), key); !gone)
            log_warning("dropped_file_kept", {{"key", key}, {"code", gone.error().code}});
}

// Uploads of files that were finished as the shop died.
task<result<void>> folder_watch::forget_finished(
    const std::vector<drop_folder::taken_file>& taken) {
    STOA_CO_TRY(const auto there, co_await ports_.blobs.list(bucket(), std::string(upload_prefix)));
    std::vector<std::string> gone;
    for (const auto& each : there)
        if (std::ranges::none_of(
                taken, [&](const auto& one) { return each.key.starts_with(upload_key(one.id)); }))
            gone.push_back(each.key);
    co_await forget(std::move(gone));
    co_return result<void>{};
}

// As AWS Lambda calls it, with a deadline: other files have their turn meanwhile. True: it is over.
task<result<bool>> folder_watch::import(std::string id, blob_info object) {
    functions::trigger what{.from = functions::event_source::s3, .records = {}};
    what.records.push_back({.id = id, .objects = {}, .said = {}});
    what.records.front().objects.push_back({.bucket = bucket(),
                                            .key = object.key,
                                            .etag = object.etag,
                                            .size_bytes = object.size_bytes});
    STOA_CO_TRY(auto done,
                co_await ports_.importing.handle(
                    std::move(what), {.request_id = std::move(id),
                                      .deadline = ports_.time.ticks() + an_import_at_once}));
    crash_point("drop_imported");
    if (done.failed.empty()) co_return true;
    if (done.failed.front().why.code == products::import_unfinished) co_return false;
    co_return std::unexpected(std::move(done.failed.front().why));
}

task<result<blob_info>> folder_watch::upload(const drop_folder::taken_file& file, std::string key) {
    auto from = std::make_shared<std::ifstream>(file.path, std::ios::binary);
    if (!*from) co_return fail(errc::unavailable, "file_unreadable", "the file cannot be read");
    STOA_CO_TRY(auto to, co_await ports_.blobs.create(bucket(), std::move(key)));
    for (;;) {
        auto read = [from]() -> result<std::string> {
            std::string chunk(chunk_bytes, '\0');
            from->read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
            if (from->bad())
                return fail(errc::unavailable, "file_unreadable", "the file cannot be read");
            chunk.resize(static_cast<std::size_t>(from->gcount()));
            return chunk;
        };
        STOA_CO_TRY(auto chunk, co_await offload(ports_.files, std::move(read)));
        if (chunk.empty()) break;
        STOA_CO_TRY_VOID(co_await to->append(std::move(chunk)));
    }
    STOA_CO_TRY(auto stored, co_await to->finish());
    crash_point("drop_uploaded");
    co_return stored;
}

// As a bucket of a cloud takes it: the original, and an event that it is there. Both may come
// twice.
task<result<bool>> folder_watch::go_on_with_picture(drop_folder::taken_file file,
                                                    bool catalogue_comes) {
    if (!is_plain(file.of) || !is_plain(file.name))
        co_return fail(errc::invalid, "name_not_plain",
                       "the names of a picture and its folder consist of letters, digits and -_.");
    STOA_CO_TRY(const bool sold, co_await ports_.products.sells(file.of));
    if (!sold && catalogue_comes) co_return false;
    if (!sold)
        co_return fail(errc::not_found, std::string(product_not_found),
                       "there is no product with the id or sku " + file.of);
    auto sequencer = file.id;  // of one place a later file has the greater id
    std::erase(sequencer, '-');
    constexpr auto most = picture_limits{}.bytes;
    auto read = [path = file.path] { return whole(path, most); };
    STOA_CO_TRY(auto bytes, co_await offload(ports_.files, std::move(read)));
    if (std::ssize(bytes) > most)
        co_return fail(errc::too_large, "picture_too_large",
                       "at most " + std::to_string(most) + " bytes are taken");
    if (!is_picture(media_of(bytes)))
        co_return fail(errc::invalid, "not_a_picture",
                       "by its content the file is no JPEG, PNG, WebP or GIF");
    STOA_CO_TRY_VOID(co_await ports_.products.expect_original(file.of, file.name, sequencer));
    STOA_CO_TRY(const auto stored,
                co_await ports_.blobs.put(
                    std::string(products::images_bucket),
                    products::product_service::original_key(file.of, file.name), std::move(bytes)));
    crash_point("drop_picture_stored");
    const auto announced =
        to_json(products::object_announced{std::string(products::images_bucket), stored.key,
                                           stored.etag, stored.size_bytes, sequencer});
    std::vector<event> told;
    told.push_back({.topic = std::string(products::topic::objects_created),
                    .key = file.of,
                    .id = file.id,
                    .type = std::string(products::topic::objects_created),
                    .occurred_at = ports_.time.now(),
                    .payload = announced});
    STOA_CO_TRY_VOID(co_await ports_.log.append(std::move(told)));
    crash_point("drop_picture_announced");
    STOA_CO_TRY_VOID(
        co_await finish(file.path, drop_folder::name_with(file.id, file.name), true, announced));
    co_return true;
}

// File names are bytes; reports and the log are UTF-8.
folder_watch::attempts& folder_watch::remember(const std::string& path, const error& why) {
    log_warning(
        "dropped_file_failed",
        {{"file", valid_utf8(path)}, {"code", why.code}, {"detail", valid_utf8(why.detail)}});
    auto& tries = failed_[path];
    tries.made = std::min(tries.made + 1, most_attempts);
    tries.next = ports_.time.ticks() + seconds(std::int64_t{1} << tries.made);
    return tries;
}

// What failed waits for another attempt, or is over.
task<result<bool>> folder_watch::settle(std::filesystem::path path, std::string as,
                                        result<bool> outcome) {
    const auto key = path.string();
    if (outcome) {
        failed_.erase(key);
        co_return outcome;
    }
    const auto& why = outcome.error();
    const auto& tries = remember(key, why);
    if (tries.made < attempts_for(why)) co_return false;
    auto report = to_json(
        folder_problem{valid_utf8(path.filename().string()), why.code, valid_utf8(why.detail)});
    STOA_CO_TRY_VOID(co_await finish(path, std::move(as), false, std::move(report)));
    failed_.erase(key);
    co_return true;
}

task<result<void>> folder_watch::finish(std::filesystem::path path, std::string as, bool well,
                                        std::string report) {
    auto move = [at = folder_, path, as, well, report]() -> result<bool> {
        STOA_TRY_VOID(at.finish(path, as, well, report));
        return true;
    };
    STOA_CO_TRY_VOID(co_await offload(ports_.files, std::move(move)));
    crash_point("drop_finished");
    co_return result<void>{};
}

}  // namespace stoa
