#include "apps/stoa/replay_verb.hpp"

#include "apps/stoa/commands.hpp"
#include "apps/stoa/run_file.hpp"
#include "apps/stoa/running_shop.hpp"
#include "apps/stoa/wiring_analytics.hpp"
#include "base/json.hpp"
#include "services/activity/activity_events.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace stoa {

// A line: an event of a topic, or the payload of a viewer's event by itself.
struct replayed_line {
    std::optional<std::string> topic, id, type;
    std::optional<timestamp> occurred_at;
    std::optional<json_text> payload;
};
BOOST_DESCRIBE_STRUCT(replayed_line, (), (topic, id, type, occurred_at, payload))

namespace {

constexpr std::size_t longest_line = std::size_t{4} << 20;
constexpr std::size_t most_told = 20;  // bad lines that are shown; all are counted
constexpr minutes ahead{5};            // what claims to be later than this has not happened

struct bad_lines {
    std::int64_t count = 0;
    void add(std::int64_t line, const std::string& why) {
        if (++count <= static_cast<std::int64_t>(most_told))
            std::fprintf(stderr, "line %lld: %s\n", static_cast<long long>(line), why.c_str());
        else if (count == static_cast<std::int64_t>(most_told) + 1)
            std::fputs("more lines are bad\n", stderr);
    }
};

// Lines of the file with their numbers; what is too long for an event is bad.
template <class Each>
result<void> each_line(const std::string& path, bad_lines& bad, Each each) {
    std::ifstream file(path, std::ios::binary);
    std::error_code unreadable;
    if (!file || std::filesystem::is_directory(path, unreadable))
        return fail(errc::not_found, "no_file",
                    path + ": " + (file ? "is a folder" : std::strerror(errno)));
    std::string line;
    std::int64_t number = 0;
    while (std::getline(file, line)) {
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.find_first_not_of(" \t") == std::string::npos) continue;
        if (line.size() > longest_line) bad.add(number, "longer than 4 MiB");
        else STOA_TRY_VOID(each(number, line));
    }
    if (file.bad()) return fail(errc::internal, "no_file", path + ": " + std::strerror(errno));
    return {};
}

// The windows of a file. Its events are taken as one partition a topic, and time goes by the newest
// event: what is older than its window's end by more than the disorder is late.
class file_windows {
 public:
    explicit file_windows(timestamp now) : now_(now) {
        for (const auto& topic : all_.topics())
            engines_.emplace(topic.name, std::make_unique<analytics::engine>(all_, topic));
    }

    // What was wrong with the line, or nothing.
    std::string take(std::int64_t number, const std::string& line) {
        replayed_line one;
        if (const auto wrong = read_json(line, type_of<replayed_line>, &one); !wrong.empty())
            return wrong.front().code == "syntax" ? "is no JSON"
                                                  : wrong.front().where + ": " + wrong.front().code;
        const bool whole = one.topic && one.payload;
        if (one.topic.has_value() != one.payload.has_value())
            return "topic and payload go together";
        const auto topic = whole ? *one.topic : std::string(activities::topic::raw_events);
        const auto found = engines_.find(topic);
        if (found == engines_.end()) return "no pipeline reads topic `" + topic + "`";
        return apply(*found->second, number, topic, one, whole ? one.payload->text : line);
    }

    // Ends every window.
    void end() {
        for (auto& [topic, one] : engines_) {
            outputs_.clear();
            one->advance_to(253'402'300'799'999, outputs_);
            keep();
        }
        for (auto& [window, cells] : shares_) {
            const auto& [of, end_ms, start_ms] = window;
            for (auto& each : analytics::rows_of(*of, start_ms, end_ms, cells)) add(each);
        }
    }
    const std::map<std::string, std::vector<std::string>>& rows() const { return rows_; }
    std::int64_t events() const { return events_; }
    std::int64_t late() const { return late_; }

