#include "ports/item_codec.hpp"

#include "ports/sql.hpp"

namespace stoa {
namespace {

constexpr char version = 1;
constexpr int deepest = 64;  // JSON that came from outside nests no deeper
enum tag : char { tag_null, tag_false, tag_true, tag_number, tag_text, tag_list, tag_map };

void put_varint(std::string& out, std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    out += static_cast<char>(n);
}
void put_text(std::string& out, std::string_view text) {
    put_varint(out, text.size());
    out += text;
}
void put_map(std::string& out, const item& from);

struct value_writer {
    std::string& out;
    void operator()(std::monostate) const { out += tag_null; }
    void operator()(bool b) const { out += b ? tag_true : tag_false; }
    void operator()(std::int64_t n) const {
        out += tag_number;
        put_varint(out, (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63));
    }
    void operator()(const std::string& text) const {
        out += tag_text;
        put_text(out, text);
    }
    void operator()(const attribute_list& list) const {
        out += tag_list;
        put_varint(out, list.size());
        for (const auto& each : list) std::visit(*this, each.value);
    }
    void operator()(const item& map) const {
        out += tag_map;
        put_map(out, map);
    }
};

void put_map(std::string& out, const item& from) {
    put_varint(out, from.size());
    for (const auto& each : from) {
        put_text(out, each.name);
        std::visit(value_writer{out}, each.value.value);
    }
}

class item_decoder {
 public:
    explicit item_decoder(std::string_view rest) : rest_(rest) {}

    item all() {
        if (take_byte() != version) broken("of an unknown version");
        auto out = map(0);
        if (!rest_.empty()) broken("followed by something else");
        return out;
    }

 private:
    [[noreturn]] static void broken(const char* how) {
        throw sql_failure{error{.kind = errc::internal,
                                .code = "item_ill_formed",
                                .detail = std::string("a stored item is ") + how}};
    }
    char take_byte() {
        if (rest_.empty()) broken("cut");
        const char out = rest_.front();
        rest_.remove_prefix(1);
        return out;
    }
    std::uint64_t take_varint() {
        std::uint64_t out = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const auto b = static_cast<unsigned char>(take_byte());
            out |= static_cast<std::uint64_t>(b & 0x7f) << shift;
            if (b < 0x80) return out;
        }
        broken("cut");
    }
    std::string_view take_text() {
        const auto size = take_varint();
        if (size > rest_.size()) broken("cut");
        const auto out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return out;
    }
    attribute value(int depth) {
        if (depth > deepest) broken("nested too deeply");
        switch (take_byte()) {
            case tag_null:
                return {};
            case tag_false:
                return false;
            case tag_true:
                return true;
            case tag_number: {
                const auto n = take_varint();
                return static_cast<std::int64_t>((n >> 1) ^ (~(n & 1) + 1));
            }
            case tag_text:
                return take_text();
            case tag_list: {
                attribute_list out;
                for (auto n = take_varint(); n > 0; --n) out.push_back(value(depth + 1));
                return out;
            }
            case tag_map:
                return map(depth + 1);
            default:
                broken("of an unknown kind of value");
        }
    }
    item map(int depth) {
        item out;
        for (auto n = take_varint(); n > 0; --n) {
            const auto name = take_text();
            out.set(name, value(depth));
        }
        return out;
    }
    std::string_view rest_;
};

}  // namespace

void encode_item(std::string& out, const item& from) {
    out += version;
    put_map(out, from);
}

item decode_item(std::string_view bytes) { return item_decoder(bytes).all(); }

}  // namespace stoa
