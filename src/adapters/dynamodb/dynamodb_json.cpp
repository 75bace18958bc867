#include "adapters/dynamodb/dynamodb_json.hpp"

#include "base/json.hpp"

#include <charconv>

namespace stoa::dynamodb {
namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

result<void> check_text(std::string_view text) {
    if (simdjson::validate_utf8(text.data(), text.size())) return {};
    return fail(errc::invalid, "text_not_utf8", "DynamoDB keeps text in UTF-8 only");
}

result<void> check_at(const attribute& value, int depth);

result<void> check_at(const item& value, int depth) {
    for (const auto& each : value) {
        STOA_TRY_VOID(check_text(each.name));
        STOA_TRY_VOID(check_at(each.value, depth));
    }
    return {};
}

result<void> check_at(const attribute& value, int depth) {
    if (const auto* text = value.text()) return check_text(*text);
    const auto* list = std::get_if<attribute_list>(&value.value);
    const auto* map = std::get_if<item>(&value.value);
    if ((list || map) && depth >= deepest)
        return fail(errc::invalid, "item_too_deep", "DynamoDB nests 32 levels at most");
    if (map) return check_at(*map, depth + 1);
    if (list)
        for (const auto& each : *list) STOA_TRY_VOID(check_at(each, depth + 1));
    return {};
}

std::size_t size_of(const attribute& value) {
    const auto number = [](std::int64_t n) -> std::size_t {
        std::size_t digits = 1;
        for (auto rest = n / 10; rest != 0; rest /= 10) ++digits;
        return digits / 2 + 2;
    };
    return std::visit(overloaded{[](std::monostate) { return std::size_t{1}; },
                                 [](bool) { return std::size_t{1}; }, number,
                                 [](const std::string& text) { return text.size(); },
                                 [](const attribute_list& list) {
                                     std::size_t out = 3;
                                     for (const auto& each : list) out += 1 + size_of(each);
                                     return out;
                                 },
                                 [](const item& map) { return 3 + map.size() + size_bytes(map); }},
                      value.value);
}

auto ill_formed(std::string_view why) {
    return fail(errc::internal, "stored_item_ill_formed", std::string(why));
}

}  // namespace

void append_attribute(std::string& out, const attribute& value) {
    std::visit(overloaded{[&](std::monostate) { out += R"({"NULL":true})"; },
                          [&](bool b) { out += b ? R"({"BOOL":true})" : R"({"BOOL":false})"; },
                          [&](std::int64_t n) { out += R"({"N":")" + std::to_string(n) + R"("})"; },
                          [&](const std::string& text) {
                              out += R"({"S":)";
                              append_json_string(out, text);
                              out += '}';
                          },
                          [&](const attribute_list& list) {
                              out += R"({"L":[)";
                              for (bool first = true; const auto& each : list) {
                                  if (!std::exchange(first, false)) out += ',';
                                  append_attribute(out, each);
                              }
                              out += "]}";
                          },
                          [&](const item& map) {
                              out += R"({"M":)";
                              append_item(out, map);
                              out += '}';
                          }},
               value.value);
}

void append_item(std::string& out, const item& from) {
    out += '{';
    for (bool first = true; const auto& each : from) {
        if (!std::exchange(first, false)) out += ',';
        append_json_string(out, each.name);
        out += ':';
        append_attribute(out, each.value);
    }
    out += '}';
}

result<void> check_writable(const attribute& value) { return check_at(value, 0); }
result<void> check_writable(const item& value) { return check_at(value, 0); }

std::size_t size_bytes(const item& of) {
    std::size_t out = 0;
    for (const auto& each : of) out += each.name.size() + size_of(each.value);
    return out;
}

result<attribute> read_attribute(simdjson::dom::element from) {
    simdjson::dom::object holder;
    if (from.get(holder) || holder.size() != 1) return ill_formed("an attribute has no one type");
    const auto [kind, value] = *holder.begin();
    std::string_view text;
    bool flag = false;
    simdjson::dom::array list;
    simdjson::dom::object map;
    if (kind == "S" && !value.get(text)) return attribute(text);
    if (kind == "NULL") return attribute();
    if (kind == "BOOL" && !value.get(flag)) return attribute(flag);
    if (kind == "N" && !value.get(text)) {
        std::int64_t n = 0;
        const auto* end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, n);
        if (read.ec != std::errc() || read.ptr != end)
            return ill_formed("the number " + std::string(text) + " does not fit 64 bits");
        return attribute(n);
    }
    if (kind == "L" && !value.get(list)) {
        attribute_list out;
        for (const auto each : list) {
            STOA_TRY(auto element, read_attribute(each));
            out.push_back(std::move(element));
        }
        return attribute(std::move(out));
    }
    if (kind == "M" && !value.get(map)) {
        STOA_TRY(auto out, read_item(map));
        return attribute(std::move(out));
    }
    return ill_formed("an attribute is of the kind " + std::string(kind));
}

result<item> read_item(simdjson::dom::object from) {
    item out;
    for (const auto [name, value] : from) {
        STOA_TRY(auto read, read_attribute(value));
        out.set(name, std::move(read));
    }
    return out;
}

}  // namespace stoa::dynamodb
