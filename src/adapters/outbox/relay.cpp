#include "adapters/outbox/relay.hpp"

#include "base/planted.hpp"
#include "runtime/log.hpp"

#include <algorithm>

namespace stoa {
namespace {

std::string lease_of(int shard) { return "outbox:" + std::to_string(shard); }

}  // namespace

relay::relay(key_value& items, event_log& log, clock& time, random_source& random,
             std::string owner, relay_settings settings)
    : items_(items),
      log_(log),
      time_(time),
      random_(random),
      owner_(std::move(owner)),
      settings_(settings) {}

void relay::start(supervisor& on) {
    for (int shard = 0; shard < shards(); ++shard)
        on.spawn("relay " + std::to_string(shard), [this, shard] { return run(shard); });
}

task<> relay::run(int shard) {
    auto wait = settings_.round;
    for (;;) {
        const auto seen = co_await work_on(shard);
        if (!seen) log_warning("relay_waits", {{"shard", shard}, {"code", seen.error().code}});
        if (seen && *seen == found::events) wait = settings_.round;
        else wait = std::min(wait * 2, settings_.longest_round);
        // A shard of another process is looked at often enough to notice that its holder is gone.
        const bool not_ours = seen && *seen == found::not_ours;
        co_await time_.sleep(jittered(not_ours ? settings_.lease_for / 4 : wait, random_));
    }
}

task<result<relay::found>> relay::work_on(int shard) {
    STOA_CO_TRY(const bool mine, co_await hold_lease(shard));
    if (!mine) {
        see_oldest(shard, {});
        co_return found::not_ours;
    }
    for (auto seen = found::nothing;; seen = found::events) {
        STOA_CO_TRY(const int brought, co_await bring_batch(shard));
        if (brought < batch()) co_return brought > 0 ? found::events : seen;
        // The lease is looked at between batches: whoever lost it stops here. A batch that was
        // already on its way is repeated by the next holder, and told apart by its events' ids.
        STOA_CO_TRY(const bool still, co_await hold_lease(shard));
        if (!still) co_return found::not_ours;
    }
}

// Takes, renews or waits for the lease. Time is our own monotonic clock's: a holder whose beats
// stood still for `lease_for` since we saw them first is taken for gone, so a holder renews its own
// in a quarter of that.
task<result<bool>> relay::hold_lease(int shard) {
    auto& seen = seen_[static_cast<std::size_t>(shard)];
    const auto now = time_.ticks();
    if (seen.owner == owner_ && now - seen.since < settings_.lease_for / 4) co_return true;
    STOA_CO_TRY(const auto lease,
                co_await items_.get(leases_table, key_of("name", lease_of(shard))));
    const std::string owner(lease ? lease->text("owner") : "");
    const auto beats = lease ? lease->integer("beats") : 0;
    if (lease && owner != owner_) {
        const bool moved = seen.owner != owner || seen.beats != beats;
        if (moved) seen = {owner, beats, now};
        if (moved || now - seen.since < settings_.lease_for) co_return false;
    }
    item mine = key_of("name", lease_of(shard));
    mine.set("owner", owner_);
    mine.set("beats", beats + 1);
    write_set in;
    if (lease)
        in.put(leases_table, std::move(mine), {equals("owner", owner), equals("beats", beats)});
    else in.put(leases_table, std::move(mine), {absent("name")});
    STOA_CO_TRY(const auto taken, co_await items_.write(std::move(in)));
    if (taken.committed()) seen = {owner_, beats + 1, now};
    co_return taken.committed();
}

// How many: fewer than a batch, and the shard is empty.
task<result<int>> relay::bring_batch(int shard) {
    STOA_CO_TRY(const auto page,
                co_await items_.query({.table = &outbox_table, .hash = shard, .limit = batch()}));
    if (page.items.empty()) {
        see_oldest(shard, {});
        co_return 0;
    }
    std::vector<event> events;
    write_set done;
    for (const auto& each : page.items) {
        STOA_CO_TRY(auto one, event_of_outbox(each));
        done.erase(outbox_table, key_of("shard", shard, "place", each.text("place")));
        if (!is_of_queue(shard) && settings_.also && one.topic == settings_.also->topic) {
            item waits = each;
            waits.set("shard", static_cast<std::int64_t>(shard + outbox_shards));
            done.put(outbox_table, std::move(waits));
        }
        events.push_back(std::move(one));
    }
    if (planted(planted_bug::relay_erases_before_it_appends))
        STOA_CO_TRY_VOID(co_await items_.write(done));
    see_oldest(shard, events);
    STOA_CO_TRY_VOID(co_await (is_of_queue(shard) ? queue_up(events) : append(events)));
    see_oldest(shard, {});
    // Dies here: the next holder brings them again.
    STOA_CO_TRY_VOID(co_await items_.write(std::move(done)));
    co_return static_cast<int>(page.items.size());
}

task<result<void>> relay::append(std::vector<event> events) {
    auto appended = co_await log_.append(events);
    if (settings_.meter) settings_.meter->brought(events, appended.has_value());
    co_return appended;
}

task<result<void>> relay::queue_up(std::vector<event> events) {
    for (auto& each : events)
        STOA_CO_TRY_VOID(co_await settings_.also->queues->send(settings_.also->queue,
                                                               {.body = std::move(each.payload)}));
    co_return result<void>();
}

void relay::see_oldest(int shard, const std::vector<event>& waiting) const {
    if (!settings_.meter) return;
    const auto oldest = std::ranges::min_element(waiting, {}, &event::occurred_at);
    settings_.meter->oldest(
        shard, oldest == waiting.end() ? std::optional<timestamp>() : oldest->occurred_at);
}

}  // namespace stoa
