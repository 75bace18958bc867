// Settings from a file, the environment and flags, whatever they hold: refused with words for the
// person who wrote them, or taken whole; a secret is in no message, and the rank of the sources
// holds.
#include "apps/stoa/settings.hpp"

#include "fuzz/fuzz.hpp"

namespace {

using stoa::fuzz::must;

void readable(const stoa::settings& all) {
    (void)all.address("http");
    (void)all.address("admin");
    (void)all.currency("currency");
    for (const char* key : {"loops", "request_seconds", "db_port"})
        must(all.number(key) >= 0 && all.number(key) <= 1'000'000'000, "a number is in its range");
    must(all.ratio("trace_ratio") >= 0 && all.ratio("trace_ratio") <= 1, "so is a ratio");
    (void)all.list("cors_origins");
    const auto shown = all.describe();
    for (const auto& key : stoa::setting_keys())
        if (key.secret && all.given(key.name))
            must(shown.contains(std::string(key.name) + " = \"****\""), "no secret is shown");
}

void refused(const stoa::error& why) {
    must(why.kind == stoa::errc::invalid, "the user's mistake is no fault of ours");
    must(!why.code.empty() && !why.detail.empty(), "and is told");
}

// NAME=value a line, as an environment has them; a line without `=` is no variable.
struct environment {
    std::vector<std::string> lines;
    std::vector<const char*> pointers;

    explicit environment(std::string_view text) {
        stoa::fuzz::input in(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        while (!in.empty()) lines.emplace_back(in.line());
        for (const auto& each : lines) pointers.push_back(each.c_str());
        pointers.push_back(nullptr);
    }
};

}  // namespace

// One byte of kind, then a flag `name=value`, then the file or the environment.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::fuzz::input in(data, size);
    const bool file = in.byte() & 1;
    const auto flag = in.line();
    const auto cut = std::min(flag.find('='), flag.size());
    std::map<std::string, std::string> flags;
    if (cut < flag.size()) flags.emplace(flag.substr(0, cut), flag.substr(cut + 1));

    stoa::result<stoa::settings> read = stoa::fail(stoa::errc::internal, "not_read");
    if (file) {
        const stoa::fuzz::memory_file text(in.rest());
        read = stoa::settings::load(flags, nullptr, text.path());
    } else {
        const environment given(in.rest());
        read = stoa::settings::load(flags, given.pointers.data(), "");
    }
    if (!read) {
        refused(read.error());
        return 0;
    }
    readable(*read);
    static const auto untouched = stoa::settings::load({}, nullptr, "")->describe();
    if (!file && flags.empty() && !in.rest().contains('='))
        must(read->describe() == untouched, "what is no variable sets nothing");
    for (const auto& [name, text] : flags)
        must(read->text(name) == text, "a flag stands above all else");
    return 0;
}
