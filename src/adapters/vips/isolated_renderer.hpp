// The port of pictures, by a worker process that is started with the first of them.
#pragma once

#include "ports/image.hpp"
#include "runtime/blocking_pool.hpp"

#include <memory>

namespace stoa {

struct isolated_renderer_options {
    // What runs vips::run_picture_worker().
    std::vector<std::string> worker{"/proc/self/exe", "picture-worker"};
    std::size_t most_waiting = 64;  // pictures; more are `unavailable`
};

// Thread rule: any loop. Pictures are rendered one after another, on a thread of this object's own.
// Destroy it after the loops' coroutines.
class isolated_renderer final : public picture_renderer {
 public:
    explicit isolated_renderer(isolated_renderer_options options = {});
    ~isolated_renderer() override;

    task<result<rendered_picture>> render(std::string original,
                                          std::vector<int> within_px) override;
    // Whether pictures are made here: a worker starts, has its library and its sandbox, and
    // answers. One that was started for this alone ends with it. Errors: `unavailable`.
    task<result<void>> check();

 private:
    class worker;
    std::shared_ptr<worker> worker_;
    blocking_pool thread_;  // after what it uses
};

}  // namespace stoa
