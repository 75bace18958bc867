#include "adapters/dynamodb/dynamodb_expression.hpp"

#include "adapters/dynamodb/dynamodb_json.hpp"
#include "base/json.hpp"

#include <array>
#include <limits>

namespace stoa::dynamodb {
namespace {

std::string_view type_name(const attribute& of) {
    constexpr std::array<std::string_view, 6> names{"NULL", "BOOL", "N", "S", "L", "M"};
    return names[of.value.index()];
}

std::string_view sign_of(condition::op is) {
    switch (is) {
        case condition::op::less:
            return " < ";
        case condition::op::at_most:
            return " <= ";
        case condition::op::greater:
            return " > ";
        case condition::op::at_least:
            return " >= ";
        case condition::op::not_equal:
            return " <> ";
        default:
            return " = ";
    }
}

void join(std::string& out, std::string_view by, std::string_view part) {
    if (part.empty()) return;
    if (!out.empty()) out += by;
    out += part;
}

std::string text_of(expression& in, const condition& c) {
    const auto name = in.name(c.name);
    switch (c.is) {
        case condition::op::exists:
            return "attribute_exists(" + name + ')';
        case condition::op::absent:
            return "attribute_not_exists(" + name + ')';
        case condition::op::equal:
            return name + " = " + in.value(c.value);
        case condition::op::not_equal:
            return "(attribute_type(" + name + ',' + in.value(type_name(c.value)) + ") AND " +
                   name + " <> " + in.value(c.value) + ')';
        default:
            break;
    }
    // DynamoDB refuses to order what has no order; the port says no.
    if (!c.value.integer() && !c.value.text())
        return "(attribute_exists(" + name + ") AND attribute_not_exists(" + name + "))";
    return name + std::string(sign_of(c.is)) + in.value(c.value);
}

}  // namespace

std::string expression::name(std::string_view attribute_name) {
    auto found = names_.find(attribute_name);
    if (found == names_.end())
        found = names_.emplace(attribute_name, "#n" + std::to_string(names_.size())).first;
    return found->second;
}

std::string expression::value(const attribute& of) {
    auto out = ":v" + std::to_string(value_count_++);
    if (!values_.empty()) values_ += ',';
    values_ += '"' + out + "\":";
    append_attribute(values_, of);
    return out;
}

void expression::append_to(std::string& out) const {
    if (!names_.empty()) {
        out += R"(,"ExpressionAttributeNames":{)";
        for (bool first = true; const auto& [attribute_name, placeholder] : names_) {
            if (!std::exchange(first, false)) out += ',';
            out += '"' + placeholder + "\":";
            append_json_string(out, attribute_name);
        }
        out += '}';
    }
    if (!values_.empty()) out += R"(,"ExpressionAttributeValues":{)" + values_ + '}';
}

std::string condition_text(expression& in, const std::vector<condition>& conditions) {
    std::string out;
    for (const auto& each : conditions) join(out, " AND ", text_of(in, each));
    return out;
}

std::string update_text(expression& in, const std::vector<change>& changes) {
    std::string sets, adds, removes, out;
    for (const auto& each : changes) {
        const auto name = in.name(each.name);
        switch (each.is) {
            case change::op::set:
                join(sets, ", ", name + " = " + in.value(each.value));
                break;
            case change::op::add:
                join(adds, ", ", name + ' ' + in.value(each.value));
                break;
            case change::op::remove:
                join(removes, ", ", name);
                break;
        }
    }
    if (!sets.empty()) join(out, " ", "SET " + sets);
    if (!adds.empty()) join(out, " ", "ADD " + adds);
    if (!removes.empty()) join(out, " ", "REMOVE " + removes);
    return out;
}

std::string addition_guard(expression& in, const std::vector<change>& changes) {
    using limits = std::numeric_limits<std::int64_t>;
    std::string out;
    for (const auto& each : changes) {
        const auto* n = each.is == change::op::add ? each.value.integer() : nullptr;
        if (!n) continue;
        const auto low = *n < 0 ? limits::min() - *n : limits::min();
        const auto high = *n > 0 ? limits::max() - *n : limits::max();
        const auto name = in.name(each.name);
        join(out, " AND ",
             "(attribute_not_exists(" + name + ") OR " + name + " BETWEEN " + in.value(low) +
                 " AND " + in.value(high) + ')');
    }
    return out;
}

std::optional<std::string> key_condition_text(expression& in, const kv_query& of,
                                              std::string_view hash, std::string_view range) {
    using op = kv_query::op;
    auto out = in.name(hash) + " = " + in.value(of.hash);
    if (of.range == op::any) return out;
    const auto* from = of.from.text();
    const auto* to = of.range == op::between ? of.to.text() : nullptr;
    const auto compared = [&](std::string_view sign, const attribute& with) {
        return out + " AND " + in.name(range) + std::string(sign) + in.value(with);
    };
    // DynamoDB has no empty text in keys and refuses it in their conditions.
    const bool empty = from && from->empty();
    switch (of.range) {
        case op::any:
            break;
        case op::equal:
            if (empty) return {};
            return compared(" = ", of.from);
        case op::less:
            if (empty) return {};
            return compared(" < ", of.from);
        case op::at_most:
            if (empty) return {};
            return compared(" <= ", of.from);
        case op::greater:
            return empty ? out : compared(" > ", of.from);
        case op::at_least:
            return empty ? out : compared(" >= ", of.from);
        case op::begins_with:
            if (empty) return out;
            return out + " AND begins_with(" + in.name(range) + ',' + in.value(of.from) + ')';
        case op::between:
            if (from ? *to < *from : *of.to.integer() < *of.from.integer()) return {};
            if (to && to->empty()) return {};
            if (empty) return compared(" <= ", of.to);
            return compared(" BETWEEN ", of.from) + " AND " + in.value(of.to);
    }
    return out;
}

}  // namespace stoa::dynamodb
