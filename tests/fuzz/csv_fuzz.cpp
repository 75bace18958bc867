// A file read whole and read in pieces, cut anywhere, gives the same records and the same errors;
// and a row that is written comes back.
#include "base/csv.hpp"

#include "fuzz/fuzz.hpp"

namespace {

using stoa::fuzz::must;

struct outcome {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::uint64_t> lines;
    std::vector<stoa::csv_error> errors;
    bool operator==(const outcome&) const = default;
};

constexpr stoa::csv_limits limits{.record_bytes = 4'096, .fields = 16};

// `cuts` gives the lengths of the pieces, over and over.
outcome read(std::string_view text, std::string_view cuts) {
    stoa::csv_reader reader(limits);
    outcome out;
    const auto take = [&] {
        while (auto row = reader.next()) {
            if (!*row) {
                out.errors.push_back(row->error());
                continue;
            }
            out.lines.push_back((*row)->line);
            out.rows.push_back((*row)->fields);
        }
    };
    for (std::size_t i = 0; !text.empty(); ++i) {
        const auto wanted =
            cuts.empty() ? text.size()
                         : std::size_t{1} + static_cast<unsigned char>(cuts[i % cuts.size()]);
        const auto size = std::min(wanted, text.size());
        // A copy of its own, so that reading past the piece is seen.
        const std::string piece(text.substr(0, size));
        reader.feed(piece);
        take();
        text.remove_prefix(size);
    }
    reader.finish();
    take();
    return out;
}

void comes_back(const std::vector<std::string>& row) {
    const std::vector<std::string_view> cells(row.begin(), row.end());
    std::string text = "header\n";  // a byte-order mark counts at a file's beginning alone
    stoa::append_csv_row(text, cells);
    // Quotes, apostrophes and escapes may have made it longer than this reader takes.
    if (text.size() > limits.record_bytes) return;
    const auto again = read(text, {});
    if (row.size() == 1 && row.front().empty()) return;  // a blank line
    must(again.errors.empty() && again.rows.size() == 2, "a written row is read");
    auto plain = again.rows.back();
    for (auto& cell : plain) cell = stoa::csv_plain(std::move(cell));
    must(plain == row, "and is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::fuzz::input in(data, size);
    const auto cuts = in.piece();
    const auto text = in.rest();
    const auto whole = read(text, {});
    must(whole == read(text, cuts), "pieces give what the whole gives");
    must(whole == read(text, std::string_view("\0", 1)), "so do single bytes");
    for (const auto& row : whole.rows) comes_back(row);
    for (const auto& each : whole.errors)
        must(!each.code.empty() && each.line > 0, "an error says what and where");
    return 0;
}
