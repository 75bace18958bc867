// `stoa audit` of a shop on real engines: it is brought into a temporary directory, as
// house_in.hpp says, and audited there as any other. Memory does not grow with the shop; the
// directory does, to about the shop's size.
//
// While the shop is served there is no one moment of it: orders that changed meanwhile are passed
// over, and what looks wrong counts only where it looks exactly the same in a second copy, taken
// later. What does not is counted as unsettled.
#pragma once

#include "apps/stoa/audit.hpp"
#include "apps/stoa/house_in.hpp"

namespace stoa {

// A directory under the temporary one, for its owner alone, which goes with it.
class temporary_copy {
 public:
    static result<std::unique_ptr<temporary_copy>> make();
    ~temporary_copy();
    temporary_copy(const temporary_copy&) = delete;
    temporary_copy& operator=(const temporary_copy&) = delete;
    const std::string& path() const { return path_; }

 private:
    explicit temporary_copy(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// Of `plan` only what is the same for every copy. `intents`: of the simulated provider; null where
// another is used. Errors: copy_house's.
result<audit_report> audit_house(house& of, house_plan plan, const kv_table* intents,
                                 const audit_progress& told);

}  // namespace stoa
