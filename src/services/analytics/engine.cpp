#include "services/analytics/engine.hpp"

#include "base/planted.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <unordered_map>

namespace stoa::analytics {
namespace {

constexpr std::int64_t state_version = 1;

struct fingerprint_hash {
    std::size_t operator()(const fingerprint& of) const {
        return static_cast<std::size_t>(of.high);
    }
};

std::int64_t floor_to(std::int64_t ms, std::int64_t step) { return ms - ms % step; }

}  // namespace

cell_layout layout_of(const pipeline& of) { return {of.numbers, of.sets, of.tops, of.sketches}; }

struct engine::pane {
    pane(cell_layout shape, std::pmr::memory_resource* memory)
        : cells(shape, memory), once(memory) {}
    cell_table cells;
    fingerprint_set once;  // of once_by
};

// A spell of one key: from its first event to its last.
struct engine::session {
    std::int64_t first_ms, last_ms;
    pane in;
};

// Of one key, in time order; they do not touch.
struct engine::key_sessions {
    std::string key;
    std::vector<session> all;
};

// What an event adds to a cell: an aggregate, without those that are derived from others.
struct engine::counter {
    aggregate_kind kind;
    bool estimated;
    field of;
    int slot;
    int words;  // the list
};

struct engine::work {
    work(const pipeline& p, const topic_definition& topic, word_lists& words)
        : of(p),
          shape(layout_of(p)),
          pane_ms(p.is->window.pane_ms()),
          key(p.is->key.size() == 1 ? std::optional(p.is->key.front().field) : std::nullopt) {
        for (const auto& each : p.is->inputs)
            if (each.topic == topic.name) inputs.push_back(words.add(each.words));
        for (const auto& each : p.aggregates)
            if (each.slot >= 0)
                counters.push_back({each.is->kind, each.estimated, each.is->field.value_or(field{}),
                                    each.slot, words.add(each.is->words)});
    }

    const pipeline& of;
    cell_layout shape;
    std::int64_t pane_ms;
    std::optional<field> key;            // of one part
    std::vector<int> inputs;             // of this topic: their lists of words
    std::vector<counter> counters;       // in the order of the aggregates
    std::map<std::int64_t, pane> panes;  // by their start
    std::unordered_map<fingerprint, key_sessions, fingerprint_hash> sessions;  // by key
    std::size_t open_sessions = 0;
    std::int64_t closed_ms = no_mark;   // windows that end by then are closed
    pane* last = nullptr;               // the pane of the event before
    const pane* before_last = nullptr;  // the one that stands before it in time
    std::int64_t last_start = -1;

