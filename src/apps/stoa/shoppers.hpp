// Simulated customers for demos: they come as guests, look around, fill carts and mostly buy,
// through the public API like everybody else.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stoa {

// Thread rule: made and destroyed by the main thread; runs a few threads of its own, eight at most.
class shoppers {
 public:
    shoppers(std::string address, int count);
    ~shoppers();
    shoppers(const shoppers&) = delete;
    shoppers& operator=(const shoppers&) = delete;

 private:
    void walk(unsigned seed, int customers);
    bool pause(double seconds);  // false: it is time to go

    std::string address_;
    std::mutex mutex_;
    std::condition_variable stop_;
    bool stopping_ = false;
    std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace stoa
