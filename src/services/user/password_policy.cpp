#include "services/user/password_policy.hpp"

#include <algorithm>

namespace stoa::users {

namespace {

bool is_listed(std::string_view word) {
    return std::ranges::binary_search(common_passwords(), word);
}

// Letters that digits and signs stand for: p@ssw0rd.
std::string plain_letters(std::string_view text) {
    constexpr std::string_view from = "@430157$!|", to = "aaeoistsii";
    std::string out(text);
    for (auto& c : out)
        if (const auto i = from.find(c); i != from.npos) c = to[i];
    return out;
}

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// The word within digits and signs: 123password!! → password.
std::string_view core_of(std::string_view text) {
    while (!text.empty() && !is_letter(text.front())) text.remove_prefix(1);
    while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
    return text;
}

// What follows a word without making it a secret: a year, 123, !.
constexpr std::size_t longest_decoration_bytes = 6;

bool is_repeat(std::string_view text) {
    for (std::size_t period = 1; period <= 4 && period * 2 <= text.size(); ++period) {
        bool repeats = true;
        for (std::size_t i = period; i < text.size() && repeats; ++i)
            repeats = text[i] == text[i - period];
        if (repeats) return true;
    }
    return false;
}

bool is_run(std::string_view text) {
    static constexpr std::string_view runs[] = {"01234567890123456789",
                                                "09876543210987654321",
                                                "abcdefghijklmnopqrstuvwxyz",
                                                "zyxwvutsrqponmlkjihgfedcba",
                                                "qwertyuiopasdfghjklzxcvbnm",
                                                "qwertzuiopasdfghjklyxcvbnm",
                                                "azertyuiopqsdfghjklmwxcvbn",
                                                "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
                                                "1q2w3e4r5t6y7u8i9o0p",
                                                "q1w2e3r4t5y6u7i8o9p0",
                                                "qazwsxedcrfvtgbyhnujm",
                                                "147258369",
                                                "123456789abcdef",
                                                "asdfghjkl;'",
                                                "!@#$%^&*()_+"};
    return std::ranges::any_of(runs, [&](auto run) { return run.find(text) != run.npos; });
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

bool is_common_password(std::string_view password) {
    const auto lower = lower_case(password);
    if (is_repeat(lower) || is_run(lower) || is_listed(lower)) return true;
    // Undecorated first, so that the digits of password1 are not read as letters.
    const auto core = core_of(lower);
    if (lower.size() - core.size() <= longest_decoration_bytes &&
        (is_listed(core) || is_listed(plain_letters(core)) || (core.size() >= 4 && is_run(core))))
        return true;
    const auto plain = plain_letters(lower);
    return is_listed(plain) || is_listed(core_of(plain));
}

std::optional<password_refusal> refuse_password(std::string_view password, std::string_view email) {
    if (password.size() < shortest_password_bytes)
        return password_refusal{"too_short", "use at least 8 characters"};
    if (password.size() > longest_password_bytes)
        return password_refusal{"too_long", "use at most 128 bytes"};
    const auto lower = lower_case(password), address = lower_case(email);
    if (!address.empty() && (lower == address || lower == address.substr(0, address.find('@'))))
        return password_refusal{"same_as_email", "use something other than the e-mail address"};
    if (is_common_password(password))
        return password_refusal{"too_common", "this is one of the first passwords that are tried"};
    return {};
}

}  // namespace stoa::users