    // Everything up to here is over, for this pipeline, at this mark.
    std::int64_t over_ms(std::int64_t mark_ms) const {
        return mark_ms - of.is->out_of_orderness_ms - of.is->allowed_lateness_ms;
    }
    // Mostly so, and told without a division.
    bool is_of_last(std::int64_t time_ms) const {
        return last && time_ms >= last_start && time_ms - last_start < pane_ms;
    }
    std::vector<const key_sessions*> sessions_in_order() const {
        std::vector<const key_sessions*> out;
        for (const auto& [print, each] : sessions) out.push_back(&each);
        std::ranges::sort(out, {}, &key_sessions::key);
        return out;
    }
    void forget_last() {
        last = nullptr;
        before_last = nullptr;
        last_start = -1;
    }
};

namespace {

// Half a minor unit goes away from zero.
std::int64_t average(std::int64_t sum, std::int64_t count) {
    if (count == 0) return 0;
    const auto whole = sum / count, rest = sum % count;
    if (std::abs(rest) * 2 < std::abs(count)) return whole;
    return whole + (sum < 0 ? -1 : 1);
}

row_value value_of(const aggregate_plan& each, const cell_table& cells, std::size_t cell,
                   const std::vector<row_value>& before) {
    row_value out;
    const auto of = [&](int index) { return before[static_cast<std::size_t>(index)].number; };
    switch (each.is->kind) {
        case aggregate_kind::count:
        case aggregate_kind::sum:
            out.number = cells.number(cell, each.slot);
            break;
        case aggregate_kind::distinct:
            out.number = each.estimated
                             ? cells.sketch(cell, each.slot).count()
                             : static_cast<std::int64_t>(cells.set(cell, each.slot).size());
            break;
        case aggregate_kind::average:
            out.number = average(of(each.of), of(each.per));
            break;
        case aggregate_kind::difference:
            out.number = saturated(of(each.of), -std::max(of(each.per), -INT64_MAX));
            break;
        case aggregate_kind::top: {
            const auto& top = cells.top(cell, each.slot);
            for (std::size_t i = 0; i < top.size(); ++i)
                out.top.emplace_back(std::string(top.key(i)), top.number(i, 0));
            std::ranges::sort(out.top, [](const auto& a, const auto& b) {
                return a.second != b.second ? a.second > b.second : a.first < b.first;
            });
            const auto limit = static_cast<std::size_t>(*each.is->limit);
            if (out.top.size() > limit) out.top.resize(limit);
            break;
        }
    }
    return out;
}

row row_of(const pipeline& of, std::int64_t start_ms, std::int64_t end_ms, const cell_table& cells,
           std::size_t cell) {
    row out{&of, start_ms, end_ms, std::string(cells.key(cell)), {}};
    for (const auto& each : of.aggregates)
        out.values.push_back(value_of(each, cells, cell, out.values));
    return out;
}

}  // namespace

std::vector<row> rows_of(const pipeline& of, std::int64_t start_ms, std::int64_t end_ms,
                         const cell_table& cells) {
    std::vector<row> out;
    for (const auto cell : cells.in_order())
        out.push_back(row_of(of, start_ms, end_ms, cells, cell));
    return out;
}

std::vector<std::string_view> row::key_parts() const {
    std::vector<std::string_view> out;
    std::string_view left = key;
    for (std::size_t i = 0; i < of->is->key.size(); ++i) {
        const auto end = left.find('\x1f');
        out.push_back(left.substr(0, end));
        left = end == std::string_view::npos ? std::string_view{} : left.substr(end + 1);
    }
    return out;
}

engine::engine(const definitions& all, const topic_definition& topic, engine_bounds bounds)
    : topic_(topic), bounds_(bounds), parser_(topic) {
    for (const auto& each : all.pipelines()) {
        const auto has = [&](const input_definition& input) { return input.topic == topic.name; };
        if (!each.runs || std::ranges::none_of(each.is->inputs, has)) continue;
        works_.push_back(std::make_unique<work>(each, topic, words_));
    }
}
engine::~engine() = default;

void engine::apply(const record& what, std::vector<output>& out) {
    if (what.offset < next_offset_ && !planted(planted_bug::event_counts_again_after_a_death))
        return;
    next_offset_ = what.offset + 1;
    if (what.type == mark_type) {
        ++counts_.marks;
        advance_to(what.recorded_ms, out);
        return;
    }
    ++counts_.events;
    parsed_event event;
    if (!parser_.parse(what.payload, what.recorded_ms, event)) {
        ++counts_.bad;
        output bad{.what = output::is::bad, .offset = what.offset};
        bad.why = parser_.failure();
        out.push_back(std::move(bad));
        return;
    }
    event.texts[static_cast<std::size_t>(field::event)] = what.id;
    words_.look_at(event.text(field::word));
    late_.clear();
    for (auto& each : works_)
        if (wants(*each) && !feed(*each, event)) late_.push_back(each->of.is->name);
    if (late_.empty() || planted(planted_bug::late_event_is_dropped)) return;
    ++counts_.late;
    output told{.what = output::is::late, .offset = what.offset};
    told.pipelines = late_;
    out.push_back(std::move(told));
}

bool engine::wants(const work& on) const {
    return std::ranges::any_of(on.inputs, [this](int words) { return words_.has(words); });
}

template <class Insert>
void engine::count_in(const work& of, cell_table& cells, std::size_t cell, parsed_event& event,
                      Insert insert) {
    for (const auto& each : of.counters) {
        if (!words_.has(each.words)) continue;
        switch (each.kind) {
            case aggregate_kind::count:
                ++cells.number(cell, each.slot);
                break;
            case aggregate_kind::sum: {
                auto& sum = cells.number(cell, each.slot);
                sum = saturated(sum, event.number(each.of));
                break;
            }
            case aggregate_kind::distinct:
                if (each.estimated) cells.sketch(cell, each.slot).insert(event.print(each.of));
                else insert(each.slot, event.print(each.of));
                break;
            case aggregate_kind::top: {
                auto& top = cells.top(cell, each.slot);
                ++top.number(top.find_or_add(event.text(each.of), event.print(each.of)), 0);
                break;
            }
            case aggregate_kind::average:
            case aggregate_kind::difference:
                break;
        }
    }
}

void engine::settle() const {
    for (std::size_t i = 0; i < most_coming; ++i) {
        auto& next = coming_[coming_count_++ % most_coming];
        if (auto* const to = std::exchange(next.to, nullptr)) to->insert(next.what);
    }
}

// Of one part it is where it lies; of several it is put together.
engine::event_key engine::key_of(const work& of, parsed_event& event) {
    if (of.key) return {event.text(*of.key), event.print(*of.key)};
    const auto& parts = of.of.is->key;
    key_.clear();
    for (const auto& part : parts) {
        if (&part != &parts.front()) key_ += '\x1f';
        key_ += event.text(part.field);
    }
    return {key_, fingerprint_of(key_)};
}

// False: it came too late.
bool engine::feed(work& on, parsed_event& event) {
    const auto key = key_of(on, event);
    return on.of.is->window.kind == window_kind::session ? feed_session(on, event, key)
                                                         : feed_pane(on, event, key);
}

// Sets of the window before say how large those of this one will be.
std::size_t engine::add_cell(work& on, const event_key& key) {
    settle();
    auto& cells = on.last->cells;
    const auto made = cells.add(key.text, key.print);
    if (!on.before_last) return made;
    const auto& others = on.before_last->cells;
    if (const auto other = others.find(key.print); other != cell_table::none)
        cells.reserve_like(made, others, other);
    return made;
}

// False: it came too late.
bool engine::move_to_pane(work& on, std::int64_t time_ms) {
    const auto start = floor_to(time_ms, on.pane_ms);
    // The last window that holds the pane begins with it.
    if (start + on.of.is->window.size_ms <= on.closed_ms &&
        !planted(planted_bug::late_event_is_counted))
        return false;
    auto found = on.panes.find(start);
    if (found == on.panes.end()) {
        // A bound on what strangers can make us keep.
        if (on.panes.size() >= bounds_.open_panes) return false;
        found = on.panes.emplace(start, pane(on.shape, &memory_)).first;
    }
    on.last = &found->second;
    on.before_last = found == on.panes.begin() ? nullptr : &std::prev(found)->second;
    on.last_start = start;
    return true;
}

bool engine::feed_pane(work& on, parsed_event& event, const event_key& key) {
    if (!on.is_of_last(event.time_ms) && !move_to_pane(on, event.time_ms)) return false;
    auto& in = *on.last;
    if (on.of.is->once_by && !in.once.insert(event.print(*on.of.is->once_by)) &&
        !planted(planted_bug::order_counts_twice_in_its_window))
        return true;
    auto cell = in.cells.find(key.print);
    if (cell == cell_table::none) cell = add_cell(on, key);
    count_in(on, in.cells, cell, event,
             [&](int slot, fingerprint what) { insert_later(in.cells.set(cell, slot), what); });
    return true;
}

bool engine::feed_session(work& on, parsed_event& event, const event_key& key) {
    const auto gap = on.of.is->window.size_ms;
    const auto at = event.time_ms;
    auto found = on.sessions.find(key.print);
    // Those of its key that it touches become one.
    session* into = nullptr;
    if (found != on.sessions.end()) {
        auto& all = found->second.all;
        for (std::size_t i = 0; i < all.size();) {
            if (at >= all[i].last_ms + gap || at + gap <= all[i].first_ms) {
                ++i;
                continue;
            }
            if (!into) {
                into = &all[i++];
                continue;
            }
            settle();  // members on their way into one that ends here
            into->first_ms = std::min(into->first_ms, all[i].first_ms);
            into->last_ms = std::max(into->last_ms, all[i].last_ms);
            into->in.cells.add(all[i].in.cells);
            into->in.once.add(all[i].in.once);
            all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
            --on.open_sessions;
        }
    }
    if (!into) {
        if (at + gap <= on.closed_ms || on.open_sessions >= bounds_.open_panes * 50) return false;
        if (found == on.sessions.end())
            found = on.sessions.try_emplace(key.print, std::string(key.text)).first;
        auto& all = found->second.all;
        const auto place =
            std::ranges::find_if(all, [&](const session& s) { return s.first_ms > at; });
        into = &*all.insert(place, session{at, at, pane(on.shape, &memory_)});
        ++on.open_sessions;
    }
    into->first_ms = std::min(into->first_ms, at);
    into->last_ms = std::max(into->last_ms, at);
    if (on.of.is->once_by && !into->in.once.insert(event.print(*on.of.is->once_by))) return true;
    // Its only cell. Sets stay where they are when sessions move.
    auto& cells = into->in.cells;
    const auto cell = cells.find_or_add(key.text, key.print);
    count_in(on, cells, cell, event,
             [&](int slot, fingerprint what) { insert_later(cells.set(cell, slot), what); });
    return true;
}

void engine::advance_to(std::int64_t mark_ms, std::vector<output>& out) {
    if (mark_ms <= mark_ms_) return;
    mark_ms_ = mark_ms;
    settle();
    for (auto& each : works_) {
        if (each->of.is->window.kind == window_kind::session) close_sessions(*each, out);
        else close(*each, out);
    }
}

void engine::close(work& on, std::vector<output>& out) {
    const auto over = on.over_ms(mark_ms_);
    if (over <= on.closed_ms) return;
    const auto& window = on.of.is->window;
    const auto step = window.pane_ms();
    // Each window that has a pane, in the order of their ends; those without are passed over.
    while (!on.panes.empty()) {
        // The earliest open window that holds the first pane.
        auto end = on.panes.begin()->first + step;
        if (on.closed_ms >= end) end = floor_to(on.closed_ms, step) + step;
        if (end > over) break;
        close_window(on, end, out);
        on.closed_ms = end;
        // What begins where this window begins is in no later one.
        while (!on.panes.empty() && on.panes.begin()->first <= end - window.size_ms)
            on.panes.erase(on.panes.begin());
    }
    on.closed_ms = over;
    on.forget_last();
}

void engine::close_window(work& on, std::int64_t end_ms, std::vector<output>& out) {
    const auto start = end_ms - on.of.is->window.size_ms;
    const auto from = on.panes.lower_bound(start), until = on.panes.lower_bound(end_ms);
    if (from == until) return;
    cell_table sum(on.shape);
    const cell_table* cells = &from->second.cells;
    if (std::next(from) != until) {
        for (auto at = from; at != until; ++at) sum.add(at->second.cells);
        cells = &sum;
    }
    if (!on.of.local) {
        output part{.what = output::is::part, .of = &on.of, .start_ms = start, .end_ms = end_ms};
        byte_writer bytes;
        cells->write(bytes);
        part.bytes = bytes.take();
        out.push_back(std::move(part));
        return;
    }
    for (auto& each : rows_of(on.of, start, end_ms, *cells)) {
        output made{.what = output::is::row, .of = &on.of};
        made.row = std::move(each);
        out.push_back(std::move(made));
    }
}

void engine::close_sessions(work& on, std::vector<output>& out) {
    const auto over = on.over_ms(mark_ms_);
    if (over <= on.closed_ms) return;
    on.closed_ms = over;
    const auto gap = on.of.is->window.size_ms;
    std::vector<row> ended;
    for (auto at = on.sessions.begin(); at != on.sessions.end();) {
        auto& all = at->second.all;
        std::size_t gone = 0;
        while (gone < all.size() && all[gone].last_ms + gap <= over) {
            auto& one = all[gone++];
            for (auto& each : rows_of(on.of, one.first_ms, one.last_ms + gap, one.in.cells))
                ended.push_back(std::move(each));
        }
        on.open_sessions -= gone;
        all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(gone));
        at = all.empty() ? on.sessions.erase(at) : std::next(at);
    }
    std::ranges::sort(ended, {}, [](const row& each) {
        return std::tuple(each.end_ms, each.start_ms, std::string_view(each.key));
    });
    for (auto& each : ended) {
        output made{.what = output::is::row, .of = &on.of};
        made.row = std::move(each);
        out.push_back(std::move(made));
    }
}

