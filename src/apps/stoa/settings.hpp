// Every setting of the program: one table of keys with their environment variables, defaults and
// help. Sources by rank: flag, environment, file, default. An unknown key, or a value that does not
// fit, is an error that names the source and what would fit; nothing starts on a guess.
#pragma once

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace stoa {

struct setting_key {
    std::string_view name;  // data_dir: in the file, as --data-dir, as STOA_DATA_DIR
    std::string_view
        environment;  // further variables, separated by spaces; the documented names (R251)
    std::string_view otherwise;  // the default, as text; empty: none
    std::string_view help;
    bool secret = false;        // shown as ****
    std::string_view one_of{};  // words, separated by spaces; empty: free
};
std::span<const setting_key> setting_keys();
// The environment variables that say it: STOA_…, and the documented ones.
std::vector<std::string> variables_of(const setting_key& key);

class settings {
 public:
    // `flags` are key → text, as the command line gave them. `environment` is envp. The file is
    // optional.
    static result<settings> load(const std::map<std::string, std::string>& flags,
                                 const char* const* environment, const std::string& file);

    // A copy with some settings replaced, for verbs that need other addresses.
    result<settings> with(const std::map<std::string, std::string>& changed) const;

    const std::string& text(
        std::string_view key) const;         // aborts on a key that is not in the table: a bug
    bool given(std::string_view key) const;  // not empty
    std::int64_t number(std::string_view key) const;
    double ratio(std::string_view key) const;  // 0 to 1
    currency_code currency(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const;  // by commas
    struct listen_address {
        std::string host;
        std::uint16_t port = 0;
    };
    listen_address address(std::string_view key) const;

    // `key = value  # source`, a line each, secrets masked: what `stoa config` prints.
    std::string describe() const;

 private:
    struct value {
        std::string text;
        std::string source;  // default, file, STOA_…, --…
    };
    result<void> set(const setting_key& key, std::string text, std::string source);
    result<void> read_file(const std::string& file);
    std::map<std::string, value, std::less<>> values_;
};

}  // namespace stoa
