#include "base/json.hpp"

#include "base/json_check.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace stoa {
namespace {

template <class N>
void append_number(std::string& out, N n) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, n).ptr);
}

// snake_case to camelCase, for the topics whose documented payloads are written so.
void append_name(std::string& out, std::string_view name, naming names) {
    if (names == naming::snake) {
        out += name;
        return;
    }
    bool raise = false;
    for (const char c : name) {
        if (c == '_') raise = true;
        else
            out +=
                std::exchange(raise, false) && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
}

class json_writer {
 public:
    json_writer(std::string& out, naming names) : out_(out), names_(names) {}

    void write(const type& of, const void* value) {
        switch (of.what) {
            case kind::boolean:
                out_ += *static_cast<const bool*>(value) ? "true" : "false";
                break;
            case kind::integer:
                append_number(out_, of.load(value));
                break;
            case kind::text:
                append_json_string(out_, *static_cast<const std::string*>(value));
                break;
            case kind::enumeration:
                quoted(of.words[static_cast<std::size_t>(of.load(value))]);
                break;
            case kind::money:
                append_money(out_, *static_cast<const money*>(value));
                break;
            case kind::currency:
                quoted(static_cast<const currency_code*>(value)->text());
                break;
            case kind::timestamp:
                out_ += '"';
                append_rfc3339(out_, *static_cast<const timestamp*>(value));
                out_ += '"';
                break;
            case kind::json:
                out_ += static_cast<const json_text*>(value)->text;
                break;
            case kind::optional:
                if (of.count(value)) write(*of.element, of.at(unconst(value), 0));
                else out_ += "null";
                break;
            case kind::list:
                list(of, value);
                break;
            case kind::record:
                record(of, value);
                break;
        }
    }

 private:
    void quoted(std::string_view plain) { ((out_ += '"') += plain) += '"'; }
    void list(const type& of, const void* value) {
        out_ += '[';
        for (std::size_t i = 0, n = of.count(value); i < n; ++i) {
            if (i) out_ += ',';
            write(*of.element, of.at(unconst(value), i));
        }
        out_ += ']';
    }
    void record(const type& of, const void* value) {
        out_ += '{';
        bool first = true;
        for (const auto& m : of.members) {
            const void* field = m.in(unconst(value));
            if (m.of->what == kind::optional && m.of->count(field) == 0) continue;
            if (!std::exchange(first, false)) out_ += ',';
            out_ += '"';
            append_name(out_, m.name, names_);
            out_ += "\":";
            write(*m.of, field);
        }
        out_ += '}';
    }

    std::string& out_;
    naming names_;
};

namespace od = simdjson::ondemand;

class json_reader {
 public:
    json_reader(problems& out, naming names) : out_(out), names_(names) {}

    template <class Value>
    void read(Value&& json, const type& of, void* to, currency_code amounts_in) {
        switch (of.what) {
            case kind::boolean:
                if (bool b = false; !json.get_bool().get(b)) *static_cast<bool*>(to) = b;
                else wrong("boolean");
                break;
            case kind::integer:
                integer(json, of, to);
                break;
            case kind::money:
                amount(json, to, amounts_in);
                break;
            case kind::text:
            case kind::enumeration:
            case kind::currency:
            case kind::timestamp:
                word(json, of, to);
                break;
            case kind::json:
                raw(json, to);
                break;
            case kind::optional:
                of.clear(to);
                if (!json.is_null()) read(json, *of.element, of.append(to), amounts_in);
                break;
            case kind::list:
                list(json, of, to, amounts_in);
                break;
            case kind::record:
                record(json, of, to, amounts_in);
                break;
        }
    }

 private:
    template <class Value>
    void integer(Value& json, const type& of, void* to) {
        std::int64_t n = 0;
        if (json.get_int64().get(n)) {
            // A whole number that does not fit is told apart from what is no whole number at all.
            std::uint64_t large = 0;
            wrong(json.get_uint64().get(large) == simdjson::SUCCESS ? "out_of_range" : "integer");
        } else if (n < of.lowest || n > of.highest) {
            wrong("out_of_range");
        } else {
            of.store(to, n);
        }
    }
    template <class Value>
    void amount(Value& json, void* to, currency_code amounts_in) {
        std::string_view token = json.raw_json_token();
        token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
        double checked = 0;  // simdjson checks the number's grammar; the value itself is not used
        if (json.get_double().get(checked)) return wrong("amount");
        const auto minor = read_minor(token, amounts_in);
        if (!minor) return wrong("amount");
        *static_cast<money*>(to) = {*minor, amounts_in};
    }
    template <class Value>
    void word(Value& json, const type& of, void* to) {
        std::string_view text;
        if (json.get_string().get(text)) return wrong("string");
        if (read_text(text, of, to)) return;
        wrong(of.what == kind::enumeration ? "not_one_of"
              : of.what == kind::currency  ? "currency"
                                           : "timestamp");
    }
    template <class Value>
    void raw(Value& json, void* to) {
        std::string_view text;
        od::json_type shape{};
        if (json.type().get(shape)) return wrong("syntax");
        if (shape == od::json_type::object) {
            od::object object;
            if (json.get_object().get(object) || object.raw_json().get(text))
                return wrong("syntax");
        } else if (shape == od::json_type::array) {
            od::array array;
            if (json.get_array().get(array) || array.raw_json().get(text)) return wrong("syntax");
        } else {
            text = json.raw_json_token();
        }
        static_cast<json_text*>(to)->text.assign(
            text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
    }
    template <class Value>
    void list(Value& json, const type& of, void* to, currency_code amounts_in) {
        od::array items;
        if (json.get_array().get(items)) return wrong("array");
        of.clear(to);
        std::size_t i = 0;
        for (auto item : items) {
            const auto mark = path_.size();
            ((path_ += '[') += std::to_string(i++)) += ']';
            od::value each;
            if (item.get(each)) return wrong("syntax");
            read(each, *of.element, of.append(to), amounts_in);
            path_.resize(mark);
        }
    }
    template <class Value>
    void record(Value& json, const type& of, void* to, currency_code amounts_in) {
        od::object object;
        if (const auto error = json.get_object().get(object))
            return wrong(error == simdjson::INCORRECT_TYPE ? "object" : "syntax");
        if (!own_currency(object, of, amounts_in)) return wrong("syntax");
        std::uint64_t seen = 0;
        for (auto field : object) {
            std::string_view name;
            if (field.unescaped_key().get(name)) return wrong("syntax");
            const member* m = find(of, name);
            const auto mark = enter(name);
            if (m) {
                const auto bit = std::uint64_t{1} << (m - of.members.data());
                if (seen & bit) wrong("repeated");
                seen |= bit;
                od::value value;
                if (field.value().get(value)) return wrong("syntax");
                read(value, *m->of, m->in(to), amounts_in);
            } else if (refuses(of, name)) {
                wrong("not_settable");
            }
            path_.resize(mark);
        }
        for (const auto& m : of.members) {
            if ((seen >> (&m - of.members.data()) & 1) || m.of->what == kind::optional) continue;
            const auto mark = enter(m.name);
            wrong("required");
            path_.resize(mark);
        }
    }
    // Amounts are read in the record's own currency, wherever in the record that stands.
    static bool own_currency(od::object& object, const type& of, currency_code& amounts_in) {
        for (const auto& m : of.members) {
            const bool optional = m.of->what == kind::optional;
            const type& t = optional ? *m.of->element : *m.of;
            if (t.what != kind::currency) continue;
            std::string_view text;
            if (!object.find_field_unordered(m.name).get_string().get(text))
                (void)read_text(text, t,
                                &amounts_in);  // an ill-formed code is reported where it stands
            bool ignored = false;
            if (object.reset().get(ignored)) return false;
        }
        return true;
    }
    const member* find(const type& of, std::string_view name) const {
        if (names_ == naming::snake) {
            if (const member* m = of.find(name)) return m;
        } else {
            for (const auto& m : of.members) {
                std::string camel;
                append_name(camel, m.name, naming::camel);
                if (camel == name) return &m;
            }
        }
        for (const auto& r : of.rules)
            if (r.means == rule::what::alias && r.member == name) return of.find(r.target);
        return nullptr;
    }
    static bool refuses(const type& of, std::string_view name) {
        return std::ranges::any_of(of.rules, [&](const rule& r) {
            return r.means == rule::what::refused && r.member == name;
        });
    }
    std::size_t enter(std::string_view name) {
        const auto mark = path_.size();
        if (mark) path_ += '.';
        path_ += name;
        return mark;
    }
    void wrong(std::string_view code) {
        out_.push_back({path_, std::string(code), std::string(explain(code)), {}});
    }

    problems& out_;
    naming names_;
    std::string path_;
};

problems syntax(std::string_view detail) { return {{"", "syntax", std::string(detail), {}}}; }

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t clean = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text, clean, i - clean);
        clean = i + 1;
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                ((out += "\\u00") += "0123456789abcdef"[c >> 4]) += "0123456789abcdef"[c & 15];
        }
    }
    out.append(text, clean);
    out += '"';
}

void write_json(std::string& out, const type& of, const void* value, naming names) {
    json_writer(out, names).write(of, value);
}

problems read_json(std::string_view body, const type& of, void* value, currency_code shop,
                   naming names) {
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return syntax("the body is empty");
    if (const auto fault = find_json_fault(body))
        return syntax(std::string(fault->why) + " (at byte " + std::to_string(fault->at) + ')');
    // One parser and one padded buffer a thread; a body that needed much gives its memory back.
    static thread_local od::parser parser;
    static thread_local std::string padded;
    constexpr std::size_t keep_bytes = 256 * 1024;
    padded.assign(body);
    padded.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    const simdjson::padded_string_view view(padded.data(), padded.size(), padded.capacity());
    problems found;
    {
        od::document document;
        if (const auto error = parser.iterate(view).get(document))
            return syntax(simdjson::error_message(error));
        json_reader reader(found, names);
        reader.read(document, of, value, shop);
        // After a syntax error the other findings are guesswork.
        if (std::ranges::find(found, "syntax", &problem::code) != found.end())
            return syntax("the body is not well-formed JSON");
    }
    if (padded.capacity() > keep_bytes) padded = {};
    return found;
}

}  // namespace stoa
