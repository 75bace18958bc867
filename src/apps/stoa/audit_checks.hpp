// The parts of an audit. Each reads its tables once and tells the book what does not hold.
#pragma once

#include "apps/stoa/audit.hpp"

#include <unordered_map>
#include <unordered_set>

namespace stoa::audits {

// A rule of design §6, as findings name it.
struct rule {
    int number;
    std::string_view name;
};

class book {
 public:
    book(const audit_subject& of, const audit_progress& told);

    void found(const rule& broken, std::string_view subject, std::string what);
    void step(std::string_view name, std::int64_t all);
    void advance() {
        if (++done_ % 16'384 == 0 && told_) told_(step_, done_, all_);
    }

    // Deadlines that passed before this moment should have been acted on: sweepers had their time.
    bool overdue(timestamp due) const { return due < judged_before_; }

    // Whether some group has not done this event. Groups of a topic are done up to the slowest.
    bool in_flight(std::string_view topic, int partition, std::int64_t offset) const;
    // Whether the event may be of a change that came too late to be seen.
    bool late(std::string_view topic, int partition, std::int64_t offset) const;
    // Whether one group has: events below are done by it.
    bool done_by(std::string_view group, std::string_view topic, int partition,
                 std::int64_t offset) const;
    bool parked(std::string_view key) const { return parked_.contains(std::string(key)); }
    // Keys of events of the topic that the group has not done, and parked ones.
    std::unordered_set<std::string> waiting_keys(std::string_view group,
                                                 std::string_view topic) const;

    const audit_subject& at;
    audit_report report;

 private:
    const audit_progress& told_;
    std::string_view step_;
    std::int64_t done_ = 0, all_ = 0;
    timestamp judged_before_;
    std::vector<sqlite_snapshot::group_share> groups_;
    std::map<std::pair<std::string, int>, std::int64_t, std::less<>> slowest_;
    std::unordered_set<std::string> parked_;
};

void check_stock(book& in);     // 1
void check_log(book& in);       // 5, 12
void check_orders(book& in);    // 2, 3, 5, 8
void check_keys(book& in);      // 4
void check_provider(book& in);  // 3
void check_imports(book& in);   // 6
void check_carts(book& in);     // 9
void check_mails(book& in);     // 11
void check_windows(book& in);   // 10

}  // namespace stoa::audits
