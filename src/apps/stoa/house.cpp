#include "apps/stoa/house.hpp"

#include "adapters/outbox/relay.hpp"
#include "apps/stoa/wiring_options.hpp"

namespace stoa {
namespace {

constexpr auto wait_for_engines = seconds(15);
// Longer than a relay lets a lease stand that it holds.
constexpr auto beats_move_within = seconds(3);

}  // namespace

item restore_marker() { return key_of("name", "restore"); }

result<std::unique_ptr<house>> house::open(needs with) {
    std::unique_ptr<house> out(new house(std::move(with)));
    auto& time = out->with_.time;
    try {
        for (const auto until = time.ticks() + wait_for_engines;;) {
            const auto check = [](engines* stores) -> task<result<int>> {
                STOA_CO_TRY_VOID(co_await stores->check());
                co_return 0;
            };
            try {
                out->await(check(&out->with_.stores));
                break;
            } catch (const sql_failure& failure) {
                const bool may_come = failure.why.kind == errc::unavailable;
                if (!may_come || out->ending() || time.ticks() > until) return fail(failure.why);
            }
            out->pause(milliseconds(200));
        }
        STOA_TRY(auto log, kafka_of(out->from()));
        STOA_TRY(out->log_, kafka_copy::open(std::move(log)));
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return out;
}

postgres_address house::database() const { return must(postgres_of(with_.from)); }

void house::throw_ending() {
    throw sql_failure{error{
        .kind = errc::unavailable, .code = "shutting_down", .detail = "the shop is shutting down"}};
}

void house::pause(milliseconds how_long) {
    for (const auto until = with_.time.ticks() + how_long; with_.time.ticks() < until;) {
        if (ending()) throw_ending();
        std::this_thread::sleep_for(std::min(how_long, milliseconds(100)));
    }
}

void house::each_item(const kv_table& table, const std::function<void(item)>& take) {
    std::optional<item> after;
    do {
        auto page = await(items().scan(table, std::move(after), 1'000));
        for (auto& each : page.items) take(std::move(each));
        after = std::move(page.next);
    } while (after);
}

void house::write_all(std::vector<write_set> sets) {
    const auto write_one = [](key_value* into, write_set what) -> task<result<int>> {
        STOA_CO_TRY(const auto outcome, co_await into->write(std::move(what)));
        if (!outcome.committed())
            co_return fail(errc::conflict, "somebody_else",
                           "somebody else writes into these engines at the same time");
        co_return 0;
    };
    std::vector<pending<int>> under_way;
    for (auto& each : sets) under_way.push_back(begin(write_one(&items(), std::move(each))));
    for (auto& each : under_way) finish(each);
}

house::beats house::see_beats() {
    beats out;
    for (int shard = 0; shard < outbox_shards; ++shard) {
        const auto name = "outbox:" + std::to_string(shard);
        const auto lease = await(items().get(leases_table, key_of("name", name)));
        if (lease)
            out[name] =
                std::string(lease->text("owner")) + '#' + std::to_string(lease->integer("beats"));
    }
    return out;
}

bool house::is_served(const beats& since, instant seen_at) {
    if (since.empty() && see_beats().empty()) return false;
    const auto left = seen_at + beats_move_within - with_.time.ticks();
    if (left > seconds(0)) pause(std::chrono::duration_cast<milliseconds>(left) + milliseconds(1));
    return see_beats() != since;
}

std::optional<item> house::restoring() {
    return await(items().get(leases_table, restore_marker()));
}

}  // namespace stoa
