#include "adapters/postgres/postgres_dialect.hpp"

#include <algorithm>
#include <cctype>

namespace stoa {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string upper(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

// Pieces in order: words, quoted text and comments whole, everything else a character at a time.
struct piece {
    enum class kind : std::uint8_t { word, quoted, comment, other };
    kind is;
    std::string_view text;
};

piece next_piece(std::string_view rest) {
    const char c = rest[0];
    if (is_word(c)) {
        std::size_t n = 1;
        while (n < rest.size() && is_word(rest[n])) ++n;
        return {piece::kind::word, rest.substr(0, n)};
    }
    if (c == '\'' || c == '"') {
        // A doubled quote begins the next piece: together they read the same.
        const auto end = rest.find(c, 1);
        return {piece::kind::quoted, end == rest.npos ? rest : rest.substr(0, end + 1)};
    }
    if (rest.starts_with("--")) {
        const auto end = rest.find('\n');
        return {piece::kind::comment, end == rest.npos ? rest : rest.substr(0, end)};
    }
    return {piece::kind::other, rest.substr(0, 1)};
}

std::vector<piece> pieces_of(std::string_view sql) {
    std::vector<piece> out;
    while (!sql.empty()) {
        out.push_back(next_piece(sql));
        sql.remove_prefix(out.back().text.size());
    }
    return out;
}

bool blank(const piece& p) { return p.is == piece::kind::other && std::isspace(p.text[0]) != 0; }

// The next words from `at` on, for as long as there are only words.
std::string words_after(const std::vector<piece>& in, std::size_t at, int count) {
    std::string out;
    for (; at < in.size() && count > 0; ++at) {
        if (blank(in[at])) continue;
        if (in[at].is != piece::kind::word) break;
        if (!out.empty()) out += ' ';
        out += upper(in[at].text);
        --count;
    }
    return out;
}

bool can_lock(const std::vector<piece>& in) {
    bool first = true, from = false;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i].is != piece::kind::word) continue;
        const auto word = upper(in[i].text);
        if (first && word != "SELECT") return false;
        first = false;
        const bool called = i + 1 < in.size() && in[i + 1].text == "(";
        constexpr std::string_view totals[] = {"COUNT", "SUM", "MIN", "MAX", "AVG", "TOTAL"};
        if (called && std::ranges::find(totals, word) != std::end(totals)) return false;
        constexpr std::string_view apart[] = {"DISTINCT",  "GROUP",  "HAVING", "UNION",
                                              "INTERSECT", "EXCEPT", "LEFT"};
        if (std::ranges::find(apart, word) != std::end(apart)) return false;
        from = from || word == "FROM";
    }
    return from;
}

}  // namespace

postgres_statement to_postgres(std::string_view sql, bool locks) {
    const auto in = pieces_of(sql);
    postgres_statement out;
    for (std::size_t i = 0; i < in.size(); ++i) {
        const bool parameter = in[i].text == "?" && i + 1 < in.size() &&
                               in[i + 1].is == piece::kind::word &&
                               std::isdigit(static_cast<unsigned char>(in[i + 1].text[0])) != 0;
        if (!parameter) {
            out.text += in[i].text;
            continue;
        }
        const auto n = std::stoul(std::string(in[i + 1].text));
        out.arguments = std::max(out.arguments, n);
        const auto after = words_after(in, i + 2, 3);
        const bool tested = after.starts_with("IS NULL") || after == "IS NOT NULL";
        const auto known = std::ranges::find_if(out.parameters, [&](const auto& p) {
            return p.argument == n - 1 && p.tested == tested;
        });
        const auto place = known - out.parameters.begin();
        if (known == out.parameters.end()) out.parameters.push_back({n - 1, tested});
        (out.text += '$') += std::to_string(place + 1);
        ++i;
    }
    if (locks && can_lock(in)) out.text += " FOR UPDATE";
    return out;
}

std::string schema_to_postgres(std::string_view script) {
    std::string out;
    for (const auto& each : pieces_of(script)) {
        const auto word = each.is == piece::kind::word ? upper(each.text) : std::string();
        if (word == "TEXT") out += "TEXT COLLATE \"C\"";
        else if (word == "INTEGER") out += "BIGINT";
        else out += each.text;
    }
    return out;
}

std::string in_quotes(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + '"';
}

}  // namespace stoa
