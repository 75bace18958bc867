// The power goes at any moment, also after the process was killed and started again: an object that
// was acknowledged is there whole with its etag, one that was not is there whole or not at all,
// what was erased stays erased, and nothing that was never put is listed.
#include "simulation/blob_power_loss.hpp"
#include "adapters/filesystem/filesystem_blob.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>

namespace stoa::power {
namespace {

using testing::seeded_random;
using testing::temporary_directory;
using testing::test_loop;

const std::vector<std::string> buckets{"images", "exports"};
const std::vector<std::string> keys{"a", "b", "c", "orders/1", "orders/2", "deep/er/still/k"};

// One change of one object. Changes of an object come one after another, or the answer to which of
// them stands would be a matter of taste.
struct asked {
    std::size_t began = 0, acknowledged = SIZE_MAX;  // moments of the disk
    std::optional<std::string> content;              // nothing: an erase
    std::string etag;
};
using object_history = std::vector<asked>;
using object = std::pair<std::string, std::string>;  // bucket and key
using promises = std::map<object, object_history>;
enum class how : std::uint8_t { put, in_pieces, erase };

struct recording {
    std::vector<disk_change> history;
    std::vector<bool> directories;
    promises made;
    std::vector<std::size_t> restarts;  // moments
    int acknowledged = 0;
};

// The shop's side of a run: work in rounds of several objects at once, and processes that die.
class recorder {
 public:
    recorder(std::uint64_t seed, lie told)
        : chance_(seed),
          disk_(std::make_shared<recorded_disk>(where_.path(), told)),
          pool_("test-power", 1 + static_cast<int>(seed % 2), 256) {}

    recording record() {
        for (int life = 0; life < 4; ++life) {
            live(life);
            disk_->live_again();
        }
        out_.history = disk_->history();
        out_.directories = disk_->directories();
        return std::move(out_);
    }

