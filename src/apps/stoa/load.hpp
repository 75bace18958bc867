// An open-loop load generator: arrivals come when they come, whether or not the shop has answered
// those before, and a request's time counts from when it was due. A shop that stands still for a
// second shows it in every request of that second; a closed loop would have sent one.
#pragma once

#include "base/latency_histogram.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "runtime/supervisor.hpp"

#include <array>
#include <map>
#include <random>

namespace stoa {

enum class load_kind : std::uint8_t { browse, search, event, order };
inline constexpr std::array load_kinds{load_kind::browse, load_kind::search, load_kind::event,
                                       load_kind::order};
template <class T>
using by_kind = std::array<T, load_kinds.size()>;  // by load_kind
inline constexpr by_kind<std::string_view> load_kind_names{"browse", "search", "event", "order"};

struct load_plan {
    std::string url;               // of the gateway, no slash at its end
    by_kind<double> per_second{};  // arrivals
    seconds lasts{30}, ramp{0};    // for the first `ramp` of `lasts` the rates rise from nothing
    int most_in_flight = 1'000;    // beyond, an arrival is dropped
    int buyers = 50;               // guests who take turns ordering
    milliseconds deadline{5'000};  // of a request
    std::uint64_t seed = 1;        // of arrivals and choices
    std::string run;               // makes the keys of two runs differ
};

// What became of the arrivals of one kind.
struct load_tally {
    std::int64_t offered = 0;  // arrivals, dropped ones too
    std::int64_t dropped = 0;  // not sent: too many were in flight
    std::int64_t good = 0;
    std::int64_t refused = 0;                     // the shop said so: sold out, 429, 503
    std::int64_t failed = 0;                      // any other answer, or none
    std::map<std::string, std::int64_t> answers;  // "201", "409 out_of_stock", "no_answer_in_time"
    latency_histogram took;                       // of the good, from when they were due
};

// Thread rule: the loop of its supervisor.
class load_run {
 public:
    struct needs {
        http_client& http;
        clock& time;
        supervisor& background;
    };
    load_run(needs ports, load_plan plan);

    // Reads the catalogue and makes the buyers. The error says what the shop said, for a person;
    // `no_products` where nothing is in stock.
    task<result<void>> prepare();
    // Returns when every arrival has its answer.
    task<> run();
    // No more arrivals.
    void stop() { stopped_ = true; }
    // How long after now the order that was taken last is paid for or given up; nothing where none
    // was taken, or it is open still after `limit`.
    task<std::optional<milliseconds>> settled(milliseconds limit);

    const by_kind<load_tally>& tallies() const { return tallies_; }
    int in_flight() const { return in_flight_; }
    milliseconds arrived_for() const { return arrived_for_; }

 private:
    double due_by(load_kind kind, std::int64_t millis) const;
    void tick(std::int64_t millis);
    task<> one(load_kind kind, instant due);
    http_request request_of(load_kind kind);
    http_request order();
    void book(load_tally& to, load_kind kind, instant due, const result<http_response>& answer);
    const std::string& any_of(const std::vector<std::string>& all) {
        return all[chance_() % all.size()];
    }
    double gap() { return std::exponential_distribution<double>(1.0)(chance_); }

    needs ports_;
    load_plan plan_;
    std::mt19937_64 chance_;
    instant began_{0};
    by_kind<double> next_{};  // the next arrival, where one is due for each whole of due_by()
    by_kind<load_tally> tallies_{};
    std::vector<std::string> products_, words_, buyers_;
    std::uint64_t orders_ = 0;
    std::pair<std::string, std::string> last_order_;  // id, buyer
    int in_flight_ = 0;
    bool stopped_ = false;
    milliseconds arrived_for_{0};
};

}  // namespace stoa
