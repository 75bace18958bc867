#include "embedded/analytics_pipelines.hpp"
#include "services/analytics/pipeline.hpp"

#include <stdexcept>

namespace stoa::analytics {

const definitions& definitions::built_in() {
    static const auto made = [] {
        const auto files = embedded::analytics_pipelines();
        auto read_one = read(files.front().content);
        // A test reads the same file, so a build with a wrong one does not pass.
        if (!read_one) throw std::logic_error(read_one.error().detail);
        return *std::move(read_one);
    }();
    return *made;
}

}  // namespace stoa::analytics
