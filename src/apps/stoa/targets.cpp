#include "apps/stoa/targets.hpp"

#include <algorithm>
#include <charconv>

namespace stoa {
namespace {

constexpr target_facts facts[] = {
    {target::gateway, "gateway", 8080, 0, "", ""},
    {target::user, "user", 8001, 50051, "stoa.v1.UserService", "user_service_host"},
    {target::product, "product", 8001, 50052, "stoa.v1.ProductService", "product_service_host"},
    {target::cart, "cart", 8005, 50055, "stoa.v1.CartService", "cart_service_host"},
    {target::order, "order", 8003, 50053, "stoa.v1.OrderService", "order_service_host"},
    {target::payment, "payment", 8004, 50054, "stoa.v1.PaymentService", "payment_service_host"},
    {target::notification, "notification", 8007, 50057, "stoa.v1.NotificationService",
     "notification_service_host"},
    {target::activity, "activity", 8006, 50056, "stoa.v1.ActivityService", "activity_service_host"},
    {target::analytics, "analytics", 8008, 50058, "stoa.v1.AnalyticsService",
     "analytics_service_host"},
};

// Whom a target asks, besides the user service, which knows every credential.
std::span<const target> asked_by(target one) {
    using enum target;
    static constexpr target by_gateway[] = {user,    product,      cart,     order,
                                            payment, notification, activity, analytics};
    static constexpr target by_user[] = {cart, order};
    static constexpr target by_product[] = {user, order};
    static constexpr target by_cart[] = {user, product, order};
    static constexpr target by_order[] = {user, product, payment};
    static constexpr target by_payment[] = {user, order};
    static constexpr target by_notification[] = {user, order};
    static constexpr target by_activity[] = {user};
    static constexpr target by_analytics[] = {user};
    switch (one) {
        case gateway:
            return by_gateway;
        case user:
            return by_user;
        case product:
            return by_product;
        case cart:
            return by_cart;
        case order:
            return by_order;
        case payment:
            return by_payment;
        case notification:
            return by_notification;
        case activity:
            return by_activity;
        case analytics:
            return by_analytics;
    }
    return {};
}

std::optional<std::uint16_t> read_port(std::string_view text) {
    std::uint16_t out = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (wrong != std::errc{} || end != text.data() + text.size() || out == 0) return {};
    return out;
}

// host, host:http or host:http:grpc.
std::optional<service_place> read_place(std::string_view text, const target_facts& of) {
    std::uint16_t ports[] = {of.http_port, of.grpc_port};
    const auto cut = std::min(text.find(':'), text.size());
    const auto host = std::string(text.substr(0, cut));
    text.remove_prefix(cut);
    for (auto& port : ports) {
        if (text.empty()) break;
        text.remove_prefix(1);
        const auto end = std::min(text.find(':'), text.size());
        const auto read = read_port(text.substr(0, end));
        if (!read) return {};
        port = *read;
        text.remove_prefix(end);
    }
    const bool plain = std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
    if (host.empty() || !plain || !text.empty()) return {};
    return service_place{host + ':' + std::to_string(ports[0]),
                         host + ':' + std::to_string(ports[1])};
}

}  // namespace

std::span<const target_facts> all_targets() { return facts; }
const target_facts& facts_of(target of) { return *std::ranges::find(facts, of, &target_facts::is); }

result<std::vector<service_place>> places_of(const settings& from, target of) {
    const auto& known = facts_of(of);
    std::vector<service_place> out;
    for (const auto& each : from.list(known.host_setting)) {
        auto place = read_place(each, known);
        if (!place)
            return fail(errc::invalid, "bad_setting",
                        '`' + std::string(known.host_setting) + "` holds `" + each +
                            "`: must be hosts by commas, each as order-1, or with its ports as "
                            "order-1:8003:50053");
        out.push_back(*std::move(place));
    }
    return out;
}

bool target_set::whole() const {
    return std::ranges::all_of(here_, [](bool here) { return here; });
}

std::string target_set::text() const {
    if (whole()) return "all";
    std::string out;
    for (const auto& each : facts)
        if (has(each.is)) out += (out.empty() ? "" : ",") + std::string(each.name);
    return out;
}

result<target_set> target_set::read(const settings& from) {
    target_set out;
    for (const auto& word : from.list("target")) {
        if (word == "all") {
            out.here_.fill(true);
            continue;
        }
        const auto found = std::ranges::find(facts, word, &target_facts::name);
        if (found == std::end(facts))
            return fail(errc::invalid, "unknown_target",
                        "there is no target `" + word + "`; `stoa config` lists them");
        out.here_[static_cast<std::size_t>(found->is)] = true;
    }
    if (std::ranges::none_of(out.here_, [](bool here) { return here; }))
        return fail(errc::invalid, "unknown_target",
                    "`target` names nothing: all, or some of those that `stoa config` lists");
    if (out.whole()) return out;
    if (from.text("sql") == "sqlite" || from.text("key_value") == "sqlite" ||
        from.text("event_log") == "sqlite")
        return fail(errc::invalid, "targets_need_engines",
                    "one target alone cannot run on the embedded engines, which belong to one "
                    "process: set target to all, or sql, key_value and event_log to engines that "
                    "every process can reach");
    const bool keeps_files =
        out.has(target::product) || out.has(target::notification) || out.has(target::analytics);
    if (keeps_files && from.text("blob") == "filesystem")
        return fail(errc::invalid, "targets_need_engines",
                    "files in one process' folder are nothing that the others reach: set blob to "
                    "s3, or target to all");
    for (const auto& each : facts) {
        if (!out.has(each.is)) continue;
        for (const auto other : asked_by(each.is)) {
            if (out.has(other)) continue;
            STOA_TRY(const auto places, places_of(from, other));
            if (places.empty())
                return fail(errc::invalid, "service_not_found",
                            "the " + std::string(each.name) + " target asks the " +
                                std::string(facts_of(other).name) +
                                " service, which this process does not serve: name its host in `" +
                                std::string(facts_of(other).host_setting) + '`');
        }
    }
    return out;
}

}  // namespace stoa
