// Mails: whatever the subject and the body hold, the text has exactly the headers it should have,
// in 7-bit lines that every server takes, and the reader sees what was written.
#include "base/mail.hpp"

#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace {

using stoa::fuzz::must;

// Strict, for texts that we wrote.
std::string unbase64(std::string_view text) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    must(text.size() % 4 == 0, "base64 comes in fours");
    std::string out;
    std::uint32_t bits = 0;
    std::size_t n = 0;
    for (const char c : text) {
        const auto digit = c == '=' ? 0 : digits.find(c);
        must(digit != std::string_view::npos, "of its own alphabet");
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if (++n % 4) continue;
        for (const int shift : {16, 8, 0}) out += static_cast<char>(bits >> shift);
        bits = 0;
    }
    const auto padding = static_cast<std::size_t>(std::ranges::count(text, '='));
    must(padding <= 2, "with at most two to fill");
    return out.substr(0, out.size() - padding);
}

struct parts {
    std::vector<std::string> headers;  // unfolded by one line end, each
    std::string body;
};

parts split(std::string_view text) {
    const auto gap = text.find("\n\n");
    must(gap != std::string_view::npos, "headers and body are apart");
    parts out{.headers = {}, .body = std::string(text.substr(gap + 2))};
    auto head = text.substr(0, gap + 1);
    while (!head.empty()) {
        const auto end = head.find('\n');
        const auto line = head.substr(0, end);
        must(line.size() <= 998, "a header's line is short enough");
        must(std::ranges::all_of(line, [](char c) { return c >= ' ' && c < '\x7f'; }),
             "and printable");
        if (line.starts_with(' ')) out.headers.back() += '\n' + std::string(line);
        else out.headers.emplace_back(line);
        head.remove_prefix(end + 1);
    }
    return out;
}

std::string header(const parts& of, std::string_view name) {
    std::string found;
    int times = 0;
    for (const auto& each : of.headers) {
        must(each.find(": ") != std::string::npos, "a header has a name and a value");
        if (!each.starts_with(std::string(name) + ": ")) continue;
        found = each.substr(name.size() + 2);
        ++times;
    }
    must(times == 1, "a header stands once");
    return found;
}

std::string subject_as_shown(std::string_view text) {
    if (!text.starts_with("=?UTF-8?B?")) return std::string(text);
    std::string out;
    while (!text.empty()) {
        must(text.starts_with("=?UTF-8?B?"), "all of a subject is encoded, or nothing");
        const auto end = text.find("?=");
        must(end != std::string_view::npos && end + 2 <= 75, "an encoded word is short enough");
        out += unbase64(text.substr(10, end - 10));
        text.remove_prefix(end + 2);
        if (!text.empty()) {
            must(text.starts_with("\n "), "words stand on lines of their own");
            text.remove_prefix(2);
        }
    }
    return out;
}

void look_at(const stoa::mail& what, bool plain_utf8) {
    const auto text = stoa::mail_text(what, plain_utf8);
    const auto read = split(text);
    must(header(read, "To").find(what.to) != std::string::npos, "the recipient is there");
    must(header(read, "From").find(what.from) != std::string::npos, "and the sender");
    must(subject_as_shown(header(read, "Subject")) == what.subject, "the subject comes back");
    (void)header(read, "Message-ID");
    (void)header(read, "Date");
    auto body = read.body;
    if (header(read, "Content-Transfer-Encoding") == "base64") {
        std::erase(body, '\n');
        must(unbase64(body) == what.body, "the body comes back");
        return;
    }
    must(body == what.body + (what.body.ends_with('\n') ? "" : "\n"), "the body is as it was");
    if (plain_utf8) return;
    std::size_t line = 0;
    for (const char c : body) {
        line = c == '\n' ? 0 : line + 1;
        must(line <= 998 && static_cast<unsigned char>(c) < 0x80, "in 7-bit lines");
    }
}

}  // namespace

// Lines: recipient, subject, id; the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stoa::fuzz::input in(data, size);
    stoa::mail what{.from = "shop@example.com", .date = {1'790'000'000'000'000}};
    what.to = in.line();
    what.subject = in.line();
    what.id = in.line();
    what.body = in.rest();
    for (const auto& to : {what.to, std::string("someone@example.org")}) {
        what.to = to;
        if (!stoa::check_mail(what)) continue;
        look_at(what, false);
        look_at(what, true);
    }
    const auto id = stoa::message_id_of(what.id);
    must(id.starts_with('<') && id.ends_with("@stoa>") &&
             id.find_first_of(" \r\n<>", 1) == id.size() - 1,
         "a message id is one word");
    return 0;
}
