#include "apps/stoa/listeners.hpp"

namespace stoa {

// Which listener, and what to change: the engine's own words know the address alone.
result<void> listen(http::server& one, const settings& from, std::string_view key,
                    std::string_view what, std::vector<http::handler*> handlers) {
    const auto at = from.address(key);
    auto done = one.listen(at.host, at.port, std::move(handlers));
    if (done) return done;
    auto why = std::move(done).error();
    why.detail = std::string(what) + " (--" + std::string(key) + "): " + why.detail;
    return fail(std::move(why));
}

result<void> listen_at(http::server& one, const std::string& host, const target_facts& of,
                       std::vector<http::handler*> handlers) {
    auto done = one.listen(host, of.http_port, std::move(handlers));
    if (done) return done;
    auto why = std::move(done).error();
    why.detail = "the " + std::string(of.name) + " target (`listen_host`): " + why.detail;
    return fail(std::move(why));
}

result<void> check_listeners(const settings& from) {
    const auto open_at = from.address("http"), admin_at = from.address("admin");
    if (open_at.port == 0 || open_at.port != admin_at.port || open_at.host != admin_at.host)
        return {};
    return fail(errc::invalid, "one_address_twice",
                "the public API (--http) and the admin listener (--admin) are both at " +
                    from.text("http") + ": give one of them another port");
}

}  // namespace stoa
