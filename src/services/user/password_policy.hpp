// What a password must be (OWASP ASVS 6.2, NIST SP 800-63B): long enough, and not one that
// everybody tries first. No rules about kinds of characters.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace stoa::users {

inline constexpr std::size_t shortest_password_bytes = 8, longest_password_bytes = 128;

struct password_refusal {
    std::string_view code;  // too_short, too_long, too_common, same_as_email
    std::string_view detail;
};
// Nothing: the password is good enough. `email` may be empty.
std::optional<password_refusal> refuse_password(std::string_view password, std::string_view email);

// Common passwords and words that they are made of: password, password1, P@ssw0rd!2024 …; also runs
// and repeats such as 12345678, qwertyuiop and abcabcabc.
bool is_common_password(std::string_view password);

// The list behind it: in lower case, sorted by bytes.
std::span<const std::string_view> common_passwords();

// ASCII letters only: other letters of an address's local part are the mail server's business.
std::string lower_case(std::string_view text);

}  // namespace stoa::users
