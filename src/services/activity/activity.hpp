// What a viewer did, as the storefront tells it.
#pragma once

#include "base/described.hpp"

namespace stoa::activities {

// The request of one event, and the payload of topic `ecom-raw-events` (R77).
struct viewer_event {
    std::string user_id, product_id;  // as the sender names them: nobody's identity
    std::string event_type;           // an open word: VIEW_PRODUCT, ADD_TO_CART …
    stoa::timestamp timestamp;
    json_text metadata;  // an object: {session_id}
};
BOOST_DESCRIBE_STRUCT(viewer_event, (), (user_id, product_id, event_type, timestamp, metadata))

}  // namespace stoa::activities

template <>
inline constexpr auto stoa::rules_of<stoa::activities::viewer_event> = std::to_array<stoa::rule>(
    {stoa::range("user_id", 1, 64), stoa::range("product_id", 1, 64),
     stoa::range("event_type", 1, 64), stoa::range("metadata", 2, 4'096)});
