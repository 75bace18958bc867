// `stoa doctor`: whether everything the shop needs is in order, and who holds the event log back.
#include "apps/stoa/doctor.hpp"
#include "adapters/sqlite/log_groups.hpp"
#include "adapters/vips/isolated_renderer.hpp"
#include "apps/stoa/commands.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/scratch_shop.hpp"
#include "apps/stoa/tools.hpp"
#include "apps/stoa/wiring.hpp"
#include "transport/http/blocking_client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace stoa {

void findings::good(const std::string& what) { std::printf("ok    %s\n", what.c_str()); }
void findings::wrong(const std::string& what, const std::string& then) {
    std::printf("WRONG %s%s%s\n", what.c_str(), then.empty() ? "" : ": ", then.c_str());
    ++wrong_;
}
void findings::lacks(const std::string& what, const std::string& then) {
    std::printf("lacks %s: %s\n", what.c_str(), then.c_str());
}
void findings::note(const std::string& what) { std::printf("      %s\n", what.c_str()); }

namespace {

void look_at_running(findings& say, const std::string& directory, const run_file& running) {
    http::blocking_client client(running.http, running.token), admin(running.admin, "");
    const auto alive = client.call("GET", "/health"), ready = admin.call("GET", "/ready");
    say.add(alive && alive->status == 200, "a shop runs on " + directory + " at " + running.http,
            "its run file is there but it does not answer; if no `stoa serve` runs, just start it");
    if (alive)
        say.add(ready && ready->status == 200, "it is ready",
                ready ? ready->body : "its admin listener does not answer");
}

// Seconds are enough for a person.
std::string second_of(timestamp at) { return rfc3339(at).substr(0, 19) + 'Z'; }

void print_group(const log_group& one, bool live) {
    std::printf("      %s%s", one.name.c_str(), live ? "" : " (no service of this version)");
    if (one.dead_letters > 0)
        std::printf(", %lld dead letters", static_cast<long long>(one.dead_letters));
    std::puts(":");
    for (const auto& share : one.topics) {
        std::printf("        %-28s lag %lld", share.topic.c_str(),
                    static_cast<long long>(share.lag));
        if (share.last_done)
            std::printf(", last did an event of %s", second_of(*share.last_done).c_str());
        if (share.behind_since)
            std::printf(", behind since %s", second_of(*share.behind_since).c_str());
        std::puts("");
    }
}

void look_at_groups(findings& say, const std::string& directory,
                    const std::vector<std::string>& live) {
    const auto groups = read_log_groups(directory);
    say.add(groups.has_value(),
            "the event log's consumer groups:", groups ? "" : groups.error().detail);
    if (!groups) return;
    for (const auto& each : *groups)
        print_group(each, std::ranges::find(live, each.name) != live.end());
    for (const auto& each : *groups)
        if (std::ranges::find(live, each.name) == live.end())
            say.add(false, "the group `" + each.name + "` keeps old events from going",
                    "if nothing will read by it again: stop the shop and run `stoa doctor "
                    "--drop-group " +
                        each.name + '`');
}

// On engines whose log says nothing of it by itself.
void look_at_dead_letters(findings& say, const settings& from) {
    const auto told = redrive_by(from, {.dry_run = true});
    if (!told) return say.wrong("the dead letters", told.error().detail);
    if (told->letters.empty()) return say.good("there are no dead letters");
    say.note(std::to_string(told->letters.size()) + (told->more ? " and more" : "") +
             " dead letters: `stoa redrive --dry-run` lists them with their causes");
}

// Of a shop that makes them itself.
void look_at_pictures(findings& say) {
    isolated_renderer renderer;
    loop own(1);
    result<void> made = fail(errc::internal, "check_ended_early");
    asio::co_spawn(own, renderer.check(), [&](const std::exception_ptr& thrown, result<void> told) {
        if (!thrown) made = std::move(told);
    });
    own.run();
    if (made) return say.good("pictures can be made (libvips, in its sandbox)");
    say.lacks("what makes pictures' sizes, so that uploaded ones stay `processing`",
              made.error().detail);
}

int drop_group(const settings& from, const std::string& name) {
    if (auto there = require_shop(from); !there) return complain(there.error());
    auto opened = shop::open(from);
    if (!opened) {
        auto why = opened.error();
        if (why.code == "data_directory_locked")
            why.detail += ". A group can be dropped only while the shop is stopped";
        return complain(why);
    }
    loop own(1);
    result<void> done = fail(errc::internal, "drop_ended_early");
    asio::co_spawn(own, (*opened)->drop_group(name),
                   [&](const std::exception_ptr& thrown, result<void> outcome) {
                       if (!thrown) done = std::move(outcome);
                   });
    own.run();
    if (!done) return complain(done.error());
    std::printf("The group `%s` is forgotten; what it alone held back goes with the next sweep\n",
                name.c_str());
    return 0;
}

}  // namespace

int run_doctor(const settings& from, const doctor_options& options) {
    if (!options.drop_group.empty()) return drop_group(from, options.drop_group);
    findings say;
    const auto& directory = from.text("data_dir");
    if (from.text("sql") != "sqlite" || from.text("key_value") != "sqlite" ||
        from.text("event_log") != "sqlite") {
        look_at_engines(say, from);
        if (const auto running = read_run_file(directory))
            look_at_running(say, directory, *running);
        if (say.status() == 0) look_at_dead_letters(say, from);
        return say.status();
    }
    if (const auto running = read_run_file(directory)) {
        look_at_running(say, directory, *running);
        const auto empty = scratch_shop::open(from);
        if (!empty) return complain(empty.error());
        look_at_groups(say, directory, (**empty)->consumer_groups());
        look_at_pictures(say);
        look_at_engines(say, from);
        return say.status();
    }
    if (auto there = require_shop(from); !there) return complain(there.error());
    const auto opened = shop::open(from);
    say.add(opened.has_value(),
            "the stores in " + directory + " open (SQLite, one writer, synchronous=EXTRA)",
            opened ? "" : opened.error().detail);
    std::error_code error;
    const auto space = std::filesystem::space(directory, error);
    say.add(!error && space.available > (std::uintmax_t{100} << 20), "the disk has room",
            "less than 100 MB are free under " + directory);
    if (opened) look_at_groups(say, directory, (*opened)->consumer_groups());
    look_at_pictures(say);
    look_at_engines(say, from);
    return say.status();
}

}  // namespace stoa
