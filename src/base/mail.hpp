// A plain-text e-mail as bytes (RFC 5322, MIME). Pure. Shared by the adapters that write mail.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

namespace stoa {

struct mail {
    std::string from, to;  // plain addresses: shop@example.com
    std::string subject;   // UTF-8
    std::string body;      // UTF-8, lines end with \n
    std::string id;        // unique; becomes the Message-ID
    timestamp date;
};

// `invalid` where a field could break out of its header (line ends, NUL), an address is none, or a
// text is not UTF-8.
result<void> check_mail(const mail& what);

// <id@stoa>, with characters that have no place there replaced.
std::string message_id_of(std::string_view id);
std::string base64(std::string_view bytes);

// Headers, an empty line and the body; lines end with \n. A body beyond 7-bit lines of at most 998
// bytes is written in base64, or as it is where `plain_utf8` says that the reader takes that.
std::string mail_text(const mail& what, bool plain_utf8);

}  // namespace stoa
