#include "simulation/run.hpp"

#include "embedded/product_migrations.hpp"
#include "embedded/user_migrations.hpp"
#include "simulation/rules.hpp"

#include <cstdio>

namespace stoa::simulation {
namespace {

std::vector<sql_component> schema() {
    const auto component = [](const char* name, std::span<const embedded_file> files) {
        sql_component out{name, {}};
        for (const auto& file : files)
            out.steps.push_back({std::string(file.name), std::string(file.content)});
        return out;
    };
    return {component("user", embedded::user_migrations()),
            component("product", embedded::product_migrations())};
}

// Things that go wrong by themselves, once in a while: looked at every tenth of a second.
class misfortune {
 public:
    misfortune(world& in, town& of, const faults& wrong) : in_(in), town_(of), wrong_(wrong) {
        again();
    }

 private:
    static constexpr milliseconds round{100};
    void again() {
        in_.park(0, round, [this] {
            if (town_.shared.quiet) return;
            strike();
            again();
        });
    }
    bool strikes(double per_s) { return in_.happens(per_s / 10); }
    void strike() {
        if (strikes(wrong_.crash_per_s)) {
            const auto p =
                static_cast<int>(in_.chance.below(static_cast<std::uint64_t>(town_.processes())));
            if (town_.up(p)) {
                in_.trace("crash", static_cast<std::uint64_t>(p));
                in_.sometimes("a process died");
                if (a_hold_stands_alone())
                    in_.sometimes("a process died between a hold and its order");
                town_.crash(p);
                in_.park(0, in_.between(milliseconds(50), seconds(3)),
                         [this, p] { town_.start(p); });
            }
        }
        if (strikes(wrong_.rebalance_per_s)) town_.shared.rebalance();
        if (strikes(wrong_.full_disk_per_s)) {
            in_.sometimes("a disk was full");
            town_.set_disk_full(true);
            in_.park(0, in_.between(milliseconds(100), seconds(4)),
                     [this] { town_.set_disk_full(false); });
        }
        if (strikes(wrong_.clock_jump_per_s)) {
            in_.sometimes("a wall clock jumped");
            town_.jump(microseconds(in_.chance.between(-90'000'000, 90'000'000)));
        }
    }

    // Units are held for an order that is still pending.
    bool a_hold_stands_alone() {
        static const char* const held = "SELECT order_id FROM holds WHERE status = 'held'";
        sqlite_statement rows(town_.shared.rows(), held);
        while (rows.step()) {
            const auto order = town_.shared.get(orders::orders_table, key_of("id", rows.text(0)));
            if (order && order->text("status") == "pending") return true;
        }
        return false;
    }

    world& in_;
    town& town_;
    const faults& wrong_;
};

// Advances the world to a moment, or until `enough`.
void pass(world& in, instant until, const std::function<bool()>& enough) {
    while (in.next_due() <= until && !enough()) in.step();
    // Time passes where nothing happens, too.
    if (!enough()) in.rest_until(until);
}

std::string live_through(world& in, store& shared, const faults& wrong, metrics& measured,
                         const run_options& options) {
    town shop(in, shared, wrong, measured);
    rules watch(shared, shop);
    people who(shop, options.customers, options.orders_each);
    misfortune bad_luck(in, shop, wrong);
    pass(in, in.now() + seconds(60), [&] { return who.done(); });
    shop.calm();
    // Twice in a row, so that what is still on its way is not taken for rest.
    std::optional<std::string> unrest = "nothing was looked at";
    int calm_looks = 0;
    const auto end = in.now() + seconds(300);
    while (in.now() < end && calm_looks < 2) {
        pass(in, in.now() + seconds(3), [] { return false; });
        unrest = who.done() ? watch.at_rest(who) : "clients still wait";
        calm_looks = unrest ? 0 : calm_looks + 1;
    }
    if (unrest) return *unrest;
    return {};
}

}  // namespace

laboratory::laboratory()
    : rows_(std::make_unique<memory_rows>(schema())), measured_(std::make_unique<metrics>()) {}
laboratory::~laboratory() = default;

run_report laboratory::run(std::uint64_t seed, const run_options& options) {
    run_report out{.seed = seed};
    world in(seed);
    if (options.tell)
        in.narrate = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
    const auto wrong = faults::draw(in.chance, options.without);
    try {
        store shared(in, wrong, *rows_);
        out.violation = live_through(in, shared, wrong, *measured_, options);
    } catch (const violation& broken) {
        out.violation = broken.what;
    }
    out.trace_hash = in.trace_hash();
    out.steps = in.steps();
    out.reached = in.reached();
    return out;
}

std::string laboratory::needed_faults(std::uint64_t seed, run_options& options) {
    std::string left;
    for (const auto name : faults::names) {
        auto fewer = options;
        fewer.without.insert(std::string(name));
        if (!run(seed, fewer).violation.empty()) options = std::move(fewer);
        else left += (left.empty() ? "" : " ") + std::string(name);
    }
    return left;
}

}  // namespace stoa::simulation
