// A key-value item: named attributes of the types that DynamoDB has and we need. Numbers are whole
// int64.
#pragma once

#include "base/described.hpp"

#include <variant>

namespace stoa {

struct attribute;
struct named_attribute;
using attribute_list = std::vector<attribute>;
// Small and flat, in insertion order; names are unique. Lookup is linear: items have few
// attributes.
class item {
 public:
    item();
    item(const item&);
    item(item&&) noexcept;
    item& operator=(const item&);
    item& operator=(item&&) noexcept;
    ~item();

    const attribute* find(std::string_view name) const;
    attribute* find(std::string_view name);
    void set(std::string_view name, attribute value);  // replaces
    bool erase(std::string_view name);
    bool empty() const { return size() == 0; }
    std::size_t size() const;
    const named_attribute* begin() const;
    const named_attribute* end() const;

    // Typed reading; the default where the attribute is absent or of another type.
    std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
    std::string_view text(std::string_view name, std::string_view otherwise = {}) const;

    friend bool operator==(const item&, const item&);  // order of attributes does not matter

 private:
    std::vector<named_attribute> entries_;
};

struct attribute {
    std::variant<std::monostate, bool, std::int64_t, std::string, attribute_list, item> value;

    attribute() = default;
    attribute(bool b) : value(b) {}
    attribute(std::int64_t n) : value(n) {}
    attribute(int n) : value(std::int64_t{n}) {}
    attribute(std::string text) : value(std::move(text)) {}
    attribute(std::string_view text) : value(std::string(text)) {}
    attribute(const char* text) : value(std::string(text)) {}
    attribute(attribute_list list) : value(std::move(list)) {}
    attribute(item map) : value(std::move(map)) {}

    const std::string* text() const { return std::get_if<std::string>(&value); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
    friend bool operator==(const attribute&, const attribute&) = default;
};
struct named_attribute {
    std::string name;
    attribute value;
};

// A described record as an item: optional = absent, enums by name, times as sortable text, money in
// minor units (its currency is the record's, or an enclosing record's, `currency` member), records
// as maps.
item to_item(const type& of, const void* value);
template <class T>
item to_item(const T& value) {
    return to_item(type_of<T>, &value);
}
// The reverse. Attributes without a member are ignored (a newer version wrote them). Problems name
// what is missing or ill-typed: such an item was not written by this schema.
problems read_item(const item& from, const type& of, void* value, currency_code shop = {});
template <class T>
result<T> from_item(const item& from, currency_code shop = {}) {
    T value{};
    auto found = read_item(from, type_of<T>, &value, shop);
    if (!found.empty())
        return fail(errc::internal, "stored_item_ill_formed",
                    found.front().where + ": " + found.front().code);
    return value;
}

}  // namespace stoa
