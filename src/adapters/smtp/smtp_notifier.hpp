// A notifier that hands messages to a mail server by SMTP (RFC 5321), one connection a message,
// plain or in TLS (RFC 8314, RFC 3207) with a certificate that must name the host.
#pragma once

#include "base/mail.hpp"
#include "ports/clock.hpp"
#include "ports/notifier.hpp"
#include "runtime/blocking_pool.hpp"

namespace stoa {

enum class smtp_encryption : std::uint8_t {
    none,            // a relay on the same machine or network
    from_the_start,  // smtps://
    starttls,        // smtp+starttls://: after the greeting, or not at all
};

struct smtp_settings {
    std::string host;
    std::string port = "25";
    std::string user, password;  // empty: no AUTH
    smtp_encryption tls = smtp_encryption::none;
    std::string ca_file{};       // PEM of whom the certificate must be from; empty: the machine's
    std::string from;            // the shop's address
    std::string hello = "stoa";  // how we name ourselves
    milliseconds answer_within{30'000};   // each command's answer
    milliseconds finish_within{120'000};  // the whole conversation
};

// smtp://[user:password@]host[:port], or smtps:// or smtp+starttls://; percent-encoding in user and
// password. Errors: invalid, for the person who set it; the password is never in the message.
result<smtp_settings> read_smtp_url(std::string_view url, std::string from);

// Whether the server answers and lets us in; sends nothing. Blocks as long as the settings say.
result<void> probe_smtp(const smtp_settings& with);

// Thread rule: any loop; a conversation runs on the pool. Errors: `invalid` where the server
// refused the message for good (5xx) or a field is ill-formed, `unavailable` for all that may pass
// (4xx, no answer, a connection that breaks): the same message id is then sent again.
class smtp_notifier final : public notifier {
 public:
    smtp_notifier(smtp_settings settings, clock& time, blocking_pool& pool)
        : settings_(std::move(settings)), time_(time), pool_(pool) {}
    task<result<void>> send(message what) override;

 private:
    smtp_settings settings_;
    clock& time_;
    blocking_pool& pool_;
};

}  // namespace stoa
