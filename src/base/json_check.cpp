#include "base/json_check.hpp"

#include <cstdint>

namespace stoa {
namespace {

constexpr int max_depth = 64;

bool digit(char c) { return c >= '0' && c <= '9'; }
int hex(char c) {
    if (digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// One pass without recursion: the open brackets are bits of a word, 1 for an object.
class checker {
 public:
    explicit checker(std::string_view text) : text_(text) {}

    std::optional<json_fault> run() {
        if (!document() && why_.empty()) why_ = "the JSON is cut off or ill-formed";
        if (why_.empty()) return {};
        return json_fault{at_, why_};
    }

 private:
    bool document() {
        for (;;) {
            if (!value()) return false;
            // After a value: its container goes on or ends, as often as containers end here.
            for (;;) {
                spaces();
                if (depth_ == 0) return at_ == text_.size() || stop("text follows the JSON value");
                if (take(',')) {
                    if (in_object() && !name()) return false;
                    break;
                }
                if (!take(in_object() ? '}' : ']')) return false;
                leave();
            }
        }
    }
    // Opens containers until a scalar, or an empty container, stands complete.
    bool value() {
        for (;;) {
            spaces();
            if (take('{')) {
                if (!enter(true)) return false;
                spaces();
                if (take('}')) return leave();
                if (!name()) return false;
            } else if (take('[')) {
                if (!enter(false)) return false;
                spaces();
                if (take(']')) return leave();
            } else {
                return scalar();
            }
        }
    }
    bool scalar() {
        if (at_ == text_.size()) return false;
        switch (text_[at_]) {
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }
    bool name() {
        spaces();
        if (!string()) return false;
        spaces();
        return take(':');
    }
    bool string() {
        if (!take('"')) return false;
        while (at_ < text_.size()) {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (c == '"') return take('"');
            if (c < 0x20) return stop("a control character stands unescaped in a string");
            ++at_;
            if (c == '\\' && !escape()) return false;
        }
        return false;
    }
    bool escape() {
        if (at_ == text_.size()) return false;
        const char c = text_[at_++];
        if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        const int unit = code_unit();
        if (unit < 0 || (unit >= 0xdc00 && unit < 0xe000)) return false;
        if (unit < 0xd800 || unit >= 0xe000) return true;
        if (!take('\\') || !take('u')) return false;
        const int low = code_unit();
        return low >= 0xdc00 && low < 0xe000;
    }
    int code_unit() {
        if (text_.size() - at_ < 4) return -1;
        int unit = 0;
        for (int i = 0; i < 4; ++i) {
            const int h = hex(text_[at_++]);
            if (h < 0) return -1;
            unit = unit * 16 + h;
        }
        return unit;
    }
    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            return digits();
        }
        return true;
    }
    bool digits() {
        const auto start = at_;
        while (at_ < text_.size() && digit(text_[at_])) ++at_;
        return at_ > start;
    }
    bool word(std::string_view expected) {
        if (!text_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }
    bool take(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void spaces() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\r' || text_[at_] == '\t'))
            ++at_;
    }
    bool enter(bool object) {
        if (depth_ == max_depth) return stop("nested deeper than 64 levels");
        kinds_ = kinds_ << 1 | (object ? 1U : 0U);
        ++depth_;
        return true;
    }
    bool leave() {
        kinds_ >>= 1;
        --depth_;
        return true;
    }
    bool in_object() const { return kinds_ & 1; }
    bool stop(std::string_view why) {
        why_ = why;
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint64_t kinds_ = 0;
    int depth_ = 0;
    std::string_view why_;
};

}  // namespace

std::optional<json_fault> find_json_fault(std::string_view text) { return checker(text).run(); }

}  // namespace stoa
