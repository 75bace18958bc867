#include "services/product/image_resize_function.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"

#include <algorithm>

namespace stoa::products {
namespace {

const std::vector<int> sizes_px{150, 400, 800};

bool is_plain(std::string_view name) {
    return !name.empty() && name.size() <= 200 && !name.starts_with('.') &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
           });
}

// originals/<folder>/<image>, of names that stand in an address as they are.
std::optional<image_processed> place_of(std::string_view key) {
    constexpr std::string_view prefix = "originals/";
    if (!key.starts_with(prefix)) return {};
    key.remove_prefix(prefix.size());
    const auto cut = key.find('/');
    if (cut == std::string_view::npos) return {};
    const auto folder = key.substr(0, cut), image = key.substr(cut + 1);
    if (!is_plain(folder) || !is_plain(image)) return {};
    return image_processed{.folder = std::string(folder), .image = std::string(image)};
}

// Another original under the same name has other addresses, since these are kept for ever.
std::string tag_of(std::string_view etag) {
    std::string out;
    for (const char c : etag)
        if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
            out.size() < 12)
            out += c;
    return out;
}

}  // namespace

image_resize_function::image_resize_function(needs ports) : ports_(ports) {
    const auto outcome = [&](const char* word) {
        return ports_.measured.counter(
            "pictures_processed_total",
            "Originals that variants were made of, or that were refused.", {{"outcome", word}});
    };
    ready_ = outcome("ready");
    refused_ = outcome("refused");
    took_ =
        ports_.measured.duration("picture_seconds", "From reading an original to its event.", {});
}

task<result<functions::outcome>> image_resize_function::handle(functions::trigger what,
                                                               functions::invocation call) {
    functions::outcome out;
    for (auto& record : what.records) {
        for (auto& object : record.objects) {
            auto done = co_await resize(std::move(object), call.traceparent);
            if (done) continue;
            out.failed.push_back({record.id, std::move(done).error()});
            break;
        }
    }
    co_return out;
}

task<result<void>> image_resize_function::on_object_created(delivery what, object_announced told) {
    functions::trigger event{.from = functions::event_source::s3, .records = {}};
    functions::object_created object{.bucket = std::move(told.bucket),
                                     .key = std::move(told.key),
                                     .version = {},
                                     .etag = std::move(told.etag),
                                     .sequencer = told.sequencer.value_or(""),
                                     .size_bytes = told.size_bytes};
    event.records.push_back({.id = what.message.id, .objects = {}, .said = {}});
    event.records.front().objects.push_back(std::move(object));
    functions::invocation call{.request_id = what.message.id,
                               .traceparent = what.message.traceparent};
    STOA_CO_TRY(auto done, co_await handle(std::move(event), std::move(call)));
    if (done.failed.empty()) co_return result<void>{};
    co_return std::unexpected(std::move(done.failed.front().why));
}

task<result<void>> image_resize_function::resize(functions::object_created object,
                                                 std::string traceparent) {
    const auto began = ports_.time.ticks();
    auto told = place_of(object.key);
    if (!told) co_return result<void>{};
    const auto most = static_cast<std::size_t>(picture_limits{}.bytes);
    auto read = co_await ports_.objects.read(
        {.bucket = object.bucket, .key = object.key, .version = {}, .etag = {}}, 0, most);
    if (!read && read.error().kind == errc::not_found) co_return result<void>{};
    if (!read) co_return std::unexpected(std::move(read).error());
    told->etag = read->etag;
    told->sequencer = object.sequencer;
    result<rendered_picture> made =
        fail(errc::too_large, "picture_too_large",
             "the picture has " + std::to_string(read->size_bytes) + " bytes; at most " +
                 std::to_string(most) + " are taken");
    if (read->size_bytes <= static_cast<std::int64_t>(most))
        made = co_await ports_.renderer.render(std::move(read->bytes), sizes_px);
    if (!made && made.error().kind != errc::invalid && made.error().kind != errc::too_large)
        co_return std::unexpected(std::move(made).error());
    crash_point("image_rendered");
    if (made) {
        object.etag = told->etag;
        STOA_CO_TRY_VOID(co_await write_variants(object, *std::move(made), *told));
        ready_.add();
    } else {
        told->problem_code = made.error().code;
        told->problem = made.error().detail;
        log_warning("picture_refused", {{"key", object.key}, {"code", made.error().code}});
        refused_.add();
    }
    STOA_CO_TRY_VOID(co_await tell(*std::move(told), std::move(traceparent)));
    const std::chrono::duration<double> took = ports_.time.ticks() - began;
    took_.observe(took.count());
    co_return result<void>{};
}

task<result<void>> image_resize_function::write_variants(const functions::object_created& object,
                                                         rendered_picture made,
                                                         image_processed& told) {
    told.width = made.width;
    told.height = made.height;
    const auto place = told.folder + '/' + told.image + '/';
    for (auto& each : made.renditions) {
        const bool jpeg = each.format == picture_format::jpeg;
        const auto name = place + std::to_string(each.within_px) + '-' + tag_of(object.etag) +
                          (jpeg ? ".jpg" : ".webp");
        const std::string type = jpeg ? "image/jpeg" : "image/webp";
        STOA_CO_TRY_VOID(co_await ports_.objects.write(
            {.bucket = object.bucket, .key = "variants/" + name, .version = {}, .etag = {}},
            std::move(each.bytes), type));
        told.variants.push_back(
            {each.within_px, each.width, each.height, type, std::string(pictures_path) + name});
    }
    co_return result<void>{};
}

task<result<void>> image_resize_function::tell(image_processed told, std::string traceparent) {
    std::vector<event> events;
    events.push_back({.topic = std::string(topic::images_processed),
                      .key = told.folder,
                      .id = new_id(ports_.time, ports_.random),
                      .type = std::string(topic::images_processed),
                      .occurred_at = ports_.time.now(),
                      .traceparent = std::move(traceparent),
                      .payload = to_json(told)});
    co_return co_await ports_.log.append(std::move(events));
}

namespace {
constexpr event_handler events[] = {on_event<&image_resize_function::on_object_created>(
    topic::objects_created, topic::objects_created)};
}  // namespace

event_consumer events_of(image_resize_function& implementation) {
    return {"image-resize", events, &implementation};
}

}  // namespace stoa::products
