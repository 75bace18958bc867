#include "runtime/loops.hpp"

#include <algorithm>
#include <string>

#include <pthread.h>

namespace stoa {

namespace {
thread_local int index_here = -1;
}

int loop_set::here() { return index_here; }

loop_set::loop_set(int count) {
    for (int i = 0; i < std::max(1, count); ++i) {
        loops_.push_back(std::make_unique<loop>(1));
        guards_.push_back(asio::make_work_guard(*loops_.back()));
    }
}

loop_set::~loop_set() { stop(); }

void loop_set::run() {
    for (int i = 1; i < size(); ++i) {
        threads_.emplace_back([this, i] {
            pthread_setname_np(pthread_self(), ("loop-" + std::to_string(i)).c_str());
            index_here = i;
            at(i).run();
        });
    }
    index_here = 0;
    at(0).run();
    index_here = -1;
    threads_.clear();
}

void loop_set::stop() {
    guards_.clear();
    for (auto& each : loops_) each->stop();
}

}  // namespace stoa
