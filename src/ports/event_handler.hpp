// How a service is told: its event table has a row an event type, as its operation table has one a
// request.
#pragma once

#include "base/json.hpp"
#include "ports/event_log.hpp"

namespace stoa {

// One row: payloads of `topic` with this type go to the member. A type of a topic without a row is
// passed over.
struct event_handler {
    std::string_view topic;
    std::string_view event_type;
    const type* payload = nullptr;
    naming names = naming::snake;
    task<result<void>> (*call)(void* service, delivery, record_box) = nullptr;
};

namespace detail {
template <class M>
struct event_member;
template <class Service, class Payload>
struct event_member<task<result<void>> (Service::*)(delivery, Payload)> {
    using service = Service;
    using payload = Payload;
};
template <auto Member>
task<result<void>> call_event_member(void* service, delivery what, record_box payload) {
    using m = event_member<decltype(Member)>;
    auto& self = *static_cast<typename m::service*>(service);
    co_return co_await (self.*Member)(std::move(what),
                                      std::move(payload.as<typename m::payload>()));
}
}  // namespace detail

template <auto Member>
constexpr event_handler on_event(std::string_view topic, std::string_view event_type,
                                 naming names = naming::snake) {
    using m = detail::event_member<decltype(Member)>;
    return {topic, event_type, &type_of<typename m::payload>, names,
            &detail::call_event_member<Member>};
}

// A service's group with its rows. `service` must be the address of the class whose members the
// rows name.
struct event_consumer {
    std::string_view group;  // order
    std::span<const event_handler> handlers;
    void* service = nullptr;
};

}  // namespace stoa