 private:
    // Each life but the last ends at a change that does not happen.
    void live(int life) {
        if (life > 0) out_.restarts.push_back(disk_->moment());
        if (life < 3) disk_->die_at(disk_->moment() + chance_.below(120));
        auto opened = filesystem_blob::open(where_ / "blobs", pool_, disk_);
        if (!opened) return;
        store_ = *std::move(opened);
        ask_again();
        for (int round = 0; round < 8; ++round) work();
        store_.reset();
    }
    // What one process did not come to say, the next is asked again, as clients do.
    void ask_again() {
        std::map<object, asked> unanswered;
        for (const auto& [what, history] : out_.made)
            if (history.back().acknowledged == SIZE_MAX) unanswered.emplace(what, history.back());
        all_at_once(unanswered, [&](const object& what, const asked& last) {
            return last.content ? change(what, how::put, *last.content)
                                : change(what, how::erase, {});
        });
    }
    void work() {
        constexpr std::array ways{how::put, how::put, how::in_pieces, how::erase, how::erase};
        std::map<object, how> busy;
        const auto together = static_cast<std::size_t>(chance_.between(1, 9));
        while (busy.size() < together)
            busy.emplace(
                object{buckets[chance_.below(buckets.size())], keys[chance_.below(keys.size())]},
                ways[chance_.below(ways.size())]);
        all_at_once(busy, [&](const object& what, how way) {
            return change(what, way, content_of(++contents_));
        });
    }
    template <class Of, class Start>
    void all_at_once(const std::map<object, Of>& these, Start start) {
        std::size_t left = these.size();
        for (const auto& [what, with] : these) {
            loop_.spawn([&]() -> task<> {
                co_await start(what, with);
                --left;
            });
        }
        if (!loop_.run_until([&] { return left == 0; })) throw std::runtime_error("too slow");
    }
    task<> change(object what, how way, std::string content) {
        auto& history = out_.made[what];
        const auto nth = history.size();
        history.push_back({.began = disk_->moment()});
        if (way != how::erase) history[nth].content = content;
        std::optional<std::string> etag;
        if (way == how::erase) {
            if (co_await store_->erase(what.first, what.second)) etag.emplace();
        } else if (way == how::in_pieces) {
            etag = co_await in_pieces(what, content);
        } else if (auto put = co_await store_->put(what.first, what.second, content); put) {
            etag = put->etag;
        }
        if (!etag) co_return;
        history[nth].etag = *etag;
        history[nth].acknowledged = disk_->moment();
        ++out_.acknowledged;
    }
    task<std::optional<std::string>> in_pieces(object what, std::string content) {
        auto writer = co_await store_->create(what.first, what.second);
        if (!writer) co_return std::nullopt;
        const auto half = content.size() / 2;
        if (!co_await (*writer)->append(content.substr(0, half))) co_return std::nullopt;
        if (!co_await (*writer)->append(content.substr(half))) co_return std::nullopt;
        auto info = co_await (*writer)->finish();
        if (!info) co_return std::nullopt;
        co_return info->etag;
    }
    // Each content once in a run. Long ones are several sectors.
    std::string content_of(int n) {
        const auto size =
            static_cast<std::size_t>(chance_.between(0, chance_.below(6) ? 300 : 5'000));
        return std::to_string(n) + ':' + std::string(size, static_cast<char>('a' + n % 26));
    }

    temporary_directory where_;
    seeded_random chance_;
    std::shared_ptr<recorded_disk> disk_;
    recording out_;
    int contents_ = 0;
    std::unique_ptr<filesystem_blob> store_;
    blocking_pool pool_;
    test_loop loop_;
};

// What may stand in an object's place after a cut: the last acknowledged state, or what was asked
// for since and not yet acknowledged.
std::vector<asked> possible(const object_history& of, std::size_t moment) {
    std::vector<asked> out{{}};
    for (const auto& each : of) {
        if (each.began > moment) break;
        if (each.acknowledged <= moment) out.clear();
        out.push_back(each);
    }
    return out;
}

class shop_after {
 public:
    // What is wrong after the power came back; empty: nothing.
    std::string look(const std::string& directory, const promises& made, std::size_t moment) {
        auto opened = filesystem_blob::open(directory + "/blobs", pool_);
        if (!opened) return "it does not start: " + opened.error().detail;
        for (const auto& each : std::filesystem::recursive_directory_iterator(directory))
            if (each.path().filename().string().starts_with("~"))
                return "an upload that nobody ends was left: " + each.path().string();
        for (const auto& bucket : buckets) {
            auto listed = loop_.run([&] { return (*opened)->list(bucket, ""); });
            if (!listed) return "it cannot be listed: " + listed.error().detail;
            std::map<std::string, blob_info> found;
            for (auto& each : *listed) found.emplace(each.key, each);
            for (const auto& [key, info] : found)
                if (!made.contains({bucket, key})) return key + " was never put";
            for (const auto& key : keys) {
                const auto history = made.find({bucket, key});
                if (history == made.end()) continue;
                const auto at = found.find(key);
                auto wrong = look_at(**opened, bucket, at == found.end() ? nullptr : &at->second,
                                     possible(history->second, moment));
                if (!wrong.empty()) return wrong.insert(0, key + ": ");
            }
        }
        const auto put = loop_.run([&] { return (*opened)->put("images", "deep/er/new", "x"); });
        return put ? "" : "nothing can be put: " + put.error().detail;
    }

 private:
    std::string look_at(filesystem_blob& store, const std::string& bucket, const blob_info* listed,
                        const std::vector<asked>& allowed) {
        if (!listed) {
            const bool may_be_absent =
                std::ranges::any_of(allowed, [](const asked& a) { return !a.content; });
            return may_be_absent ? "" : "it was acknowledged and is lost";
        }
        const auto content = loop_.run([&] { return store.get(bucket, listed->key); });
        if (!content) return "it is listed and cannot be read: " + content.error().detail;
        const auto is =
            std::ranges::find_if(allowed, [&](const asked& a) { return a.content == *content; });
        if (is == allowed.end()) return "it is not what was put, or comes back from the past";
        if (listed->size_bytes != std::ssize(*content)) return "its size is wrong";
        if (!is->etag.empty() && is->etag != listed->etag) return "its etag is another";
        return {};
    }

    test_loop loop_;
    blocking_pool pool_{"test-after", 1, 64};
};

struct verdict {
    int cuts = 0, wrong = 0, acknowledged = 0, restarts = 0;
    std::string first;
};

// Anywhere, or soon after a restart: there stands what the last process left half done.
std::size_t some_moment(const recording& of, seeded_random& chance) {
    const auto restart = of.restarts[chance.below(of.restarts.size())];
    const auto anywhere = chance.below(of.history.size() + 1);
    return chance.below(2) ? anywhere : std::min(of.history.size(), restart + chance.below(16));
}

verdict cut_power(std::uint64_t from, int recordings, int cuts_each, lie told = lie::none) {
    verdict out;
    temporary_directory where;
    shop_after after;
    for (int r = 0; r < recordings; ++r) {
        const auto seed = from + static_cast<std::uint64_t>(r);
        const auto made = recorder(seed, told).record();
        out.acknowledged += made.acknowledged;
        out.restarts += static_cast<int>(made.restarts.size());
        seeded_random chance(seed * 7'919);
        for (int c = 0; c < cuts_each; ++c) {
            const auto moment = some_moment(made, chance);
            constexpr std::array ways{surviving::none, surviving::prefix, surviving::random};
            restore_disk(made.history, made.directories, moment, ways[chance.below(3)], chance,
                         where / "cut");
            const auto wrong = after.look(where / "cut", made.made, moment);
            ++out.cuts;
            if (wrong.empty()) continue;
            ++out.wrong;
            if (out.first.empty())
                out.first = "seed " + std::to_string(seed) + ", change " + std::to_string(moment) +
                            ", cut " + std::to_string(c) + ": " + wrong;
        }
    }
    return out;
}

int cuts_wanted() {
    const char* given = std::getenv("STOA_TEST_BLOB_CUTS");
    return given ? std::stoi(given) : 2'000;
}

TEST(blob_power_loss, nothing_acknowledged_is_lost_wherever_the_power_goes) {
    constexpr int cuts_each = 40;
    const auto all = cut_power(1, std::max(1, cuts_wanted() / cuts_each), cuts_each);
    EXPECT_EQ(all.wrong, 0) << all.first;
    // The run had something to lose.
    EXPECT_GT(all.acknowledged, all.cuts / 4);
    EXPECT_GT(all.restarts, all.cuts / 20);
    std::printf("%d power losses over %d acknowledged changes, %d with something lost\n", all.cuts,
                all.acknowledged, all.wrong);
}

// The controls: a checker that finds nothing here would find nothing above.
TEST(blob_power_loss, a_disk_whose_syncs_lie_is_caught) {
    EXPECT_GT(cut_power(1, 5, 40, lie::every_sync).wrong, 0);
}
TEST(blob_power_loss, a_missing_sync_of_files_is_caught) {
    EXPECT_GT(cut_power(1, 5, 40, lie::files).wrong, 0);
}
TEST(blob_power_loss, a_missing_sync_of_directories_is_caught) {
    EXPECT_GT(cut_power(1, 5, 40, lie::directories).wrong, 0);
}

}  // namespace
}  // namespace stoa::power
