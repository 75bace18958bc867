// What a process serves, and where it finds the rest of the shop (docs/operations.md, "One target a
// process").
#pragma once

#include "apps/stoa/settings.hpp"

#include <array>
#include <span>

namespace stoa {

enum class target : std::uint8_t {
    gateway,
    user,
    product,
    cart,
    order,
    payment,
    notification,
    activity,
    analytics
};

struct target_facts {
    target is{};
    std::string_view name;
    std::uint16_t http_port = 0;
    std::uint16_t grpc_port = 0;    // 0: none
    const char* grpc_service = "";  // of api/proto
    std::string_view host_setting;  // where others find it; empty: nobody asks it
};
std::span<const target_facts> all_targets();
const target_facts& facts_of(target of);

class target_set {
 public:
    // Errors: `invalid` unknown_target, targets_need_engines (embedded engines belong to one
    // process), service_not_found (a service that is neither here nor named by its setting).
    static result<target_set> read(const settings& from);

    bool has(target one) const { return here_[static_cast<std::size_t>(one)]; }
    bool whole() const;  // the shop needs no other process
    // all, or the names by commas.
    std::string text() const;

 private:
    std::array<bool, 9> here_{};
};

// Where a service of another process listens.
struct service_place {
    std::string http, grpc;  // host:port
};
// One a replica. Of a setting as `order-1,order-2` or, with ports that are not the documented ones,
// `host:8003:50053`.
result<std::vector<service_place>> places_of(const settings& from, target of);

}  // namespace stoa
