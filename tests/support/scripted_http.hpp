// An HTTP client whose answers a test decides, and which remembers what was asked.
#pragma once

#include "ports/http_client.hpp"

#include <deque>
#include <functional>

namespace stoa::testing {

// Answers are taken in order; the last one is given for ever after. Thread rule: one loop.
class scripted_http final : public http_client {
 public:
    using answer = result<http_response>;

    void then(answer what) { script_.push_back(std::move(what)); }
    void then(int status, std::string body, std::vector<http_header> headers = {}) {
        then(http_response{status, std::move(headers), std::move(body)});
    }
    void then_lost() { then(fail(errc::unavailable, "connection_lost", "the connection broke")); }

    task<result<http_response>> send(http_request what, milliseconds) override {
        asked.push_back(std::move(what));
        if (script_.empty()) co_return fail(errc::internal, "no_script", "no answer was given");
        auto out = script_.front();
        if (script_.size() > 1) script_.pop_front();
        co_return out;
    }

    std::vector<http_request> asked;

 private:
    std::deque<answer> script_;
};

inline std::string header_of(const http_request& of, std::string_view name) {
    for (const auto& each : of.headers)
        if (each.name == name) return each.value;
    return {};
}

}  // namespace stoa::testing
