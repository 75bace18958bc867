// Which of several lists of words an event's word is in. Events have a handful of words, so that is
// found out once a word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::analytics {

class word_lists {
 public:
    using list = std::optional<std::vector<std::string>>;  // none: all words
    static constexpr int all_words = -1;

    // The number to ask for it with. It must outlive this.
    int add(const list& of) {
        if (!of) return all_words;
        lists_.push_back(&*of);
        return static_cast<int>(lists_.size()) - 1;
    }
    // The word that has() is about.
    void look_at(std::string_view word) {
        if (!lists_.empty() && (known_.empty() || known_[at_].text != word)) look_up(word);
    }
    bool has(int number) const {
        return number == all_words || known_[at_].in[static_cast<std::size_t>(number)];
    }

 private:
    // A bound on what strangers can make us keep.
    static constexpr std::size_t most_known = 16;
    struct known_word {
        std::string text;
        std::vector<bool> in;
    };
    void look_up(std::string_view word);

    std::vector<const std::vector<std::string>*> lists_;
    std::vector<known_word> known_;
    std::size_t at_ = 0, oldest_ = 0;
};

}  // namespace stoa::analytics
