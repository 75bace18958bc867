// The embedded log against what brokers are asked for, hundreds of thousands of messages a second
// (R240): appends that are durable when they return, and a group that takes what was appended.
// Messages of 300 bytes on four partitions; the argument is how many an append has. The rate is of
// wall time, as a disk is waited for; `cpu_us` is the whole process for one message.
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "base/ids.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <benchmark/benchmark.h>

#include <ctime>
#include <stdexcept>

namespace {

using namespace stoa;

constexpr int partitions = 4, payload_bytes = 300;
constexpr std::string_view topic = "bench";

double process_cpu_s() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class bench_log {
 public:
    bench_log() {
        auto opened = sqlite_shop::open({.directory = directory_ / "data",
                                         .topics = {{.name = topic, .partitions = partitions}}},
                                        time_);
        if (!opened) throw std::runtime_error(opened.error().detail);
        shop_ = *std::move(opened);
    }

    void append(int count) {
        std::vector<event> batch;
        batch.reserve(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i, ++made_)
            batch.push_back({.topic = std::string(topic),
                             .key = std::to_string(made_ % 1'000),
                             .id = uuid_v7(time_.now(), made_, made_),
                             .type = "bench.event",
                             .occurred_at = time_.now(),
                             .payload = payload_});
        const auto done = loop_.run([&]() -> task<result<void>> {
            co_return co_await shop_->log().append(std::move(batch));
        });
        if (!done) throw std::runtime_error(done.error().detail);
    }

    // Takes `count` messages as a new group, each batch reported done.
    void consume(std::string group, std::int64_t count) {
        auto joined = shop_->log().subscribe(std::move(group), {std::string(topic)}, {});
        if (!joined) throw std::runtime_error(joined.error().detail);
        loop_.run([&]() -> task<> {
            for (std::int64_t taken = 0; taken < count;) {
                const auto batch = co_await (*joined)->next(1'000);
                if (!batch) throw std::runtime_error(batch.error().detail);
                taken += std::ssize(batch->events);
                const auto done = co_await (*joined)->done(batch->topic, batch->partition,
                                                           batch->events.back().offset + 1);
                if (!done) throw std::runtime_error(done.error().detail);
            }
        });
    }

 private:
    testing::temporary_directory directory_;
    system_clock time_;
    testing::test_loop loop_;
    std::unique_ptr<sqlite_shop> shop_;
    std::string payload_ = R"({"text":")" + std::string(payload_bytes - 11, 'x') + R"("})";
    std::uint64_t made_ = 0;
};

void tell(benchmark::State& state, std::int64_t messages, double cpu_s) {
    state.SetItemsProcessed(messages);
    state.counters["cpu_us"] = cpu_s / static_cast<double>(messages) * 1e6;
}

void append(benchmark::State& state) {
    bench_log log;
    const auto count = static_cast<int>(state.range(0));
    const auto before = process_cpu_s();
    for (auto _ : state) log.append(count);
    tell(state, state.iterations() * count, process_cpu_s() - before);
}

void consume(benchmark::State& state) {
    constexpr int batches = 100, each = 1'000;
    bench_log log;
    for (int i = 0; i < batches; ++i) log.append(each);
    int round = 0;
    const auto before = process_cpu_s();
    for (auto _ : state) log.consume("group-" + std::to_string(round++), batches * each);
    tell(state, state.iterations() * batches * each, process_cpu_s() - before);
}

}  // namespace

BENCHMARK(append)->Arg(1)->Arg(100)->Arg(1'000)->UseRealTime()->MinTime(2);
BENCHMARK(consume)->UseRealTime()->MinTime(2)->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
