// A file read whole and read in two pieces gives the same records and the same errors.
#include "base/csv.hpp"

#include <cstdlib>

namespace {

struct outcome {
    std::vector<std::vector<std::string>> rows;
    std::vector<stoa::csv_error> errors;
    bool operator==(const outcome&) const = default;
};

outcome read(std::initializer_list<std::string_view> pieces) {
    stoa::csv_reader reader({.record_bytes = 4096, .fields = 16});
    outcome out;
    const auto take = [&] {
        while (auto row = reader.next()) {
            if (*row) out.rows.push_back((*row)->fields);
            else out.errors.push_back(row->error());
        }
    };
    for (const auto piece : pieces) {
        reader.feed(piece);
        take();
    }
    reader.finish();
    take();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto cut = size == 0 ? 0 : data[0] % size;
    if (read({text}) != read({text.substr(0, cut), text.substr(cut)})) std::abort();
    return 0;
}
