// Simulated customers for demos: they come as guests, look around, fill carts and mostly buy,
// through the public API like everybody else. An operator fills the shelves that they empty, so
// that the shop sells for as long as it runs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stoa {

// Thread rule: made and destroyed by the main thread; runs a few threads of its own, nine at most.
class shoppers {
 public:
    // `operator_token`: of somebody who may book what was received.
    shoppers(std::string address, std::string operator_token, int count);
    ~shoppers();
    shoppers(const shoppers&) = delete;
    shoppers& operator=(const shoppers&) = delete;

 private:
    void keep_store();
    void walk(unsigned seed, int customers);
    bool pause(double seconds);  // false: it is time to go

    std::string address_, operator_token_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace stoa