std::size_t engine::open_cells() const {
    std::size_t out = 0;
    for (const auto& each : works_) {
        for (const auto& [start, in] : each->panes) out += in.cells.size();
        out += each->open_sessions;
    }
    return out;
}

std::vector<row> engine::open_rows(const pipeline& of, const std::string* key) const {
    settle();
    std::vector<row> out;
    std::map<std::pair<std::int64_t, std::int64_t>, cell_table> all;
    if (!key) {
        add_open(of, all);
        for (const auto& [when, cells] : all)
            for (auto& each : rows_of(of, when.first, when.second, cells))
                out.push_back(std::move(each));
        return out;
    }
    // One key of tumbling windows: nothing is copied.
    const auto print = fingerprint_of(*key);
    for (const auto& each : works_) {
        if (&each->of != &of) continue;
        for (const auto& [start, in] : each->panes) {
            const auto cell = in.cells.find(print);
            if (cell == cell_table::none) continue;
            out.push_back(row_of(of, start, start + of.is->window.size_ms, in.cells, cell));
        }
    }
    return out;
}

void engine::add_open(const pipeline& of,
                      std::map<std::pair<std::int64_t, std::int64_t>, cell_table>& to,
                      const std::string* key) const {
    settle();
    const auto print = key ? fingerprint_of(*key) : fingerprint{};
    const auto add = [&](std::int64_t start, std::int64_t end, const cell_table& cells) {
        const auto cell = key ? cells.find(print) : cell_table::none;
        if (key && cell == cell_table::none) return;
        auto& sum = to.try_emplace({start, end}, layout_of(of)).first->second;
        if (key) sum.add(cells, cell);
        else sum.add(cells);
    };
    for (const auto& each : works_) {
        if (&each->of != &of) continue;
        const auto& window = of.is->window;
        for (const auto& [start, in] : each->panes)
            for (auto end = start + window.pane_ms(); end <= start + window.size_ms;
                 end += window.pane_ms())
                if (end > each->closed_ms) add(end - window.size_ms, end, in.cells);
        for (const auto& [of_print, of_key] : each->sessions)
            for (const auto& one : of_key.all)
                add(one.first_ms, one.last_ms + window.size_ms, one.in.cells);
    }
}

