#include "apps/stoa/audit.hpp"

#include "apps/stoa/audit_checks.hpp"
#include "services/cart/cart_store.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order_state.hpp"

#include <algorithm>

namespace stoa {
namespace audits {
namespace {

constexpr auto sweep_grace = orders::stuck_after;

}  // namespace

book::book(const audit_subject& of, const audit_progress& told) : at(of), told_(told) {
    // A stopped shop could act until its last event; one that runs, since it was started.
    const timestamp last{of.shop.last_accepted_micros()};
    judged_before_ = (of.running_since ? of.now : std::min(of.now, last)) - sweep_grace;
    if (of.running_since && judged_before_ < *of.running_since) judged_before_ = timestamp{0};
    groups_ = of.shop.groups();
    for (const auto& each : groups_) {
        const auto [slot, fresh] =
            slowest_.emplace(std::pair(each.topic, each.partition), each.next);
        if (!fresh) slot->second = std::min(slot->second, each.next);
    }
    for (auto& each : of.shop.parked()) parked_.insert(std::move(each.key));
}

void book::found(const rule& broken, std::string_view subject, std::string what) {
    ++report.broken;
    if (report.findings.size() < at.most_findings)
        report.findings.push_back(
            {broken.number, std::string(broken.name), std::string(subject), std::move(what)});
}

void book::step(std::string_view name, std::int64_t all) {
    step_ = name;
    done_ = 0;
    all_ = all;
    if (told_) told_(step_, 0, all_);
}

bool book::in_flight(std::string_view topic, int partition, std::int64_t offset) const {
    const auto found = slowest_.find(std::pair(std::string(topic), partition));
    return found != slowest_.end() && offset >= found->second;
}

bool book::late(std::string_view topic, int partition, std::int64_t offset) const {
    if (!at.late_from) return false;
    const auto found = at.late_from->find(std::pair(std::string(topic), partition));
    return found != at.late_from->end() && offset >= found->second;
}

bool book::done_by(std::string_view group, std::string_view topic, int partition,
                   std::int64_t offset) const {
    const auto found = std::ranges::find_if(groups_, [&](const auto& each) {
        return each.group == group && each.topic == topic && each.partition == partition;
    });
    return found != groups_.end() && offset < found->next;
}

std::unordered_set<std::string> book::waiting_keys(std::string_view group,
                                                   std::string_view topic) const {
    auto out = parked_;
    std::int64_t behind = 0;
    for (const auto& of : at.shop.partitions()) {
        if (of.topic != topic) continue;
        std::int64_t next = of.first;  // a group that is not known has done nothing
        for (const auto& each : groups_)
            if (each.group == group && each.topic == topic && each.partition == of.number)
                next = std::max(next, each.next);
        behind += of.end - next;
    }
    if (behind == 0) return out;
    auto events = at.shop.events_of(topic);
    while (const auto one = events.next())
        if (!done_by(group, topic, one->partition, one->offset)) out.insert(one->key);
    return out;
}

}  // namespace audits

result<audit_report> audit(const audit_subject& of, const audit_progress& told) {
    try {
        audits::book in(of, told);
        audits::check_stock(in);
        audits::check_log(in);
        audits::check_orders(in);
        audits::check_keys(in);
        if (of.provider) audits::check_provider(in);
        audits::check_imports(in);
        audits::check_carts(in);
        audits::check_mails(in);
        audits::check_windows(in);
        in.report.clean = in.report.broken == 0;
        return std::move(in.report);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

}  // namespace stoa
