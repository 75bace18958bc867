// Events of AWS Lambda: whatever comes is read or refused as the sender's mistake; what is read has
// names and ids, and its answer is JSON that names them again.
#include "base/csv.hpp"
#include "base/json_check.hpp"
#include "fuzz/fuzz.hpp"
#include "transport/lambda/lambda_event.hpp"
#include "transport/lambda/lambda_runtime.hpp"

namespace {

using stoa::fuzz::must;
using namespace stoa;

void objects_are_named(const std::vector<functions::object_created>& all) {
    for (const auto& each : all) {
        must(!each.bucket.empty() && !each.key.empty(), "an object has a bucket and a key");
        must(is_text(each.key), "a key is text");
        must(each.size_bytes >= 0, "a size is none or more");
    }
}

void event(std::string_view text) {
    const auto read = lambda::read_event(text);
    if (!read) {
        must(read.error().kind == errc::malformed && !read.error().detail.empty(),
             "what is no event is the sender's, and told");
        must(!find_json_fault(lambda::write_error(read.error())), "an error is told as JSON");
        return;
    }
    functions::outcome all_failed;
    for (const auto& each : read->records) {
        must(!each.id.empty(), "a record has an id");
        objects_are_named(each.objects);
        all_failed.failed.push_back({each.id, {}});
    }
    must(!find_json_fault(lambda::write_answer(*read, all_failed)), "an answer is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    event(text);
    if (const auto objects = lambda::read_notification(text)) objects_are_named(*objects);
    if (const auto key = lambda::read_object_key(text)) must(is_text(*key), "a key is text");
    const auto trace = lambda::traceparent_of(text);
    must(trace.empty() || trace.size() == 55, "a trace is none or whole");
    return 0;
}
