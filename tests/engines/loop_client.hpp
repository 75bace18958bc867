// The real HTTP client on whatever loop calls it first: engines under test do not know the suite's.
#pragma once

#include "transport/http/client.hpp"

#include <boost/asio/this_coro.hpp>

#include <optional>

namespace stoa::testing {

class loop_client final : public http_client {
 public:
    explicit loop_client(http::client_settings settings = {.answer_limit_bytes = 32 << 20,
                                                           .connections_per_origin = 64,
                                                           .idle_per_origin = 64})
        : settings_(settings) {}
    task<result<http_response>> send(http_request what, milliseconds deadline) override {
        const auto here = co_await asio::this_coro::executor;
        if (!real_) real_.emplace(here.context(), settings_);
        co_return co_await real_->send(std::move(what), deadline);
    }

 private:
    http::client_settings settings_;
    std::optional<http::async_client> real_;
};

}  // namespace stoa::testing
