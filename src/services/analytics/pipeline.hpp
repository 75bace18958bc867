// What the pipelines are: the one file analytics/pipelines.json, which Flink and Spark are checked
// against too. It is built into the program; nothing of it stands in code a second time.
#pragma once

#include "base/described.hpp"

#include <span>

namespace stoa::analytics {

// What an aggregate or a key can take from an event.
enum class field : std::uint8_t { user, product, order, word, currency, event, amount, quantity };
BOOST_DESCRIBE_ENUM(field, user, product, order, word, currency, event, amount, quantity)
inline constexpr std::size_t text_fields = 6;  // user … event; `event` is the record's own id

enum class window_kind : std::uint8_t { tumbling, sliding, session };
BOOST_DESCRIBE_ENUM(window_kind, tumbling, sliding, session)

enum class aggregate_kind : std::uint8_t { count, sum, distinct, average, difference, top };
BOOST_DESCRIBE_ENUM(aggregate_kind, count, sum, distinct, average, difference, top)

// How distinct values are counted: all of them kept, or in bounded memory with an error
// (hyperloglog.hpp).
enum class distinct_count : std::uint8_t { exact, hll };
BOOST_DESCRIBE_ENUM(distinct_count, exact, hll)

// Where a topic's payload has what. A member that is named must be there.
struct topic_definition {
    std::string name;
    std::optional<std::string> time;  // absent: the record's own occurred_at
    std::optional<std::string> user, product, order, word, amount, currency, quantity;
    std::optional<std::string> word_is;                      // the word where no member has it …
    std::optional<std::string> word_unless, word_otherwise;  // … and where this member is false
};
BOOST_DESCRIBE_STRUCT(topic_definition, (),
                      (name, time, user, product, order, word, amount, currency, quantity, word_is,
                       word_unless, word_otherwise))

struct input_definition {
    std::string topic;
    std::optional<std::vector<std::string>> words;  // absent: all
};
BOOST_DESCRIBE_STRUCT(input_definition, (), (topic, words))

struct key_definition {
    std::string name;
    analytics::field field{};
};
BOOST_DESCRIBE_STRUCT(key_definition, (), (name, field))

struct window_definition {
    window_kind kind{};
    std::int64_t size_ms = 0;  // of a session: the silence that ends it
    std::optional<std::int64_t> step_ms;

    std::int64_t pane_ms() const { return step_ms.value_or(size_ms); }
};
BOOST_DESCRIBE_STRUCT(window_definition, (), (kind, size_ms, step_ms))

struct aggregate_definition {
    std::string name;
    aggregate_kind kind{};
    std::optional<analytics::field> field;
    std::optional<std::vector<std::string>> words;  // only events with one of them
    std::optional<std::string> of, per;             // average: of / per; difference: of - per
    std::optional<std::int32_t> limit;              // top
    std::optional<distinct_count> distinct;         // of a distinct: exact
};
BOOST_DESCRIBE_STRUCT(aggregate_definition, (),
                      (name, kind, field, words, of, per, limit, distinct))

struct results_definition {
    std::optional<std::string> topic;   // rows are also events of it
    std::optional<std::string> object;  // rows of a window are also an object of this folder
};
BOOST_DESCRIBE_STRUCT(results_definition, (), (topic, object))

struct pipeline_definition {
    std::string name, says;
    std::vector<input_definition> inputs;
    std::vector<key_definition> key;
    std::optional<field> once_by;  // an event whose value was in the window before changes nothing
    window_definition window;
    std::int64_t out_of_orderness_ms = 0, allowed_lateness_ms = 0;
    std::vector<aggregate_definition> aggregates;
    results_definition results;
};
BOOST_DESCRIBE_STRUCT(pipeline_definition, (),
                      (name, says, inputs, key, once_by, window, out_of_orderness_ms,
                       allowed_lateness_ms, aggregates, results))

struct definition_file {
    std::int32_t version = 0;
    std::vector<topic_definition> topics;
    std::vector<pipeline_definition> pipelines;
};
BOOST_DESCRIBE_STRUCT(definition_file, (), (version, topics, pipelines))

// How an aggregate's state is kept: a number, a set, a sketch or a table of a cell, or nothing
// (derived).
struct aggregate_plan {
    const aggregate_definition* is = nullptr;
    int slot = -1;           // in the cell's numbers, sets, sketches or tops
    int of = -1, per = -1;   // derived: indexes of aggregates
    bool money = false;      // shown in the row's currency
    bool estimated = false;  // a distinct that is a sketch
};

struct pipeline {
    const pipeline_definition* is = nullptr;
    std::vector<aggregate_plan> aggregates;
    int numbers = 0, sets = 0, tops = 0, sketches = 0;
    int currency_part = -1;       // of the key
    bool local = false;           // all events of a key are in one partition: no merging
    bool runs = true;             // no: described, and left to another engine
    std::uint64_t signature = 0;  // of all that decides its results

    std::int64_t closes_ms(std::int64_t window_end_ms) const {
        return window_end_ms + is->allowed_lateness_ms + is->out_of_orderness_ms;
    }
};

// The file, read and checked. Immutable; lives as long as whoever uses it.
class definitions {
 public:
    // Errors name what in the file is wrong. `only`: the pipelines that run; none: all do.
    static result<std::unique_ptr<const definitions>> read(std::string_view text,
                                                           std::span<const std::string> only = {});
    // The file that this program was built with.
    static const definitions& built_in();
    // The same where not all of them run. `invalid` for a name that is none of them.
    static result<std::unique_ptr<const definitions>> built_in_of(
        std::span<const std::string> only);

    const topic_definition* find_topic(std::string_view name) const;
    const pipeline* find(std::string_view name) const;
    std::span<const pipeline> pipelines() const { return pipelines_; }
    std::span<const topic_definition> topics() const { return file_.topics; }
    // Marks matter where they cross a multiple of this: windows begin and end there.
    std::int64_t grid_ms() const { return grid_ms_; }
    std::int64_t longest_ms() const { return longest_ms_; }

 private:
    definitions() = default;
    result<void> plan(const pipeline_definition& of);
    result<void> choose(std::span<const std::string> only);

    definition_file file_;
    std::vector<pipeline> pipelines_;
    std::int64_t grid_ms_ = 0, longest_ms_ = 0;
};

}  // namespace stoa::analytics
