#include "ports/event_log.hpp"

#include "base/ids.hpp"

namespace stoa {

int partition_of(std::string_view key, int partitions) {
    return static_cast<int>(stable_hash(key) % static_cast<std::uint64_t>(partitions));
}

}  // namespace stoa
