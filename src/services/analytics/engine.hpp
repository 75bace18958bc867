// The windows over one partition of one topic. Pure and deterministic: what comes out, and in which
// order, is a function of the records alone, in the order of their offsets; neither clock nor
// timing nor batches come in. Saved and restored, it goes on as if nothing had been.
//
// Time moves by marks only (ports/event_marks.hpp), which producers write behind their events: a
// single event that claims to be of next year opens its window and closes nobody's. A window is
// closed when its partition's mark has passed its end, the pipeline's out-of-orderness and its
// allowed lateness; what comes for it later is late: counted, and put out.
#pragma once

#include "base/huge_page_pool.hpp"
#include "ports/event_marks.hpp"
#include "services/analytics/cells.hpp"
#include "services/analytics/event_parser.hpp"
#include "services/analytics/pipeline.hpp"
#include "services/analytics/word_lists.hpp"

#include <map>
#include <optional>

namespace stoa::analytics {

inline constexpr std::int64_t no_mark = -1;

// A record of the log, as the engine needs it.
struct record {
    std::int64_t offset = 0;
    std::string_view id, type, payload;
    std::int64_t recorded_ms = 0;  // occurred_at of the record; a mark's is what it says
};

// One value of a row: a number, or a list of the most frequent texts.
struct row_value {
    std::int64_t number = 0;
    std::vector<std::pair<std::string, std::int64_t>> top;
    friend bool operator==(const row_value&, const row_value&) = default;
};
struct row {
    const pipeline* of = nullptr;
    std::int64_t start_ms = 0, end_ms = 0;
    std::string key;                // parts with \x1f between them
    std::vector<row_value> values;  // as the pipeline's aggregates

    std::vector<std::string_view> key_parts() const;
};

// What an engine puts out, in one order.
struct output {
    enum class is : std::uint8_t {
        row,   // of a local pipeline: final
        part,  // of a pipeline that is merged: this partition's share of a window, as bytes
        late,  // the record at `offset` came too late for the pipelines named
        bad,   // the record at `offset` could not be read
    };
    is what = is::row;
    analytics::row row;
    const pipeline* of = nullptr;
    std::int64_t start_ms = 0, end_ms = 0;
    std::string bytes;
    std::int64_t offset = 0;
    std::vector<std::string_view> pipelines;
    parse_failure why;
};

struct engine_counts {
    std::int64_t events = 0, marks = 0, late = 0, bad = 0;
};

struct engine_bounds {
    std::size_t open_panes = 20'000;  // of a pipeline; sessions count as one each
};

// Thread rule: one thread at a time.
class engine {
 public:
    engine(const definitions& all, const topic_definition& topic, engine_bounds bounds = {});
    ~engine();

    // Records below next_offset() are passed over: they were here before.
    void apply(const record& what, std::vector<output>& out);
    // As if a mark of this time had come: for sources that end.
    void advance_to(std::int64_t mark_ms, std::vector<output>& out);

    std::int64_t next_offset() const { return next_offset_; }
    std::int64_t mark_ms() const { return mark_ms_; }
    const engine_counts& counts() const { return counts_; }
    std::size_t open_cells() const;

    std::string save() const;
    // `invalid` for bytes that are no state of this topic. Pipelines whose definition has changed
    // since begin anew.
    result<void> restore(std::string_view bytes);

    // Windows that are open now, as they stand: provisional. For one key, or for all. A merged
    // pipeline's are this partition's share.
    std::vector<row> open_rows(const pipeline& of, const std::string* key) const;
    // The same, to be merged with other partitions'.
    void add_open(const pipeline& of,
                  std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to,
                  const std::string* key = nullptr) const;

 private:
    struct pane;
    struct session;
    struct key_sessions;
    struct work;  // one pipeline's state

    struct counter;

    // A member on its way into a set of a pane: inserted a few events later, when its place has
    // come from memory. Nothing of a set is read, and no pane gets another cell, before settle().
    struct coming {
        fingerprint_set* to;
        fingerprint what;
    };
    static constexpr std::size_t most_coming = 16;
    void insert_later(fingerprint_set& to, fingerprint what) {
        to.prefetch(what);
        auto& place = coming_[coming_count_++ % most_coming];
        if (place.to) place.to->insert(place.what);
        place = {&to, what};
    }
    void settle() const;
    template <class Insert>
    void count_in(const work& of, cell_table& cells, std::size_t cell, parsed_event& event,
                  Insert insert);

    struct event_key {
        std::string_view text;
        fingerprint print;
    };
    event_key key_of(const work& of, parsed_event& event);
    bool wants(const work& on) const;
    bool feed(work& on, parsed_event& event);
    std::size_t add_cell(work& on, const event_key& key);
    bool move_to_pane(work& on, std::int64_t time_ms);
    bool feed_pane(work& on, parsed_event& event, const event_key& key);
    bool feed_session(work& on, parsed_event& event, const event_key& key);
    void close(work& on, std::vector<output>& out);
    void close_sessions(work& on, std::vector<output>& out);
    void close_window(work& on, std::int64_t end_ms, std::vector<output>& out);

    const topic_definition& topic_;
    engine_bounds bounds_;
    huge_page_pool memory_;  // of the sets of open windows
    event_parser parser_;
    word_lists words_;
    std::vector<std::unique_ptr<work>> works_;
    std::int64_t next_offset_ = 0, mark_ms_ = no_mark;
    engine_counts counts_;
    std::string key_;                     // of several parts; kept for its memory
    std::vector<std::string_view> late_;  // of the event; kept for its memory
    mutable std::array<coming, most_coming> coming_{};
    mutable std::size_t coming_count_ = 0;
};

cell_layout layout_of(const pipeline& of);
// The rows of a window, in the order of their keys.
std::vector<row> rows_of(const pipeline& of, std::int64_t start_ms, std::int64_t end_ms,
                         const cell_table& cells);

}  // namespace stoa::analytics
