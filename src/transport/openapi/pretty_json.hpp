// JSON text made in order, indented by two, so that a checked-in document reads and diffs well.
#pragma once

#include "base/json.hpp"

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace stoa::openapi {

// begin/end must pair; a name comes before each value of an object. Nothing is checked: tests parse
// the result.
class pretty_json {
 public:
    pretty_json& name(std::string_view text) {
        next();
        append_json_string(out_, text);
        out_ += ": ";
        named_ = true;
        return *this;
    }
    pretty_json& begin_object() { return begin('{'); }
    pretty_json& begin_list() { return begin('['); }
    pretty_json& end_object() { return end('}'); }
    pretty_json& end_list() { return end(']'); }

    pretty_json& value(std::string_view text) {
        next();
        append_json_string(out_, text);
        return *this;
    }
    pretty_json& value(const char* text) { return value(std::string_view(text)); }
    pretty_json& value(std::integral auto number) {
        next();
        if constexpr (std::same_as<decltype(number), bool>) out_ += number ? "true" : "false";
        else out_ += std::to_string(number);
        return *this;
    }
    template <class Value>
    pretty_json& member(std::string_view of, const Value& is) {
        return name(of).value(is);
    }

    std::string take() {
        out_ += '\n';
        return std::move(out_);
    }

 private:
    void next() {
        if (std::exchange(named_, false)) return;
        if (depth_ == 0) return;
        if (!std::exchange(first_, false)) out_ += ',';
        line();
    }
    void line() { (out_ += '\n').append(static_cast<std::size_t>(depth_) * 2, ' '); }
    pretty_json& begin(char bracket) {
        next();
        out_ += bracket;
        ++depth_;
        first_ = true;
        return *this;
    }
    pretty_json& end(char bracket) {
        --depth_;
        if (!std::exchange(first_, false)) line();
        out_ += bracket;
        return *this;
    }

    std::string out_;
    int depth_ = 0;
    bool first_ = true;
    bool named_ = false;
};

}  // namespace stoa::openapi
