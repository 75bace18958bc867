// Pipelines whose keys are spread over partitions: each partition puts out its share of a window,
// and when the marks of all of them have passed it, the shares are added up here. Any process may
// do it; the pointer's condition lets one.
#pragma once

#include "services/analytics/analytics_source.hpp"

namespace stoa::analytics {

class merger {
 public:
    struct needs {
        key_value& items;
        event_log& log;
        byte_store& bytes;
        blob_store& blobs;
    };
    // `rows_at_once`: of a transaction; each may be two writes, of a hundred.
    merger(needs ports, const definitions& all, std::size_t rows_at_once);

    // Brings out what is complete, of every merged pipeline; how many windows.
    task<result<int>> round();
    // The shares of windows that wait for other partitions.
    task<result<void>> add_shares(const pipeline& of,
                                  std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to);

 private:
    // As its item has it: the window that ends at `end_ms` is out up to its row `emitted`, all of
    // it where `whole`.
    struct pointer {
        std::int64_t end_ms = no_mark, emitted = 0;
        bool whole = true, stored = false;
    };
    struct share {
        std::int64_t start_ms = 0, end_ms = 0;
        item stored;
    };
    task<result<std::optional<std::int64_t>>> mark_of_all(const pipeline& of);
    task<result<int>> merge(const pipeline& of);
    task<result<std::vector<share>>> shares(const pipeline& of, std::int64_t until_ms);
    task<result<void>> bring_out(const pipeline& of, pointer& at, std::span<const share> of_window);
    task<result<void>> erase(std::span<const share> done);

    needs ports_;
    const definitions& all_;
    const std::size_t rows_at_once_;
    std::map<std::string, int> partitions_;  // of topics, once known
};

}  // namespace stoa::analytics
