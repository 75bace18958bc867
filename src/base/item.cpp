#include "base/item.hpp"

#include <algorithm>

namespace stoa {

bool operator==(const item& a, const item& b) {
    if (a.size() != b.size()) return false;
    for (const auto& entry : a) {
        const attribute* other = b.find(entry.name);
        if (!other || !(*other == entry.value)) return false;
    }
    return true;
}

item::item() = default;
item::item(const item&) = default;
item::item(item&&) noexcept = default;
item& item::operator=(const item&) = default;
item& item::operator=(item&&) noexcept = default;
item::~item() = default;

std::size_t item::size() const { return entries_.size(); }
const named_attribute* item::begin() const { return entries_.data(); }
const named_attribute* item::end() const { return entries_.data() + entries_.size(); }

const attribute* item::find(std::string_view name) const {
    for (const auto& entry : entries_)
        if (entry.name == name) return &entry.value;
    return nullptr;
}
attribute* item::find(std::string_view name) {
    return const_cast<attribute*>(std::as_const(*this).find(name));
}
void item::set(std::string_view name, attribute value) {
    if (attribute* old = find(name)) *old = std::move(value);
    else entries_.push_back({std::string(name), std::move(value)});
}
bool item::erase(std::string_view name) {
    return std::erase_if(entries_,
                         [&](const named_attribute& entry) { return entry.name == name; }) > 0;
}
std::int64_t item::integer(std::string_view name, std::int64_t otherwise) const {
    const attribute* found = find(name);
    const auto* n = found ? found->integer() : nullptr;
    return n ? *n : otherwise;
}
std::string_view item::text(std::string_view name, std::string_view otherwise) const {
    const attribute* found = find(name);
    const auto* t = found ? found->text() : nullptr;
    return t ? std::string_view(*t) : otherwise;
}

namespace {

attribute write(const type& of, const void* value) {
    switch (of.what) {
        case kind::boolean:
            return *static_cast<const bool*>(value);
        case kind::integer:
            return of.load(value);
        case kind::text:
            return *static_cast<const std::string*>(value);
        case kind::enumeration:
            return of.words[static_cast<std::size_t>(of.load(value))];
        case kind::money:
            return static_cast<const money*>(value)->minor;
        case kind::currency:
            return static_cast<const currency_code*>(value)->text();
        case kind::timestamp:
            return rfc3339(*static_cast<const timestamp*>(value));
        case kind::json:
            return static_cast<const json_text*>(value)->text;
        case kind::optional:
            return write(*of.element, of.at(unconst(value), 0));
        case kind::list: {
            attribute_list out;
            const auto n = of.count(value);
            out.reserve(n);
            for (std::size_t i = 0; i < n; ++i)
                out.push_back(write(*of.element, of.at(unconst(value), i)));
            return out;
        }
        case kind::record:
            return to_item(of, value);
    }
    return {};
}

class item_reader {
 public:
    explicit item_reader(problems& out) : out_(out) {}

    void record(const item& from, const type& of, void* to, currency_code amounts_in) {
        for (const auto& m : of.members) {
            const type& t = m.of->what == kind::optional ? *m.of->element : *m.of;
            if (t.what == kind::currency) (void)read_text(from.text(m.name), t, &amounts_in);
        }
        for (const auto& m : of.members) {
            const auto mark = path_.size();
            if (mark) path_ += '.';
            path_ += m.name;
            if (const attribute* found = from.find(m.name))
                read(*found, *m.of, m.in(to), amounts_in);
            else if (m.of->what != kind::optional) wrong("required");
            path_.resize(mark);
        }
    }

 private:
    void read(const attribute& from, const type& of, void* to, currency_code amounts_in) {
        const auto* n = from.integer();
        const auto* text = from.text();
        switch (of.what) {
            case kind::boolean:
                if (const auto* b = std::get_if<bool>(&from.value)) *static_cast<bool*>(to) = *b;
                else wrong("boolean");
                break;
            case kind::integer:
                if (n && *n >= of.lowest && *n <= of.highest) of.store(to, *n);
                else wrong("integer");
                break;
            case kind::money:
                if (n) *static_cast<money*>(to) = {*n, amounts_in};
                else wrong("amount");
                break;
            case kind::json:
                if (text) static_cast<json_text*>(to)->text = *text;
                else wrong("string");
                break;
            case kind::text:
            case kind::enumeration:
            case kind::currency:
            case kind::timestamp:
                if (!text || !read_text(*text, of, to)) wrong("format");
                break;
            case kind::optional:
                read(from, *of.element, of.append(to), amounts_in);
                break;
            case kind::list:
                list(from, of, to, amounts_in);
                break;
            case kind::record:
                if (const auto* map = std::get_if<item>(&from.value))
                    record(*map, of, to, amounts_in);
                else wrong("object");
                break;
        }
    }
    void list(const attribute& from, const type& of, void* to, currency_code amounts_in) {
        const auto* items = std::get_if<attribute_list>(&from.value);
        if (!items) return wrong("array");
        of.clear(to);
        for (std::size_t i = 0; i < items->size(); ++i) {
            const auto mark = path_.size();
            ((path_ += '[') += std::to_string(i)) += ']';
            read((*items)[i], *of.element, of.append(to), amounts_in);
            path_.resize(mark);
        }
    }
    void wrong(std::string_view code) { out_.push_back({path_, std::string(code), {}, {}}); }

    problems& out_;
    std::string path_;
};

}  // namespace

item to_item(const type& of, const void* value) {
    item out;
    for (const auto& m : of.members) {
        const void* field = m.in(unconst(value));
        if (m.of->what == kind::optional && m.of->count(field) == 0) continue;
        out.set(m.name, write(*m.of, field));
    }
    return out;
}

problems read_item(const item& from, const type& of, void* value, currency_code shop) {
    problems out;
    item_reader(out).record(from, of, value, shop);
    return out;
}

}  // namespace stoa
