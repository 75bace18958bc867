#include "runtime/deadlines.hpp"

#include <algorithm>

namespace stoa {

deadline_wheel::sentinel::sentinel() {
    next_ = this;
    previous_ = this;
}

deadline_wheel::deadline_wheel(loop& on) : timer_(on.get_executor()) {
    timer_.expires_after(tick);
    schedule();
}

deadline_wheel::~deadline_wheel() {
    for (auto& slot : slots_)
        while (slot.next_ != &slot) slot.next_->disarm();
}

void deadline_wheel::arm(deadline_entry& entry, std::chrono::milliseconds after) {
    entry.disarm();
    // One tick more: the current one is partly over, and a deadline never fires early.
    const auto wait = std::max(after, std::chrono::milliseconds(0));
    const auto ticks =
        static_cast<std::size_t>((wait + tick - std::chrono::milliseconds(1)) / tick) + 1;
    // A whole turn comes back to this slot, so a wait of exactly one turn has no round to pass
    // over.
    entry.rounds_ = static_cast<std::uint32_t>((ticks - 1) / slots_.size());
    auto& head = slots_[(now_ + ticks) % slots_.size()];
    entry.next_ = &head;
    entry.previous_ = head.previous_;
    head.previous_->next_ = &entry;
    head.previous_ = &entry;
}

void deadline_wheel::schedule() {
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        turn();
        timer_.expires_at(timer_.expiry() + tick);
        schedule();
    });
}

void deadline_wheel::turn() {
    now_ = (now_ + 1) % slots_.size();
    auto& head = slots_[now_];
    deadline_entry* each = head.next_;
    // Entries are moved to a list of their own first: a callback may arm or destroy any other
    // entry.
    sentinel due;
    while (each != &head) {
        deadline_entry* following = each->next_;
        if (each->rounds_ > 0) {
            --each->rounds_;
        } else {
            each->disarm();
            each->next_ = &due;
            each->previous_ = due.previous_;
            due.previous_->next_ = each;
            due.previous_ = each;
        }
        each = following;
    }
    while (due.next_ != &due) {
        deadline_entry* one = due.next_;
        one->disarm();
        one->on_deadline();
    }
    due.next_ = due.previous_ = nullptr;
}

}  // namespace stoa
