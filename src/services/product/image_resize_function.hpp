// The function image_resize: an original that appears as originals/<folder>/<image> in the bucket
// of pictures gets its variants beside it, variants/<folder>/<image>/<size>-<etag>.<format>, and
// an event that says so. A picture that cannot be shown gets an event that says why.
#pragma once

#include "ports/event_handler.hpp"
#include "ports/event_publisher.hpp"
#include "ports/function.hpp"
#include "ports/image.hpp"
#include "ports/objects.hpp"
#include "runtime/metrics.hpp"
#include "services/product/product_events.hpp"

namespace stoa::products {

inline constexpr std::string_view pictures_path = "/api/v1/pictures/";

// Thread rule: one loop.
class image_resize_function final : public functions::function {
 public:
    struct needs {
        object_store& objects;
        picture_renderer& renderer;
        event_publisher& log;
        clock& time;
        random_source& random;
        metrics& measured;
    };
    explicit image_resize_function(needs ports);

    // Objects of other keys, and those that are gone, are done.
    task<result<functions::outcome>> handle(functions::trigger what,
                                            functions::invocation call) override;

    // The embedded shop's own bucket tells by its log.
    task<result<void>> on_object_created(delivery, object_announced);

 private:
    task<result<void>> resize(functions::object_created object, std::string traceparent);
    task<result<void>> write_variants(const functions::object_created& object,
                                      rendered_picture made, image_processed& told);
    task<result<void>> tell(image_processed told, std::string traceparent);

    needs ports_;
    metric_counter ready_, refused_;
    metric_histogram took_;
};

// The group image-resize, of the embedded shop's log.
event_consumer events_of(image_resize_function& implementation);

}  // namespace stoa::products
