// How messages leave the shop: by the word of `notifier`.
#pragma once

#include "apps/stoa/settings.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/notifier.hpp"
#include "runtime/blocking_pool.hpp"
#include "runtime/loops.hpp"

#include <memory>

namespace stoa {

struct notifier_needs {
    loop_set& loops;
    clock& time;
    random_source& random;
    blocking_pool& files;
};
// Nothing is asked of a server yet. Errors name the setting. Destroy it before the loops.
result<std::unique_ptr<notifier>> open_notifier(const settings& from, notifier_needs ports);

// For `stoa doctor`, with `notifier = sns`: whether the topic is there and we are let in.
task<result<void>> probe_sns(const settings& from, http_client& client, clock& time,
                             random_source& random);

}  // namespace stoa
