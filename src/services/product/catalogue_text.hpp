// How text becomes the words the catalogue index knows, the same for products and for queries.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::products {

// A longer word is cut here, in products and queries alike, so that it still finds itself.
constexpr std::size_t max_word_bytes = 48;

// Reads one word after the other. A word is a run of letters and digits in lower case without
// accents: ASCII, Latin-1 and Latin Extended-A are folded to ASCII (Crème -> creme, Straße ->
// strasse), Greek and Cyrillic capitals to small letters, every other script is taken as it is.
// Apostrophes and combining accents vanish inside a word; everything else, and each byte that is
// not UTF-8, parts words.
class word_reader {
 public:
    explicit word_reader(std::string_view text) : rest_(text) {}

    // False at the end. `word` is replaced.
    bool next(std::string& word);

 private:
    std::string_view rest_;
};

std::vector<std::string> words_of(std::string_view text);

// The words of `text` written as one (MUG-001 -> mug001): how a product code is typed without its
// dashes.
std::string joined_words(std::string_view text);

// Whether a typo in the word may be forgiven: at least four letters and no digit. Codes and sizes
// are exact.
bool is_forgiving(std::string_view word);

// The word and every string it becomes by losing one character: two words one typo apart share one
// of them. Nothing for words with a digit or of more than 24 characters.
std::vector<std::string> typo_keys(std::string_view word);

// One insertion, deletion, substitution or swap of neighbours apart, or equal. By characters, not
// bytes.
bool is_one_typo_apart(std::string_view a, std::string_view b);

}  // namespace stoa::products