std::string engine::save() const {
    settle();
    byte_writer to;
    to.number(state_version);
    to.text(topic_.name);
    for (const auto n : {next_offset_, mark_ms_, counts_.events, counts_.marks, counts_.late,
                         counts_.bad, static_cast<std::int64_t>(works_.size())})
        to.number(n);
    const auto write_pane = [](byte_writer& out, const pane& in) {
        in.cells.write(out);
        out.prints(in.once);
    };
    for (const auto& each : works_) {
        // Apart, so that a pipeline that is gone can be passed over.
        byte_writer of;
        of.number(each->closed_ms);
        of.number(static_cast<std::int64_t>(each->panes.size()));
        for (const auto& [start, in] : each->panes) {
            of.number(start);
            write_pane(of, in);
        }
        of.number(static_cast<std::int64_t>(each->sessions.size()));
        for (const auto* one_key : each->sessions_in_order()) {
            of.text(one_key->key);
            of.number(static_cast<std::int64_t>(one_key->all.size()));
            for (const auto& one : one_key->all) {
                of.number(one.first_ms);
                of.number(one.last_ms);
                write_pane(of, one.in);
            }
        }
        to.text(each->of.is->name);
        to.number(static_cast<std::int64_t>(each->of.signature));
        to.text(of.take());
    }
    return to.take();
}

