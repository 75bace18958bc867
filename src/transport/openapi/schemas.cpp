#include "transport/openapi/schemas.hpp"

#include <algorithm>

namespace stoa::openapi {

const schemas::entry* schemas::find(const type& of, const member_names& left_out) const {
    for (const auto& each : entries_)
        if (each.of == &of && each.left_out == left_out) return &each;
    return nullptr;
}

void schemas::note(const type& of, std::string_view service, const member_names& left_out) {
    if (of.what == kind::optional || of.what == kind::list) return note(*of.element, service);
    if (of.what != kind::record && of.what != kind::enumeration) return;
    if (find(of, left_out)) return;
    entries_.push_back({&of, left_out, std::string(service), {}});
    for (const auto& m : of.members)
        if (!left_out.contains(m.name)) note(*m.of, service);
}

void schemas::settle_names() {
    const auto plain_name = [](const entry& one) {
        return std::string(one.of->name) + (one.left_out.empty() ? "" : "_body");
    };
    std::map<std::string, int> wanted;
    for (const auto& each : entries_) ++wanted[plain_name(each)];
    std::set<std::string> taken;
    for (auto& each : entries_) {
        auto name = plain_name(each);
        if (wanted[name] > 1) name = each.service + '_' + name;
        // Two namespaces of one service, or two operations that leave out different members.
        const auto base = name;
        for (int n = 2; !taken.insert(name).second; ++n) name = base + '_' + std::to_string(n);
        each.name = std::move(name);
    }
    std::ranges::sort(entries_, {}, &entry::name);
}

void schemas::write_use(pretty_json& out, const type& of, const member_names& left_out) const {
    out.begin_object();
    if (const auto* known = find(of, left_out))
        out.member("$ref", "#/components/schemas/" + known->name);
    else write_inside(out, of);
    out.end_object();
}

void schemas::write_inside(pretty_json& out, const type& of) const {
    switch (of.what) {
        case kind::boolean:
            out.member("type", "boolean");
            break;
        case kind::integer:
            out.member("type", "integer");
            out.member("format",
                       of.lowest < INT32_MIN || of.highest > INT32_MAX ? "int64" : "int32");
            break;
        case kind::text:
            out.member("type", "string");
            break;
        case kind::money:
            out.member("type", "number");
            out.member("format", "decimal");
            break;
        case kind::currency:
            out.member("type", "string");
            out.member("format", "iso-4217");
            out.member("pattern", "^[A-Z]{3}$");
            break;
        case kind::timestamp:
            out.member("type", "string");
            out.member("format", "date-time");
            break;
        case kind::json:
            break;  // anything
        case kind::optional:
            write_inside(out, *of.element);
            break;
        case kind::list:
            out.member("type", "array");
            out.name("items");
            write_use(out, *of.element);
            break;
        case kind::record:
        case kind::enumeration:
            if (const auto* known = find(of, {}))
                out.member("$ref", "#/components/schemas/" + known->name);
            break;
    }
}

void schemas::write_rules(pretty_json& out, const type& record, const member& m,
                          const type& of) const {
    std::string said;
    const auto say = [&](const std::string& text) { said += (said.empty() ? "" : " ") + text; };
    if (of.what == kind::money)
        say("A decimal with no more digits than the currency has, in the currency of the nearest "
            "`currency`.");
    if (of.what == kind::json) say("Any JSON value; it is kept as it is.");
    std::vector<std::string_view> aliases;
    for (const auto& r : record.rules) {
        if (r.means == rule::what::alias && r.target == m.name) aliases.push_back(r.member);
        if (r.member != m.name) continue;
        if (r.means == rule::what::format) {
            if (r.format == rule::text_format::email) out.member("format", "email");
            if (r.format == rule::text_format::uuid) out.member("format", "uuid");
        }
        if (r.means != rule::what::range) continue;
        const bool below = r.lowest != std::numeric_limits<std::int64_t>::min();
        const bool above = r.highest != std::numeric_limits<std::int64_t>::max();
        if (of.what == kind::integer) {
            if (below) out.member("minimum", r.lowest);
            if (above) out.member("maximum", r.highest);
        } else if (of.what == kind::text) {
            // The rule counts bytes of UTF-8, the schema characters of up to four.
            if (below && r.lowest > 0) out.member("minLength", (r.lowest + 3) / 4);
            if (above) out.member("maxLength", r.highest);
            if (above) say("At most " + std::to_string(r.highest) + " bytes of UTF-8.");
        } else if (of.what == kind::list) {
            if (below) out.member("minItems", r.lowest);
            if (above) out.member("maxItems", r.highest);
        } else if (of.what == kind::money) {
            // Minor units are fractions of another size in each currency: only the sign is the same
            // for all.
            if (below && r.lowest > 0) out.member("exclusiveMinimum", 0);
            else if (below && r.lowest == 0) out.member("minimum", 0);
            if (above) say("At most " + std::to_string(r.highest) + " minor units.");
        } else if (of.what == kind::json && above) {
            say("At most " + std::to_string(r.highest) + " bytes of JSON.");
        }
    }
    for (const auto name : aliases) say("Also read from `" + std::string(name) + "`.");
    if (!said.empty()) out.member("description", said);
    if (aliases.empty()) return;
    out.name("x-alias").begin_list();
    for (const auto name : aliases) out.value(name);
    out.end_list();
}

void schemas::write_member(pretty_json& out, const type& record, const member& m) const {
    out.begin_object();
    write_inside(out, *m.of);
    write_rules(out, record, m, plain(*m.of));
    out.end_object();
}

void schemas::write_record(pretty_json& out, const entry& one) const {
    const type& of = *one.of;
    out.member("type", "object");
    std::vector<std::string_view> required, server_owned;
    out.name("properties").begin_object();
    for (const auto& m : of.members) {
        if (one.left_out.contains(m.name)) continue;
        out.name(m.name);
        write_member(out, of, m);
        const bool aliased = std::ranges::any_of(of.rules, [&](const rule& r) {
            return r.means == rule::what::alias && r.target == m.name;
        });
        // A member that may come under another name cannot be required by its first.
        if (m.of->what != kind::optional && !aliased) required.push_back(m.name);
    }
    out.end_object();
    if (!required.empty()) {
        out.name("required").begin_list();
        for (const auto name : required) out.value(name);
        out.end_list();
    }
    for (const auto& r : of.rules)
        if (r.means == rule::what::refused) server_owned.push_back(r.member);
    if (server_owned.empty()) return;
    out.member("description",
               "The shop sets the members of `x-server-owned` itself; sending one is an error.");
    out.name("x-server-owned").begin_list();
    for (const auto name : server_owned) out.value(name);
    out.end_list();
}

void schemas::write_components(pretty_json& out) const {
    for (const auto& each : entries_) {
        out.name(each.name).begin_object();
        if (each.of->what == kind::enumeration) {
            out.member("type", "string");
            out.name("enum").begin_list();
            for (const auto word : each.of->words) out.value(word);
            out.end_list();
        } else {
            write_record(out, each);
        }
        out.end_object();
    }
}

}  // namespace stoa::openapi
