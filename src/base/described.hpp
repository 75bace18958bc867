// One definition of a noun. A struct that BOOST_DESCRIBE_STRUCT describes becomes one constant
// table, `type_of<T>`; every codec (JSON, key-value items, SQL rows, OpenAPI, protobuf) is ordinary
// code over that table, compiled once. A new struct adds data, not instantiations (docs/adr/0002).
#pragma once

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <boost/describe.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stoa {

// A JSON value kept as its text: open members such as an event's metadata.
struct json_text {
    std::string text = "null";
    friend bool operator==(const json_text&, const json_text&) = default;
};

enum class kind : std::uint8_t {
    boolean,
    integer,
    text,
    enumeration,
    money,
    currency,
    timestamp,
    json,
    optional,
    list,
    record,
};

// What the type cannot say about a member. Stands in `rules_of<T>` beside the struct and holds for
// every codec that reads from outside (JSON bodies, path and query parameters, CSV rows).
struct rule {
    enum class what : std::uint8_t {
        range,    // integer or money in minor units: lowest..highest; text: bytes; list: elements
        refused,  // a name that only the server may set; sending it is an error, not silently
                  // ignored
        alias,    // a second input name of `target`
        format,   // text: an e-mail address or a UUID
    };
    enum class text_format : std::uint8_t { any, email, uuid };

    std::string_view member;
    what means = what::range;
    std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    std::int64_t highest = std::numeric_limits<std::int64_t>::max();
    std::string_view target{};
    text_format format = text_format::any;
};
consteval rule range(std::string_view member, std::int64_t lowest, std::int64_t highest) {
    return {.member = member, .lowest = lowest, .highest = highest};
}
consteval rule refused(std::string_view name) {
    return {.member = name, .means = rule::what::refused};
}
consteval rule alias(std::string_view name, std::string_view target) {
    return {.member = name, .means = rule::what::alias, .target = target};
}
consteval rule email(std::string_view member) {
    return {.member = member, .means = rule::what::format, .format = rule::text_format::email};
}
consteval rule uuid(std::string_view member) {
    return {.member = member, .means = rule::what::format, .format = rule::text_format::uuid};
}

// Specialise beside the struct: template <> inline constexpr auto rules_of<line> =
// std::to_array<rule>({…});
template <class T>
inline constexpr std::array<rule, 0> rules_of{};

struct type;

struct member {
    std::string_view name;
    void* (*in)(
        void* record);  // a pointer to member has no portable offset in a constant expression
    const type* of;
};

struct type {
    kind what;
    std::string_view name{};                       // record, enumeration
    std::span<const member> members{};             // record
    std::span<const rule> rules{};                 // record
    std::span<const std::string_view> words{};     // enumeration: the name of value i
    const type* element = nullptr;                 // optional, list
    std::int64_t (*load)(const void*) = nullptr;   // integer, enumeration
    void (*store)(void*, std::int64_t) = nullptr;  // integer, enumeration
    std::int64_t lowest = 0, highest = 0;          // integer
    std::size_t (*count)(const void*) = nullptr;   // optional (0 or 1), list
    void* (*at)(void*, std::size_t) = nullptr;     // optional, list
    void* (*append)(void*) = nullptr;              // optional: engage; list: one more
    void (*clear)(void*) = nullptr;                // optional, list
    void* (*make)() = nullptr;                     // record
    void (*destroy)(void*) = nullptr;              // record

    const member* find(std::string_view member_name) const {
        for (const auto& m : members)
            if (m.name == member_name) return &m;
        return nullptr;
    }
};

template <class T>
constexpr type make_type();
template <class T>
inline constexpr type type_of = make_type<T>();

namespace detail {

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;
template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;

// An unqualified type name cut out of the compiler's own spelling; C++ has no other way before
// reflection.
template <class T>
consteval std::string_view name_of() {
    std::string_view text = __PRETTY_FUNCTION__;
    text = text.substr(text.find("T = ") + 4);
    text.remove_suffix(1);
    return text.substr(text.rfind(':') + 1);
}

template <class Pointer>
struct member_of;
template <class C, class M>
struct member_of<M C::*> {
    using value = M;
};

template <class T, class D>
constexpr member make_member() {
    using value = typename member_of<std::remove_cv_t<decltype(D::pointer)>>::value;
    return {D::name, [](void* r) -> void* { return &(static_cast<T*>(r)->*D::pointer); },
            &type_of<value>};
}

template <class T, class List>
struct table;
template <class T, template <class...> class L, class... D>
struct table<T, L<D...>> {
    static constexpr std::array<member, sizeof...(D)> members() { return {make_member<T, D>()...}; }
    static constexpr std::array<std::string_view, sizeof...(D)> words() { return {D::name...}; }
    static constexpr bool dense() {
        std::int64_t next = 0;
        return ((static_cast<std::int64_t>(D::value) == next++) && ...);
    }
    static constexpr bool has(std::string_view name) { return ((name == D::name) || ...); }
};
template <class T>
using members_table =
    table<T, boost::describe::describe_members<T, boost::describe::mod_public |
                                                      boost::describe::mod_inherited>>;
template <class E>
using words_table = table<E, boost::describe::describe_enumerators<E>>;
template <class T>
inline constexpr auto members = members_table<T>::members();
template <class E>
inline constexpr auto words = words_table<E>::words();

template <class T>
consteval bool rules_name_members() {
    for (const rule& r : rules_of<T>) {
        const bool known = members_table<T>::has(r.member);
        if (r.means == rule::what::refused && known) return false;
        if (r.means == rule::what::alias && (known || !members_table<T>::has(r.target)))
            return false;
        if ((r.means == rule::what::range || r.means == rule::what::format) && !known) return false;
    }
    return true;
}

template <class T>
constexpr std::int64_t load_as(const void* p) {
    return static_cast<std::int64_t>(*static_cast<const T*>(p));
}
template <class T>
constexpr void store_as(void* p, std::int64_t v) {
    *static_cast<T*>(p) = static_cast<T>(v);
}

template <class T>
constexpr type make_optional_type() {
    return {
        .what = kind::optional,
        .element = &type_of<typename T::value_type>,
        .count = [](const void* p) -> std::size_t { return static_cast<const T*>(p)->has_value(); },
        .at = [](void* p, std::size_t) -> void* { return &**static_cast<T*>(p); },
        .append = [](void* p) -> void* { return &static_cast<T*>(p)->emplace(); },
        .clear = [](void* p) { static_cast<T*>(p)->reset(); }};
}
template <class T>
constexpr type make_list_type() {
    return {.what = kind::list,
            .element = &type_of<typename T::value_type>,
            .count = [](const void* p) { return static_cast<const T*>(p)->size(); },
            .at = [](void* p, std::size_t i) -> void* { return &(*static_cast<T*>(p))[i]; },
            .append = [](void* p) -> void* { return &static_cast<T*>(p)->emplace_back(); },
            .clear = [](void* p) { static_cast<T*>(p)->clear(); }};
}

}  // namespace detail

template <class T>
constexpr type make_type() {
    if constexpr (std::is_same_v<T, bool>) {
        return {.what = kind::boolean};
    } else if constexpr (std::is_same_v<T, std::string>) {
        return {.what = kind::text};
    } else if constexpr (std::is_same_v<T, money>) {
        return {.what = kind::money};
    } else if constexpr (std::is_same_v<T, currency_code>) {
        return {.what = kind::currency};
    } else if constexpr (std::is_same_v<T, timestamp>) {
        return {.what = kind::timestamp};
    } else if constexpr (std::is_same_v<T, json_text>) {
        return {.what = kind::json};
    } else if constexpr (std::is_integral_v<T>) {
        static_assert(sizeof(T) < 8 || std::is_signed_v<T>,
                      "unsigned 64-bit members do not fit JSON or SQL");
        return {.what = kind::integer,
                .load = detail::load_as<T>,
                .store = detail::store_as<T>,
                .lowest = static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                .highest = static_cast<std::int64_t>(std::numeric_limits<T>::max())};
    } else if constexpr (std::is_enum_v<T>) {
        static_assert(detail::words_table<T>::dense(), "enumerators count up from 0");
        return {.what = kind::enumeration,
                .name = detail::name_of<T>(),
                .words = detail::words<T>,
                .load = detail::load_as<T>,
                .store = detail::store_as<T>};
    } else if constexpr (detail::is_optional<T>) {
        return detail::make_optional_type<T>();
    } else if constexpr (detail::is_list<T>) {
        static_assert(!std::is_same_v<T, std::vector<bool>>,
                      "vector<bool> has no addressable elements");
        return detail::make_list_type<T>();
    } else {
        static_assert(boost::describe::has_describe_members<T>::value,
                      "BOOST_DESCRIBE_STRUCT is missing");
        static_assert(detail::members_table<T>::members().size() <= 64,
                      "codecs track members in 64 bits");
        static_assert(detail::rules_name_members<T>(), "a rule names no member of its struct");
        return {.what = kind::record,
                .name = detail::name_of<T>(),
                .members = detail::members<T>,
                .rules = rules_of<T>,
                .make = []() -> void* { return new T{}; },
                .destroy = [](void* p) { delete static_cast<T*>(p); }};
    }
}

// The word of an enumerator: paid.
template <class E>
constexpr std::string_view word_of(E value) {
    return type_of<E>.words[static_cast<std::size_t>(value)];
}
template <class E>
constexpr std::optional<E> read_word(std::string_view word) {
    for (std::size_t i = 0; i < type_of<E>.words.size(); ++i)
        if (type_of<E>.words[i] == word) return static_cast<E>(i);
    return {};
}

// Owns one value of a described record whose static type only the operation's thunk knows.
class record_box {
 public:
    explicit record_box(const type& of) : of_(&of), value_(of.make(), of.destroy) {}
    template <class T>
    static record_box holding(T value) {
        return {type_of<T>, new T(std::move(value))};
    }
    const type& of() const { return *of_; }
    void* get() const { return value_.get(); }
    template <class T>
    T& as() const {
        return *static_cast<T*>(value_.get());
    }

 private:
    record_box(const type& of, void* value) : of_(&of), value_(value, of.destroy) {}
    const type* of_;
    std::unique_ptr<void, void (*)(void*)> value_;
};

// The accessors serve both directions; a codec that only reads goes through this one place.
inline void* unconst(const void* p) { return const_cast<void*>(p); }

// Reads a scalar from text by the rules of its kind (path and query parameters, CSV cells, SQL
// text). Money needs `amounts_in`. An optional of a scalar is engaged. False: ill-typed.
bool read_text(std::string_view text, const type& of, void* value, currency_code amounts_in = {});

// The members of `value` that break the record's rules, nested records included.
void check_rules(problems& out, const type& of, const void* value);
template <class T>
problems rule_problems(const T& value) {
    problems out;
    check_rules(out, type_of<T>, &value);
    return out;
}

// One sentence for a problem's code, for people.
std::string_view explain(std::string_view problem_code);
// 422 with every problem in one answer; the detail names the first.
error invalid_request(problems found);

}  // namespace stoa
