#include "services/product/catalogue_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stoa::products {

namespace {

constexpr std::size_t max_typo_characters = 24;
constexpr char32_t not_a_character = 0xFFFFFFFF;

// U+00C0 to U+017F without accents. Digits stand for letters that become two: 1 ae, 2 oe, 3 th, 4
// ss, 5 ij. A blank is no letter.
constexpr std::string_view latin_folds =
    "aaaaaa1ceeeeiiii"
    "dnooooo ouuuuy34"
    "aaaaaa1ceeeeiiii"
    "dnooooo ouuuuy3y"
    "aaaaaaccccccccdd"
    "ddeeeeeeeeeegggg"
    "gggghhhhiiiiiiii"
    "ii55jjkkklllllll"
    "lllnnnnnnnnnoooo"
    "oo22rrrrrrssssss"
    "ssttttttuuuuuuuu"
    "uuuuwwyyyzzzzzzs";
static_assert(latin_folds.size() == 0x180 - 0xC0);
constexpr std::array<std::string_view, 5> double_letters{"ae", "oe", "th", "ss", "ij"};

// Takes one character off the front; a byte that begins none is taken alone and answered as
// not_a_character.
char32_t take_character(std::string_view& text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = at(0);
    std::size_t size = 1;
    char32_t value = lead;
    if (lead >= 0x80) {
        size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
        value = size == 2 ? lead & 0x1FU : size == 3 ? lead & 0x0FU : lead & 0x07U;
        bool good = size != 0 && size <= text.size();
        for (std::size_t i = 1; good && i < size; ++i) {
            good = (at(i) & 0xC0U) == 0x80U;
            value = value << 6 | (at(i) & 0x3FU);
        }
        if (good && size == 3) good = value >= 0x800 && (value < 0xD800 || value > 0xDFFF);
        if (good && size == 4) good = value >= 0x10000 && value <= 0x10FFFF;
        if (!good) {
            text.remove_prefix(1);
            return not_a_character;
        }
    }
    text.remove_prefix(size);
    return value;
}

void append_character(std::string& out, char32_t c) {
    const auto byte = [&](char32_t bits) {
        out += static_cast<char>(static_cast<unsigned char>(bits));
    };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | c >> 6);
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | c >> 12);
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3F));
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

enum class role : std::uint8_t { part, separator, silent };

// Outside Latin everything is a letter but the blocks of punctuation, spaces and symbols.
role role_of(char32_t c) {
    if (c == '\'' || c == 0x2019 || c == 0x00AD || (c >= 0x0300 && c <= 0x036F))
        return role::silent;
    if (c == not_a_character) return role::separator;
    const bool separates = (c >= 0x80 && c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA) ||
                           (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x303F) ||
                           (c >= 0xFE30 && c <= 0xFE4F) || (c >= 0xFF01 && c <= 0xFF0F) ||
                           (c >= 0xE000 && c <= 0xF8FF) || c == 0xFEFF || c == 0x37E || c == 0x387;
    return separates ? role::separator : role::part;
}

char32_t small_letter(char32_t c) {
    if (c >= 0x391 && c <= 0x3AB) return c + 32;  // Greek
    if (c >= 0x410 && c <= 0x42F) return c + 32;  // Cyrillic
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    return c;
}

// False if the character parts words.
bool append_folded(std::string& word, char32_t c) {
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z') {
            word += static_cast<char>(c + 32);
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            word += static_cast<char>(c);
        } else {
            return c == '\'';
        }
        return true;
    }
    if (c >= 0xC0 && c < 0x180) {
        const char fold = latin_folds[c - 0xC0];
        if (fold == ' ') return false;
        if (fold >= '1' && fold <= '5') {
            word += double_letters[static_cast<std::size_t>(fold - '1')];
        } else {
            word += fold;
        }
        return true;
    }
    const auto what = role_of(c);
    if (what == role::part) append_character(word, small_letter(c));
    return what != role::separator;
}

struct characters {
    std::array<char32_t, max_word_bytes> at{};
    std::size_t size = 0;
};

characters characters_of(std::string_view word) {
    characters out;
    while (!word.empty() && out.size < out.at.size()) out.at[out.size++] = take_character(word);
    return out;
}

bool has_digit(std::string_view word) {
    return std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool word_reader::next(std::string& word) {
    word.clear();
    bool full = false;
    while (!rest_.empty()) {
        const auto before = word.size();
        if (!append_folded(word, take_character(rest_))) {
            if (!word.empty()) return true;
            continue;
        }
        if (full || word.size() > max_word_bytes) {
            full = true;
            word.resize(before);  // whole characters only
        }
    }
    return !word.empty();
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    word_reader reader(text);
    for (std::string word; reader.next(word);) out.push_back(word);
    return out;
}

std::string joined_words(std::string_view text) {
    std::string out;
    word_reader reader(text);
    for (std::string word; reader.next(word);)
        if (out.size() + word.size() <= max_word_bytes) out += word;
    return out;
}

bool is_forgiving(std::string_view word) {
    return characters_of(word).size >= 4 && !has_digit(word);
}

std::vector<std::string> typo_keys(std::string_view word) {
    std::vector<std::string> out;
    const auto all = characters_of(word);
    if (all.size > max_typo_characters || has_digit(word)) return out;
    out.emplace_back(word);
    for (std::size_t gone = 0; gone < all.size; ++gone) {
        if (gone > 0 && all.at[gone] == all.at[gone - 1]) continue;  // the same string again
        std::string key;
        for (std::size_t i = 0; i < all.size; ++i)
            if (i != gone) append_character(key, all.at[i]);
        out.push_back(std::move(key));
    }
    return out;
}

bool is_one_typo_apart(std::string_view a, std::string_view b) {
    const auto x = characters_of(a);
    const auto y = characters_of(b);
    if (x.size > y.size) return is_one_typo_apart(b, a);
    if (y.size - x.size > 1) return false;
    std::size_t i = 0;
    while (i < x.size && x.at[i] == y.at[i]) ++i;
    const auto same_from = [&](std::size_t from_x, std::size_t from_y) {
        while (from_x < x.size && from_y < y.size && x.at[from_x] == y.at[from_y])
            ++from_x, ++from_y;
        return from_x == x.size && from_y == y.size;
    };
    if (x.size < y.size) return same_from(i, i + 1);
    if (i == x.size || same_from(i + 1, i + 1)) return true;
    return i + 1 < x.size && x.at[i] == y.at[i + 1] && x.at[i + 1] == y.at[i] &&
           same_from(i + 2, i + 2);
}

}  // namespace stoa::products
