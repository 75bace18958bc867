#include "services/activity/activity_operations.hpp"

namespace stoa::activities {
namespace {

using enum verb;
using enum who;

constexpr operation table[] = {
    serve<&api::record_event>(post, "/api/v1/events", "RecordEvent")
        .also_at("/event")
        .answers(202)
        .allows(anyone)
        .says("Takes one event of a viewer."),
    // The second path that the documents show.
    serve<&api::record_event>(post, "/activity/event", "RecordActivity")
        .answers(202)
        .allows(anyone)
        .says("Takes one event of a viewer."),
    serve<&api::record_events>(post, "/api/v1/events/batch", "RecordEvents")
        .also_at("/events/batch")
        .answers(202)
        .allows(anyone)
        .says("Takes up to 1,000 events, all or none."),
};

}  // namespace

service operations_of(api& implementation) { return {"activities", table, &implementation}; }
service operations_elsewhere() { return {"activities", table, nullptr}; }

}  // namespace stoa::activities
