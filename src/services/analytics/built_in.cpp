#include "embedded/analytics_pipelines.hpp"
#include "services/analytics/pipeline.hpp"

#include <stdexcept>

namespace stoa::analytics {

result<std::unique_ptr<const definitions>> definitions::built_in_of(
    std::span<const std::string> only) {
    return read(embedded::analytics_pipelines().front().content, only);
}

const definitions& definitions::built_in() {
    static const auto made = [] {
        auto read_one = built_in_of({});
        // A test reads the same file, so a build with a wrong one does not pass.
        if (!read_one) throw std::logic_error(read_one.error().detail);
        return *std::move(read_one);
    }();
    return *made;
}

}  // namespace stoa::analytics
