// Verbs for what runs the program: a container's health check, and the keys that a secret holds.
#include "adapters/security/key_file.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/commands.hpp"
#include "apps/stoa/tools.hpp"
#include "transport/http/blocking_client.hpp"

#include <cstdio>

namespace stoa {

int run_healthcheck(const settings& from, bool whether_ready) {
    auto at = from.address("admin");
    // An address that stands for all of the machine's is reached by the nearest of them.
    if (at.host == "0.0.0.0" || at.host == "::" || at.host == "[::]") at.host = "127.0.0.1";
    const auto address = at.host + ':' + std::to_string(at.port);
    http::blocking_client client(address, "");
    const auto told = client.call("GET", whether_ready ? "/ready" : "/health");
    if (!told) {
        std::fprintf(stderr, "no shop answers at %s (--admin): %s\n", address.c_str(),
                     told.error().detail.c_str());
        return 1;
    }
    std::printf("%s\n", told->body.c_str());
    return told->status == 200 ? 0 : 1;
}

int make_keys(const std::string& file) {
    if (const auto there = load_keys(file); there || there.error().code != "key_file_missing")
        return complain({.kind = errc::conflict,
                         .code = "key_file_exists",
                         .detail = file +
                                   " is there: keys are made once. Remove it only if no shop "
                                   "has it, since it signs the sessions of every customer"});
    system_clock time;
    const auto made = load_or_create_keys(file, time.now());
    if (!made) return complain(made.error());
    std::printf("%s has the signing keys of a new shop. Keep it like a password.\n", file.c_str());
    return 0;
}

}  // namespace stoa
