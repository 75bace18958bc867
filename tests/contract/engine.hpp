// What the contract suites run on. An engine that offers a port registers itself in engines(); the
// suite of that port then runs on it. A suite states what services may rely on, and nothing that
// only one engine gives.
#pragma once

#include "ports/event_log.hpp"
#include "ports/key_value.hpp"
#include "ports/sql.hpp"
#include "support/manual_clock.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stoa::testing {

struct engine_setup {
    std::vector<const kv_table*> tables;
    std::vector<topic_spec> topics;
    std::vector<std::string> statements;  // run once on an empty database: the suite's SQL tables
};

// One store with everything that was asked for. The loop and the clock outlive it.
class engine {
 public:
    virtual ~engine() = default;
    virtual sql& database() = 0;
    virtual key_value& items() = 0;
    virtual event_log& log() = 0;
    // As a process that ended and started again: everything not durable is gone.
    virtual void restart() = 0;
};

struct engine_kind {
    std::string name;
    std::function<std::unique_ptr<engine>(const engine_setup&, manual_clock&)> make;
};

// The engines that a binary's suites run on: contract/embedded_engines.cpp, and with started
// servers engines/real_engines.cpp.
std::vector<engine_kind> sql_engines();
std::vector<engine_kind> key_value_engines();
std::vector<engine_kind> log_engines();

engine_kind sqlite_engine();
engine_kind postgres_engine();
engine_kind dynamodb_engine();
engine_kind kafka_engine();

inline std::string engine_name(const ::testing::TestParamInfo<engine_kind>& info) {
    return info.param.name;
}

// The base of every suite.
class on_engine : public ::testing::TestWithParam<engine_kind> {
 protected:
    void start(const engine_setup& setup) { store_ = GetParam().make(setup, time_); }
    // Runs a task to its end and gives its value.
    template <class Body>
    auto run(Body body) {
        return loop_.run(std::move(body));
    }

    manual_clock time_;
    test_loop loop_;
    std::unique_ptr<engine> store_;
};

}  // namespace stoa::testing