 private:
    std::string apply(analytics::engine& to, std::int64_t number, const std::string& topic,
                      const replayed_line& one, const std::string& payload) {
        const auto id = one.id.value_or(topic + ':' + std::to_string(number));
        const auto* described = all_.find_topic(topic);
        if (!described->time && !one.occurred_at)
            return "events of " + topic + " need occurred_at beside their payload";
        analytics::event_parser& parser = parsers_.try_emplace(topic, *described).first->second;
        const auto recorded = one.occurred_at.value_or(timestamp{}).micros / 1'000;
        analytics::parsed_event event;
        if (!parser.parse(payload, recorded, event)) return parser.failure().detail;
        if (timestamp{event.time_ms * 1'000} > now_ + ahead)
            return "the event has not happened yet; check its time";
        ++events_;
        outputs_.clear();
        to.apply({number, id, one.type.value_or(topic), payload, recorded}, outputs_);
        to.advance_to(event.time_ms, outputs_);
        keep();
        return {};
    }
    void keep() {
        for (auto& each : outputs_) {
            if (each.what == analytics::output::is::late) ++late_;
            if (each.what == analytics::output::is::row) add(each.row);
            if (each.what != analytics::output::is::part) continue;
            analytics::byte_reader from(each.bytes);
            const auto shape = analytics::layout_of(*each.of);
            shares_.try_emplace({each.of, each.end_ms, each.start_ms}, shape)
                .first->second.add(analytics::cell_table::read(from, shape));
        }
    }
    void add(const analytics::row& of) { rows_[of.of->is->name].push_back(analytics::json_of(of)); }

    const analytics::definitions& all_ = analytics::definitions::built_in();
    const timestamp now_;
    std::map<std::string, std::unique_ptr<analytics::engine>> engines_;
    std::map<std::string, analytics::event_parser> parsers_;
    std::vector<analytics::output> outputs_;
    std::map<std::tuple<const analytics::pipeline*, std::int64_t, std::int64_t>,
             analytics::cell_table>
        shares_;
    std::map<std::string, std::vector<std::string>> rows_;
    std::int64_t events_ = 0, late_ = 0;
};

result<void> write_rows(const file_windows& of, const std::string& folder) {
    if (folder.empty()) {
        for (const auto& [pipeline, rows] : of.rows())
            for (const auto& each : rows) std::printf("%s\n", each.c_str());
        return {};
    }
    std::error_code wrong;
    std::filesystem::create_directories(folder, wrong);
    for (const auto& pipeline : analytics::definitions::built_in().pipelines()) {
        const auto path = folder + '/' + pipeline.is->name + ".jsonl";
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        const auto found = of.rows().find(pipeline.is->name);
        if (found != of.rows().end())
            for (const auto& each : found->second) file << each << '\n';
        file.close();
        if (!file) return fail(errc::internal, "no_file", path + ": cannot be written");
    }
    return {};
}

int window_file(const replay_options& options) {
    const auto now = std::chrono::duration_cast<microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    file_windows windows(timestamp{now.count()});
    bad_lines bad;
    const auto read =
        each_line(options.source, bad, [&](std::int64_t number, std::string& line) -> result<void> {
            if (const auto wrong = windows.take(number, line); !wrong.empty())
                bad.add(number, wrong);
            return {};
        });
    if (!read) return complain(read.error());
    windows.end();
    if (const auto written = write_rows(windows, options.results); !written)
        return complain(written.error());
    std::fprintf(stderr, "%lld events, %lld late, %lld bad lines\n",
                 static_cast<long long>(windows.events()), static_cast<long long>(windows.late()),
                 static_cast<long long>(bad.count));
    return bad.count == 0 ? 0 : 1;
}

// Batches of viewers' events for the running shop.
class sender {
 public:
    sender(http::blocking_client& shop, bad_lines& bad) : shop_(shop), bad_(bad) {}

    result<void> take(std::int64_t number, const std::string& line) {
        activities::viewer_event one;
        auto wrong = read_json(line, type_of<activities::viewer_event>, &one);
        if (!wrong.empty()) {
            bad_.add(number, wrong.front().code == "syntax"
                                 ? "is no JSON"
                                 : wrong.front().where + ": " + wrong.front().code);
            return {};
        }
        lines_.emplace_back(number, line);
        return lines_.size() == 1'000 ? send() : result<void>{};
    }
    // One wrong event refuses the batch: it goes again without.
    result<void> send() {
        while (!lines_.empty()) {
            std::string body = R"({"events":[)";
            for (const auto& [number, line] : lines_) {
                if (body.back() != '[') body += ',';
                body += line;
            }
            STOA_TRY(const auto answer, post(body + "]}"));
            if (answer.status == 202) {
                sent_ += std::ssize(lines_);
                lines_.clear();
                return {};
            }
            if (answer.status != 422 || !drop(answer)) return fail(error_of(answer));
        }
        return {};
    }
    std::int64_t sent() const { return sent_; }

 private:
    result<http::client_answer> post(const std::string& body) {
        for (int tries = 0;; ++tries) {
            auto answer = shop_.call("POST", "/api/v1/events/batch", body);
            if (!answer || (answer->status != 503 && answer->status != 429) || tries == 60)
                return answer;
            std::this_thread::sleep_for(std::chrono::seconds(1));  // as Retry-After says
        }
    }
    // Those that the answer names, by events[i].member.
    bool drop(const http::client_answer& answer) {
        std::map<std::size_t, std::string> named;
        for (const auto& each : error_of(answer).errors) {
            std::size_t index = 0;
            if (std::sscanf(each.where.c_str(), "events[%zu]", &index) == 1 &&
                index < lines_.size())
                named.emplace(index, each.where.substr(each.where.find('.') + 1) + ": " +
                                         (each.detail.empty() ? each.code : each.detail));
        }
        for (const auto& [index, why] : named) bad_.add(lines_[index].first, why);
        for (auto at = named.rbegin(); at != named.rend(); ++at)
            lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at->first));
        return !named.empty();
    }

    http::blocking_client& shop_;
    bad_lines& bad_;
    std::vector<std::pair<std::int64_t, std::string>> lines_;
    std::int64_t sent_ = 0;
};

int send_file(const settings& from, const replay_options& options) {
    const auto running = read_run_file(from.text("data_dir"));
    if (!running)
        return complain({.code = "no_shop",
                         .detail = "no shop runs on " + from.text("data_dir") +
                                   ": start it with `stoa serve`, or leave out --send to window "
                                   "the file by itself"});
    http::blocking_client shop(running->http, running->token);
    bad_lines bad;
    sender to(shop, bad);
    auto done =
        each_line(options.source, bad, [&](std::int64_t number, std::string& line) -> result<void> {
            return to.take(number, line);
        });
    if (done) done = to.send();
    std::fprintf(stderr, "%lld events sent, %lld bad lines\n", static_cast<long long>(to.sent()),
                 static_cast<long long>(bad.count));
    if (!done) return complain(done.error());
    return bad.count == 0 ? 0 : 1;
}

}  // namespace

int run_replay(const settings& from, const replay_options& options) {
    const bool of_log = options.from.has_value();
    const bool file_words = !options.source.empty() || !options.results.empty() || options.send;
    if (of_log == !options.source.empty() || (of_log && file_words) || (!of_log && options.topic))
        return complain({.code = "bad_options",
                         .detail = "give --source=FILE, which --results and --send go with, or "
                                   "--from=OFFSET, which --topic goes with"}),
               2;
    if (of_log) return replay_log(from, {*options.from, options.topic});
    return options.send ? send_file(from, options) : window_file(options);
}

}  // namespace stoa
