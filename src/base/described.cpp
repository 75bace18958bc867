#include "base/described.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <charconv>

namespace stoa {
namespace {

bool looks_like_email(std::string_view text) {
    const auto at = text.find('@');
    if (at == 0 || at == std::string_view::npos || text.size() > 254) return false;
    const auto domain = text.substr(at + 1);
    const bool dotted = domain.find('.') != std::string_view::npos && !domain.starts_with('.') &&
                        !domain.ends_with('.') && domain.find("..") == std::string_view::npos;
    return dotted && domain.find('@') == std::string_view::npos &&
           std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '<' || c == '>' ||
                      c == ',' || c == ';' || c == 0x7f;
           });
}

std::optional<std::int64_t> read_integer(std::string_view text) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return n;
}

class rule_checker {
 public:
    explicit rule_checker(problems& out) : out_(out) {}

    void record(const type& of, const void* value) {
        for (const auto& m : of.members) {
            const auto mark = path_.size();
            if (mark) path_ += '.';
            path_ += m.name;
            member_value(of, m, m.of, m.in(unconst(value)));
            path_.resize(mark);
        }
    }

 private:
    void member_value(const type& of, const member& m, const type* t, const void* value) {
        if (t->what == kind::optional) {
            if (t->count(value) == 0) return;
            value = t->at(unconst(value), 0);
            t = t->element;
        }
        for (const auto& r : of.rules)
            if (r.member == m.name) check(r, *t, value);
        if (t->what == kind::record) record(*t, value);
        if (t->what == kind::list && t->element->what == kind::record) {
            for (std::size_t i = 0, n = t->count(value); i < n; ++i) {
                const auto mark = path_.size();
                ((path_ += '[') += std::to_string(i)) += ']';
                record(*t->element, t->at(unconst(value), i));
                path_.resize(mark);
            }
        }
    }
    void check(const rule& r, const type& t, const void* value) {
        if (r.means == rule::what::range) return check_range(r, t, value);
        if (r.means != rule::what::format) return;
        const auto& text = *static_cast<const std::string*>(value);
        if (r.format == rule::text_format::email && !looks_like_email(text)) wrong("email");
        if (r.format == rule::text_format::uuid && !is_uuid(text)) wrong("uuid");
    }
    void check_range(const rule& r, const type& t, const void* value) {
        std::int64_t size = 0;
        if (t.what == kind::integer) size = t.load(value);
        else if (t.what == kind::money) size = static_cast<const money*>(value)->minor;
        else if (t.what == kind::text) size = std::ssize(*static_cast<const std::string*>(value));
        else if (t.what == kind::json)
            size = std::ssize(static_cast<const json_text*>(value)->text);
        else if (t.what == kind::list) size = static_cast<std::int64_t>(t.count(value));
        if (size >= r.lowest && size <= r.highest) return;
        const bool sized = t.what == kind::text || t.what == kind::list || t.what == kind::json;
        const bool low = size < r.lowest;
        wrong(sized ? (low ? "too_short" : "too_long") : "out_of_range",
              (low ? "at least " + std::to_string(r.lowest)
                   : "at most " + std::to_string(r.highest)) +
                  (t.what == kind::text || t.what == kind::json ? " bytes"
                   : t.what == kind::list                       ? " elements"
                   : t.what == kind::money                      ? " minor units"
                                                                : ""));
    }
    void wrong(std::string_view code, std::string detail = {}) {
        if (detail.empty()) detail = explain(code);
        out_.push_back({path_, std::string(code), std::move(detail), {}});
    }

    problems& out_;
    std::string path_;
};

}  // namespace

bool read_text(std::string_view text, const type& of, void* value, currency_code amounts_in) {
    switch (of.what) {
        case kind::text:
            static_cast<std::string*>(value)->assign(text);
            return true;
        case kind::boolean:
            *static_cast<bool*>(value) = text == "true" || text == "1";
            return text == "true" || text == "false" || text == "1" || text == "0";
        case kind::integer: {
            const auto n = read_integer(text);
            if (!n || *n < of.lowest || *n > of.highest) return false;
            of.store(value, *n);
            return true;
        }
        case kind::enumeration: {
            const auto found = std::ranges::find(of.words, text);
            if (found == of.words.end()) return false;
            of.store(value, found - of.words.begin());
            return true;
        }
        case kind::currency: {
            const auto code = read_currency(text);
            if (code) *static_cast<currency_code*>(value) = *code;
            return code.has_value();
        }
        case kind::money: {
            const auto minor = read_minor(text, amounts_in);
            if (minor) *static_cast<money*>(value) = {*minor, amounts_in};
            return minor.has_value();
        }
        case kind::timestamp: {
            const auto at = read_rfc3339(text);
            if (at) *static_cast<timestamp*>(value) = *at;
            return at.has_value();
        }
        case kind::optional:
            return read_text(text, *of.element, of.append(value), amounts_in);
        case kind::json:
        case kind::list:
        case kind::record:
            return false;
    }
    return false;
}

void check_rules(problems& out, const type& of, const void* value) {
    rule_checker(out).record(of, value);
}

std::string_view explain(std::string_view code) {
    struct entry {
        std::string_view code, text;
    };
    static constexpr entry entries[] = {
        {"required", "this member is missing"},
        {"repeated", "this member stands more than once"},
        {"not_settable", "only the shop sets this; leave it out"},
        {"boolean", "must be true or false"},
        {"integer", "must be a whole number"},
        {"string", "must be a string"},
        {"array", "must be an array"},
        {"object", "must be an object"},
        {"amount", "must be a decimal number with no more digits than its currency has"},
        {"currency", "must be a three-letter ISO 4217 code"},
        {"timestamp", "must be an RFC 3339 date-time"},
        {"not_one_of", "is not one of the known words"},
        {"out_of_range", "is outside the allowed range"},
        {"email", "must be an e-mail address"},
        {"uuid", "must be an id as this shop gives them"},
        {"unknown_parameter", "is not a parameter of this operation"},
        {"format", "is ill-formed"},
    };
    const auto found = std::ranges::find(entries, code, &entry::code);
    return found == std::end(entries) ? std::string_view{} : found->text;
}

error invalid_request(problems found) {
    error out{.kind = errc::invalid, .code = "validation_failed"};
    for (auto& p : found)
        if (p.detail.empty()) p.detail = explain(p.code);
    if (!found.empty()) {
        out.detail = found.front().where + ": " + found.front().detail;
        if (found.size() > 1) out.detail += " (and " + std::to_string(found.size() - 1) + " more)";
    }
    out.errors = std::move(found);
    return out;
}

}  // namespace stoa
