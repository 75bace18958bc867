// Addresses that a person sets: of the mail server and of the collector of traces. What is accepted
// can be connected to and cannot put a line into what is sent there; what is refused is explained
// without its password.
#include "adapters/smtp/smtp_notifier.hpp"
#include "fuzz/fuzz.hpp"
#include "transport/http/client.hpp"

#include <algorithm>

namespace {

using stoa::fuzz::must;

constexpr std::string_view password = "Zq7kW0pR2vX9";

void mail_server(std::string_view url) {
    const auto read = stoa::read_smtp_url(url, "shop@example.com");
    if (!read) {
        must(read.error().kind == stoa::errc::invalid, "a bad address is the user's mistake");
        must(!read.error().detail.contains(password), "no message shows a password");
        return;
    }
    must(!read->host.empty() && read->host.size() < url.size(), "it names a host");
    must(std::ranges::none_of(read->host,
                              [](char c) {
                                  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
                                         c == '[' || c == ']' || c == '@';
                              }),
         "whose name can be looked up");
    const auto port = std::stoi(read->port);
    must(port > 0 && port < 65'536, "it has a port");
    for (const auto* text : {&read->user, &read->password})
        must(text->find('\0') == std::string::npos, "AUTH PLAIN parts its fields by NUL");
    must(read->user.empty() == read->password.empty() || !read->user.empty(),
         "a password belongs to a user");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    mail_server(text);
    mail_server("smtp://" + std::string(text));
    mail_server("smtp://user:" + std::string(password) + std::string(text));
    for (const auto& url : {std::string(text), "http://" + std::string(text)}) {
        const auto good = stoa::http::check_url(url);
        if (!good) {
            must(good.error().kind == stoa::errc::invalid && !good.error().detail.empty(),
                 "what is wrong is told");
            continue;
        }
        must(std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; }),
             "an address is printable ASCII");
        const auto host = url.find("://") + 3;
        must(url.size() > host && url[host] != '/', "it names a host");
    }
    return 0;
}