result<void> engine::restore(std::string_view bytes) {
    const auto broken = [&] {
        return fail(errc::invalid, "analytics_state_ill_formed",
                    "the saved windows of " + topic_.name + " cannot be read");
    };
    byte_reader from(bytes);
    if (from.number() != state_version || from.text() != topic_.name) return broken();
    const auto next_offset = from.number(), mark_ms = from.number();
    engine_counts counts;
    for (auto* each : {&counts.events, &counts.marks, &counts.late, &counts.bad})
        *each = from.number();
    const auto read_pane = [this](byte_reader& in, cell_layout shape) {
        pane out(shape, &memory_);
        out.cells = cell_table::read(in, shape, &memory_);
        const auto members = in.count(16);
        for (std::size_t i = 0; i < members; ++i) out.once.insert(in.print());
        return out;
    };
    settle();
    const auto pipelines = from.count();
    for (std::size_t n = 0; n < pipelines && from.good(); ++n) {
        const auto name = from.text();
        const auto signature = static_cast<std::uint64_t>(from.number());
        byte_reader in(from.text());
        const auto mine = std::ranges::find_if(works_, [&](const auto& w) {
            return w->of.is->name == name && w->of.signature == signature;
        });
        if (mine == works_.end()) continue;
        auto& on = **mine;
        on.closed_ms = in.number();
        on.panes.clear();
        on.sessions.clear();
        on.open_sessions = 0;
        on.forget_last();
        for (auto left = in.count(); left > 0 && in.good(); --left) {
            const auto start = in.number();
            on.panes.emplace(start, read_pane(in, on.shape));
        }
        for (auto left = in.count(); left > 0 && in.good(); --left) {
            const auto key = in.text();
            auto& all =
                on.sessions.try_emplace(fingerprint_of(key), std::string(key)).first->second.all;
            for (auto more = in.count(); more > 0 && in.good(); --more) {
                const auto first = in.number(), last = in.number();
                all.push_back({first, last, read_pane(in, on.shape)});
                ++on.open_sessions;
            }
        }
        if (!in.good()) return broken();
    }
    if (!from.good() || next_offset < 0) return broken();
    next_offset_ = next_offset;
    mark_ms_ = mark_ms;
    counts_ = counts;
    return {};
}

}  // namespace stoa::analytics
