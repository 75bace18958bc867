#include "base/mail.hpp"

#include "base/csv.hpp"

#include <algorithm>
#include <ctime>

namespace stoa {
namespace {

constexpr std::size_t longest_line = 998;  // RFC 5322, 2.1.1
constexpr std::size_t longest_id = 250;    // it stands on one line, which cannot be folded

bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

bool one_line(std::string_view text) {
    return std::ranges::none_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// An address that can stand between <> as it is: no quoted local parts, no 8-bit names.
bool is_address(std::string_view text) {
    const auto at = text.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.size() > 254)
        return false;
    return text.find('@', at + 1) == std::string_view::npos &&
           std::ranges::all_of(text, [](char c) {
               return is_plain(c) &&
                      std::string_view(" <>()[],;:\\\"").find(c) == std::string_view::npos;
           });
}

bool seven_bit(std::string_view body) {
    std::size_t line = 0;
    for (const char c : body) {
        line = c == '\n' ? 0 : line + 1;
        if (line > longest_line || (!is_plain(c) && c != '\n' && c != '\t')) return false;
    }
    return true;
}

// RFC 2047: words of at most 75 characters, none of which cuts a UTF-8 character.
std::string header_text(std::string_view text) {
    constexpr std::size_t most_bytes = 45;
    const bool looks_encoded = text.find("=?") != std::string_view::npos;
    if (std::ranges::all_of(text, is_plain) && text.size() < 900 && !looks_encoded)
        return std::string(text);
    std::string out;
    while (!text.empty()) {
        auto cut = std::min(most_bytes, text.size());
        while (cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
        if (!out.empty()) out += "\n ";
        ((out += "=?UTF-8?B?") += base64(text.substr(0, cut))) += "?=";
        text.remove_prefix(cut);
    }
    return out;
}

std::string date_text(timestamp at) {
    const std::time_t seconds = at.unix_s();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto time = rfc3339(at).substr(11, 8);
    return std::string(days[parts.tm_wday]) + ", " + std::to_string(parts.tm_mday) + ' ' +
           months[parts.tm_mon] + ' ' + std::to_string(1900 + parts.tm_year) + ' ' + time +
           " +0000";
}

}  // namespace

std::string base64(std::string_view bytes) {
    static constexpr char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t j = i; j < i + 3; ++j)
            bits = bits << 8 | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j > bytes.size() ? '=' : digits[bits >> (18 - 6 * j) & 63];
    }
    return out;
}

std::string message_id_of(std::string_view id) {
    std::string out = "<";
    for (const char c : id) {
        const bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        out += fits ? c : '-';
    }
    return out + "@stoa>";
}

result<void> check_mail(const mail& what) {
    if (!is_address(what.to)) return fail(errc::invalid, "bad_recipient", "not an e-mail address");
    if (!is_address(what.from)) return fail(errc::invalid, "bad_sender", "not an e-mail address");
    if (!one_line(what.subject) || !is_text(what.subject))
        return fail(errc::invalid, "bad_subject", "a subject is one line of UTF-8");
    if (what.id.empty() || what.id.size() > longest_id || !one_line(what.id))
        return fail(errc::invalid, "bad_message_id", "a message needs an id of one short line");
    if (!is_text(what.body)) return fail(errc::invalid, "bad_body", "a body is UTF-8 without NUL");
    return {};
}

std::string mail_text(const mail& what, bool plain_utf8) {
    const bool plain = seven_bit(what.body);
    std::string out;
    out.reserve(what.body.size() + 512);
    ((out += "From: ") += what.from) += '\n';
    ((out += "To: ") += what.to) += '\n';
    ((out += "Subject: ") += header_text(what.subject)) += '\n';
    ((out += "Date: ") += date_text(what.date)) += '\n';
    ((out += "Message-ID: ") += message_id_of(what.id)) += '\n';
    out += "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n";
    out += "Content-Transfer-Encoding: ";
    out += plain ? "7bit" : plain_utf8 ? "8bit" : "base64";
    out += "\n\n";
    if (plain || plain_utf8) {
        out += what.body;
        if (!what.body.ends_with('\n')) out += '\n';
        return out;
    }
    const auto encoded = base64(what.body);
    for (std::size_t at = 0; at < encoded.size(); at += 76) (out.append(encoded, at, 76)) += '\n';
    return out;
}

}  // namespace stoa
