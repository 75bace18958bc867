// Backup files: what was written is read; a file that was cut, changed or made up is refused before
// its end, and never taken for a whole one.
#include "apps/stoa/backup_format.hpp"

#include "fuzz/fuzz.hpp"

#include <algorithm>

namespace {

using stoa::fuzz::must;

struct content {
    std::vector<std::vector<std::string>> sections;  // store, kind and name, then the records
    bool operator==(const content&) const = default;
};

stoa::result<content> read(std::string_view bytes) {
    const stoa::fuzz::memory_file file(bytes);
    STOA_TRY(const auto from, stoa::backups::reader::open(file.path()));
    content out;
    for (;;) {
        STOA_TRY(const auto section, from->next_section());
        if (!section) return out;
        auto& records = out.sections.emplace_back();
        records = {section->store, section->kind, section->name};
        for (;;) {
            STOA_TRY(const auto record, from->next_record());
            if (!record) break;
            records.emplace_back(*record);
        }
    }
}

void refused(const stoa::result<content>& outcome) {
    must(!outcome, "it is not taken for a whole backup");
    const auto& code = outcome.error().code;
    must(code == "not_a_backup" || code == "backup_damaged" || code == "backup_newer",
         "and what is wrong with it is told");
}

content written(stoa::fuzz::input in, std::string& bytes) {
    content out;
    stoa::backups::writer to;
    to.begin({.stoa = "1", .taken_at = {1'790'000'000'000'000}, .currency = {}});
    for (auto sections = in.byte() % 4; sections > 0; --sections) {
        auto& records = out.sections.emplace_back();
        records = {"shop", "items", "n" + std::to_string(sections)};
        to.begin_section({records[0], records[1], records[2]});
        for (auto n = in.byte() % 8; n > 0; --n) {
            records.emplace_back(in.piece());
            to.add(records.back());
        }
        to.end_section();
    }
    to.end();
    bytes = to.take();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::fuzz::input in(data, size);
    refused(read(in.rest()));  // nobody guesses four checksums
    const auto at = in.number();
    const auto change = static_cast<char>(in.byte());
    std::string bytes;
    const auto what = written(in, bytes);
    const auto whole = read(bytes);
    must(whole && *whole == what, "a backup comes back");
    refused(read(std::string_view(bytes).substr(0, at % bytes.size())));
    refused(read(bytes + change));
    if (change) {
        bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ change);
        refused(read(bytes));
    }
    return 0;
}
