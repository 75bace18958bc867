// A camera's picture into the sizes that a storefront shows: CPU of the decoder's process, and what
// the process apart and its sandbox cost beside it.
#include "adapters/vips/isolated_renderer.hpp"
#include "adapters/vips/picture_work.hpp"
#include "adapters/vips/picture_worker.hpp"
#include "support/test_loop.hpp"

#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace stoa {
namespace {

const std::vector<int> sizes{150, 400, 800};

const vips::library& library() {
    static const auto loaded = vips::load_library();
    if (!loaded) throw std::runtime_error(loaded.error().detail);
    return *loaded;
}

// Slopes and grain, as a photograph has them: 8 megapixels are about 3 MB of JPEG.
std::string photograph(int width, int height) {
    std::string pixels;
    pixels.reserve(static_cast<std::size_t>(width * height * 3));
    std::uint32_t chance = 1;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            chance = chance * 1'664'525 + 1'013'904'223;
            const auto grain = static_cast<int>(chance >> 28) - 8;
            const auto wave = static_cast<int>(60 * std::sin(x / 90.0) * std::cos(y / 70.0));
            for (const int base : {110 + x * 60 / width, 120, 140 - y * 60 / height})
                pixels += static_cast<char>(std::clamp(base + wave + grain, 0, 255));
        }
    const auto& with = library();
    auto* const image = with.image_new_from_memory(pixels.data(), pixels.size(), width, height, 3,
                                                   vips::format_uchar);
    void* bytes = nullptr;
    std::size_t size = 0;
    const char* const end = nullptr;
    if (!image || with.jpegsave_buffer(image, &bytes, &size, "Q", 88, end) != 0)
        throw std::runtime_error(with.error_buffer());
    std::string out(static_cast<const char*>(bytes), size);
    with.free(bytes);
    with.object_unref(image);
    return out;
}

const std::string& original(std::int64_t megapixels) {
    static std::map<std::int64_t, std::string> made;
    auto& out = made[megapixels];
    const auto height = static_cast<int>(std::sqrt(static_cast<double>(megapixels) * 1e6 * 3 / 4));
    if (out.empty()) out = photograph(height * 4 / 3, height);
    return out;
}

void three_sizes(benchmark::State& state) {
    const auto& from = original(state.range(0));
    const std::vector<std::int64_t> within(sizes.begin(), sizes.end());
    for (auto _ : state) {
        auto made = vips::render_here(library(), from, within);
        if (!made || made->renditions.size() != 6) return state.SkipWithError("not rendered");
        benchmark::DoNotOptimize(made);
    }
    state.counters["original_kB"] = static_cast<double>(from.size()) / 1'000;
}

double cpu_seconds() {
    rusage of{};
    getrusage(RUSAGE_CHILDREN, &of);
    return static_cast<double>(of.ru_utime.tv_sec + of.ru_stime.tv_sec) +
           static_cast<double>(of.ru_utime.tv_usec + of.ru_stime.tv_usec) / 1e6;
}

// The worker's own CPU counts when it has ended: once a run.
void three_sizes_apart(benchmark::State& state) {
    const auto& from = original(state.range(0));
    testing::test_loop loop;
    const auto before = cpu_seconds();
    {
        isolated_renderer renderer;
        for (auto _ : state) {
            auto made = loop.run([&] { return renderer.render(from, sizes); });
            if (!made) return state.SkipWithError(made.error().detail.c_str());
        }
    }
    state.counters["process_cpu_ms"] = benchmark::Counter(1e3 * (cpu_seconds() - before) /
                                                          static_cast<double>(state.iterations()));
}

// The library works on threads of its own.
BENCHMARK(three_sizes)
    ->Arg(1)
    ->Arg(8)
    ->Arg(24)
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(three_sizes_apart)->Arg(8)->Iterations(20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace stoa

// The worker is this very program, as it is the shop's.
int main(int count, char** arguments) {
    if (count > 1 && std::strcmp(arguments[1], "picture-worker") == 0)
        return stoa::vips::run_picture_worker();
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
