// Where a running shop listens, and the token of its own verbs (import, audit …): run.json in the
// data directory, readable by its owner alone, there only while the shop runs.
#pragma once

#include "base/described.hpp"
#include "ports/clock.hpp"

namespace stoa {

struct run_file {
    std::string http, admin, token;
};
BOOST_DESCRIBE_STRUCT(run_file, (), (http, admin, token))

// When it fails, no run file is there: neither a half nor that of a run before.
result<void> write_run_file(const std::string& data_dir, const run_file& content);
void remove_run_file(const std::string& data_dir);
// Nothing where no shop runs (or one was killed: the caller tries the address).
std::optional<run_file> read_run_file(const std::string& data_dir);

// 32 characters that nobody guesses.
std::string tokens_of_chance(random_source& random);

}  // namespace stoa
