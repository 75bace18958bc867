// Windows over a stream of JSON against their goal: 5 million events for a second of CPU. 1,000
// products by Zipf's law with exponent 1, 100,000 users, one event in a hundred late by up to 15 s,
// 5,000 events a second of event time, marks where they close windows. `events_per_cpu_second`
// counts this thread's time from the payload to the windows' rows; memory is what the process has
// grown by with 1,000,000 open keys. STOA_BENCH_EVENTS names a file of payloads, one a line, to
// take instead (bench/analytics.py: the same for all that it measures).
#include "services/analytics/engine.hpp"

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>

namespace {

using namespace stoa::analytics;

constexpr std::size_t stream_events = 1'000'000;
constexpr std::int64_t begin_ms = 1'704'110'400'000;

// P1 alone, as the other engines are measured.
const definitions& p1() {
    static const auto made = [] {
        std::ifstream file("analytics/pipelines.json");
        std::string text(std::istreambuf_iterator<char>(file), {});
        const auto first = text.find("{\"name\": \"product_viewers\"");
        const auto second = text.find("{\"name\": \"orders_by_minute\"");
        if (first == std::string::npos || second == std::string::npos)
            throw std::runtime_error("run it from the project's folder");
        text = text.substr(0, text.rfind(',', second)) + "]}";
        return definitions::read(text);
    }();
    if (!made) throw std::runtime_error(made.error().detail);
    return **made;
}

// Payloads one behind the other, and the newest time up to each.
struct stream {
    std::string text;
    std::vector<std::size_t> ends;
    std::vector<std::int64_t> newest_ms;

    std::size_t size() const { return ends.size(); }
    std::string_view payload(std::size_t i) const {
        const auto from = i == 0 ? 0 : ends[i - 1];
        return std::string_view(text).substr(from, ends[i] - from);
    }
    void add(std::string_view payload, std::int64_t now_ms) {
        text += payload;
        ends.push_back(text.size());
        newest_ms.push_back(now_ms);
    }
};

stream stream_of(const char* path) {
    stream out;
    std::ifstream file(path);
    std::int64_t newest = 0;
    for (std::string line; std::getline(file, line);) {
        constexpr std::string_view before = R"("timestamp":")";
        const auto at = line.find(before);
        if (at == std::string::npos) throw std::runtime_error("a line has no timestamp");
        const auto from = at + before.size();
        const auto time = stoa::read_rfc3339(line.substr(from, line.find('"', from) - from));
        if (!time) throw std::runtime_error("a line has no timestamp that can be read");
        newest = std::max(newest, time->micros / 1'000);
        out.add(line, newest);
    }
    if (out.size() == 0) throw std::runtime_error(std::string(path) + " holds no events");
    return out;
}

const stream& events() {
    static const auto made = [] {
        if (const char* path = std::getenv("STOA_BENCH_EVENTS")) return stream_of(path);
        stream out;
        std::mt19937_64 chance(7);
        std::vector<double> sums;
        double sum = 0;
        for (int i = 1; i <= 1'000; ++i) sums.push_back(sum += 1.0 / i);
        std::uniform_real_distribution<double> at(0, sum), part(0, 1);
        for (std::size_t i = 0; i < stream_events; ++i) {
            const auto now = begin_ms + static_cast<std::int64_t>(i) / 5;
            auto ms = now;
            if (part(chance) < 0.01) ms -= static_cast<std::int64_t>(part(chance) * 15'000);
            const auto product = std::ranges::lower_bound(sums, at(chance)) - sums.begin() + 1;
            out.add(R"({"user_id":"u)" + std::to_string(chance() % 100'000) +
                        R"(","product_id":"p)" + std::to_string(product) +
                        R"(","event_type":"VIEW_PRODUCT","timestamp":")" +
                        stoa::rfc3339({ms * 1'000}) + R"(","metadata":{"session_id":"s1"}})",
                    now);
        }
        return out;
    }();
    return made;
}

// As producers write them: where a window of a minute closes, ten seconds behind its end.
bool mark_due(std::int64_t now_ms, std::int64_t marked_ms) {
    constexpr std::int64_t minute_ms = 60'000, disorder_ms = 10'000;
    return marked_ms < 0 ||
           (now_ms - disorder_ms) / minute_ms != (marked_ms - disorder_ms) / minute_ms;
}

void run(benchmark::State& state, const definitions& all) {
    const auto& from = events();
    const auto& topic = *all.find_topic("ecom-raw-events");
    std::size_t rows = 0, late = 0;
    for (auto _ : state) {
        engine one(all, topic);
        std::vector<output> out;
        rows = late = 0;
        std::int64_t offset = 0, marked = -1;
        const auto count = [&] {
            for (const auto& each : out) {
                late += each.what == output::is::late;
                rows += each.what == output::is::row && each.of->is->name == "product_viewers";
            }
            out.clear();
        };
        for (std::size_t i = 0; i < from.size(); ++i) {
            one.apply({offset++, "id", "any", from.payload(i), 0}, out);
            if (mark_due(from.newest_ms[i], marked)) {
                marked = from.newest_ms[i];
                one.apply({offset++, "m", stoa::mark_type, {}, marked}, out);
            }
            if (out.size() >= 1'000) count();
        }
        one.advance_to(from.newest_ms.back() + 600'000, out);
        count();
        benchmark::DoNotOptimize(rows);
    }
    state.counters["events_per_cpu_second"] = benchmark::Counter(
        static_cast<double>(state.iterations()) * static_cast<double>(from.size()),
        benchmark::Counter::kIsRate);
    state.counters["rows"] = static_cast<double>(rows);
    state.counters["late"] = static_cast<double>(late);
}

void p1_windows(benchmark::State& state) { run(state, p1()); }
void all_windows(benchmark::State& state) { run(state, definitions::built_in()); }

// Of the process: the engine has memory beside the heap.
std::int64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

void open_keys(benchmark::State& state) {
    const auto& all = p1();
    for (auto _ : state) {
        ::malloc_trim(0);  // what runs before left is not this state's
        const auto before = resident_bytes();
        engine one(all, *all.find_topic("ecom-raw-events"));
        std::vector<output> out;
        std::string payload;
        for (std::int64_t i = 0; i < 1'000'000; ++i) {
            payload = R"({"user_id":"u)" + std::to_string(i % 100'000) + R"(","product_id":")" +
                      "018f0000-0000-7000-8000-" + std::to_string(100'000'000'000 + i) +
                      R"(","event_type":"VIEW_PRODUCT","timestamp":1704110400000})";
            one.apply({i, "id", "any", payload, 0}, out);
        }
        state.counters["megabytes"] = static_cast<double>(resident_bytes() - before) / 1e6;
        state.counters["state_megabytes"] = static_cast<double>(one.save().size()) / 1e6;
    }
}

BENCHMARK(p1_windows)->Unit(benchmark::kMillisecond)->MinTime(2);
BENCHMARK(all_windows)->Unit(benchmark::kMillisecond)->MinTime(2);
BENCHMARK(open_keys)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
