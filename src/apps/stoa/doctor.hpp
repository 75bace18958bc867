// What `stoa doctor` finds, a line each: `ok` or `WRONG` with what to do.
#pragma once

#include "apps/stoa/settings.hpp"

namespace stoa {

class findings {
 public:
    void good(const std::string& what);
    void wrong(const std::string& what, const std::string& then);
    // `then` is said only where it is wrong.
    void add(bool good_, const std::string& what, const std::string& then) {
        good_ ? good(what) : wrong(what, then);
    }
    void note(const std::string& what);  // neither
    // What a shop does without, in part.
    void lacks(const std::string& what, const std::string& then);
    int status() const { return wrong_ ? 1 : 0; }

 private:
    int wrong_ = 0;
};

// Every engine that the settings name and other processes run: PostgreSQL, DynamoDB, S3, Kafka,
// SMTP, Stripe. Each is asked for itself, so that one that is away hides nothing of the others.
// Blocks for some seconds at most for each. doctor_engines.cpp
void look_at_engines(findings& say, const settings& from);

}  // namespace stoa
