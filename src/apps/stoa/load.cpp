#include "apps/stoa/load.hpp"

#include "base/json.hpp"

#include <algorithm>

namespace stoa {
namespace {

struct shelf_product {
    std::string id, name;
};
BOOST_DESCRIBE_STRUCT(shelf_product, (), (id, name))
struct shelf {
    std::vector<shelf_product> products;
};
BOOST_DESCRIBE_STRUCT(shelf, (), (products))
struct guest_token {
    std::string id, token;
};
BOOST_DESCRIBE_STRUCT(guest_token, (), (id, token))
struct order_status_told {
    std::string id, status;
};
BOOST_DESCRIBE_STRUCT(order_status_told, (), (id, status))
struct told_problem {
    std::string code;
};
BOOST_DESCRIBE_STRUCT(told_problem, (), (code))

constexpr by_kind<int> good_status{200, 200, 202, 201};

std::string problem_code(const http_response& of) {
    const auto told = from_json<told_problem>(of.body);
    return told ? told->code : std::string();
}

error unexpected(const http_response& got, std::string_view asked) {
    return {.kind = errc::unavailable,
            .code = "unexpected_answer",
            .detail = "the shop answered " + std::to_string(got.status) + ' ' + problem_code(got) +
                      " to " + std::string(asked)};
}

bool refusal(int status, std::string_view code) {
    return status == 429 || status == 503 || (status == 409 && code == "out_of_stock");
}

std::string bearer(const std::string& token) { return "Bearer " + token; }

}  // namespace

load_run::load_run(needs ports, load_plan plan)
    : ports_(ports), plan_(std::move(plan)), chance_(plan_.seed) {}

task<result<void>> load_run::prepare() {
    constexpr std::string_view list = "/api/v1/products?in_stock=true&limit=100";
    STOA_CO_TRY(const auto seen,
                co_await ports_.http.send({.url = plan_.url + std::string(list)}, plan_.deadline));
    if (seen.status != 200) co_return std::unexpected(unexpected(seen, "GET /api/v1/products"));
    STOA_CO_TRY(const auto stock, from_json<shelf>(seen.body));
    for (const auto& each : stock.products) {
        products_.push_back(each.id);
        words_.push_back(
            each.name.substr(0, each.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ")));
        if (words_.back().empty()) words_.pop_back();
    }
    if (products_.empty())
        co_return fail(
            errc::not_found, "no_products",
            "the shop has nothing in stock: start it with --demo, or import a catalogue");
    if (words_.empty()) words_.emplace_back("a");
    const bool orders = plan_.per_second[static_cast<std::size_t>(load_kind::order)] > 0;
    while (orders && std::ssize(buyers_) < plan_.buyers) {
        const http_request wanted{.method = "POST",
                                  .url = plan_.url + "/api/v1/auth/guest",
                                  .headers = {{"content-type", "application/json"}},
                                  .body = "{}"};
        STOA_CO_TRY(const auto made, co_await ports_.http.send(wanted, plan_.deadline));
        // Guests are made at a bounded rate from one address.
        if (made.status == 429) {
            co_await ports_.time.sleep(milliseconds(100));
            continue;
        }
        if (made.status != 201)
            co_return std::unexpected(unexpected(made, "POST /api/v1/auth/guest"));
        STOA_CO_TRY(auto guest, from_json<guest_token>(made.body));
        buyers_.push_back(std::move(guest.token));
    }
    co_return result<void>{};
}

// How many arrivals are expected in the first `millis`: the rate, risen evenly through the ramp.
double load_run::due_by(load_kind kind, std::int64_t millis) const {
    const auto t = static_cast<double>(millis) / 1e3;
    const auto ramp = static_cast<double>(plan_.ramp.count());
    return plan_.per_second[static_cast<std::size_t>(kind)] *
           (t < ramp ? t * t / (2 * ramp) : t - ramp / 2);
}

// A Poisson process on a grid of a millisecond, which is as fine as the clock wakes. A tick that is
// late because the generator was busy still counts from when it was due.
task<> load_run::run() {
    for (auto& each : next_) each = gap();
    began_ = ports_.time.ticks();
    const auto end = milliseconds(plan_.lasts).count();
    std::int64_t at = 0;
    while (at < end && !stopped_) {
        const auto now =
            std::chrono::duration_cast<milliseconds>(ports_.time.ticks() - began_).count();
        for (; at <= now && at < end; ++at) tick(at);
        arrived_for_ = milliseconds(at);
        co_await ports_.time.sleep(milliseconds(1));
    }
    co_await ports_.background.idle();
}

void load_run::tick(std::int64_t millis) {
    const auto due = began_ + milliseconds(millis);
    for (const auto kind : load_kinds) {
        auto& tally = tallies_[static_cast<std::size_t>(kind)];
        auto& next = next_[static_cast<std::size_t>(kind)];
        for (const auto by = due_by(kind, millis); next <= by; next += gap()) {
            ++tally.offered;
            if (in_flight_ >= plan_.most_in_flight) {
                ++tally.dropped;
                continue;
            }
            ++in_flight_;
            ports_.background.spawn("request", [this, kind, due] { return one(kind, due); });
        }
    }
}

task<> load_run::one(load_kind kind, instant due) {
    auto wanted = request_of(kind);
    const auto buyer = kind == load_kind::order ? wanted.headers.back().value : std::string();
    const auto answer = co_await ports_.http.send(std::move(wanted), plan_.deadline);
    --in_flight_;
    book(tallies_[static_cast<std::size_t>(kind)], kind, due, answer);
    if (kind != load_kind::order || !answer || answer->status != 201) co_return;
    if (auto made = from_json<order_status_told>(answer->body))
        last_order_ = {std::move(made->id), buyer};
}

void load_run::book(load_tally& to, load_kind kind, instant due,
                    const result<http_response>& answer) {
    if (!answer) {
        ++to.failed;
        ++to.answers[answer.error().code];
        return;
    }
    const bool good = answer->status == good_status[static_cast<std::size_t>(kind)];
    const auto code = good ? std::string() : problem_code(*answer);
    ++to.answers[std::to_string(answer->status) + (code.empty() ? "" : ' ' + code)];
    if (good) {
        ++to.good;
        to.took.record(ports_.time.ticks() - due);
    } else {
        ++(refusal(answer->status, code) ? to.refused : to.failed);
    }
}

http_request load_run::request_of(load_kind kind) {
    const auto api = plan_.url + "/api/v1/";
    switch (kind) {
        case load_kind::browse:
            if (chance_() % 2 == 0) return {.url = api + "products/" + any_of(products_)};
            return {.url = api + "products?limit=20&skip=" +
                           std::to_string(chance_() % products_.size())};
        case load_kind::search:
            return {.url = api + "products?limit=20&q=" + any_of(words_)};
        case load_kind::event:
            return {.method = "POST",
                    .url = api + "events",
                    .headers = {{"content-type", "application/json"}},
                    .body = R"({"user_id":"load-)" + std::to_string(chance_() % 10'000) +
                            R"(","product_id":")" + any_of(products_) +
                            R"(","event_type":"VIEW_PRODUCT","timestamp":")" +
                            rfc3339(ports_.time.now()) + R"(","metadata":{"session_id":"load"}})"};
        case load_kind::order:
            return order();
    }
    std::unreachable();
}

http_request load_run::order() {
    const auto n = orders_++;
    return {.method = "POST",
            .url = plan_.url + "/api/v1/orders",
            .headers = {{"content-type", "application/json"},
                        {"idempotency-key", "load-" + plan_.run + '-' + std::to_string(n)},
                        {"authorization", bearer(buyers_[n % buyers_.size()])}},
            .body = R"({"items":[{"product_id":")" + any_of(products_) +
                    R"(","quantity":1}],"payment_method":"credit_card","shipping_address":)"
                    R"({"street":"1 Stoa Way","city":"Athens","country":"GR"}})"};
}

task<std::optional<milliseconds>> load_run::settled(milliseconds limit) {
    if (last_order_.first.empty()) co_return std::nullopt;
    const auto from = ports_.time.ticks();
    for (;;) {
        const auto passed = std::chrono::duration_cast<milliseconds>(ports_.time.ticks() - from);
        if (passed > limit) co_return std::nullopt;
        const http_request wanted{.url = plan_.url + "/api/v1/orders/" + last_order_.first,
                                  .headers = {{"authorization", last_order_.second}}};
        const auto got = co_await ports_.http.send(wanted, plan_.deadline);
        const auto told = got && got->status == 200 ? from_json<order_status_told>(got->body)
                                                    : result<order_status_told>();
        if (told && !told->status.empty() && told->status != "pending" &&
            told->status != "awaiting_payment")
            co_return passed;
        co_await ports_.time.sleep(milliseconds(20));
    }
}

}  // namespace stoa
