// The program's verbs. `stoa help` lists them.
#pragma once

#include "apps/stoa/settings.hpp"

namespace stoa {

// Exit codes: 0 done, 1 the verb found something wrong (audit) or failed, 2 misuse.
int run_command(int count, char** arguments);

// One file a group of verbs.
struct serve_options {
    bool demo = false;
    int shoppers = 0;
};
int serve(const settings& from, const serve_options& options);  // serve.cpp

// Prints an error for a person: what happened, what it means, what to do.
int complain(const error& why);

}  // namespace stoa
