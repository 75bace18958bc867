#include "transport/events/apply.hpp"

#include <boost/system/system_error.hpp>

namespace stoa {

const event_handler* handler_of(const event_consumer& group, const event& what) {
    for (const auto& row : group.handlers)
        if (row.topic == what.topic && row.event_type == what.type) return &row;
    return nullptr;
}

task<result<void>> apply_event(const event_handler& row, void* service, delivery what) {
    record_box payload(*row.payload);
    auto wrong = read_json(what.message.payload, *row.payload, payload.get(), {}, row.names);
    if (!wrong.empty())
        co_return fail(errc::invalid, "payload_ill_formed",
                       wrong.front().where + ": " + wrong.front().code);
    std::string thrown;
    try {
        co_return co_await row.call(service, std::move(what), std::move(payload));
    } catch (const boost::system::system_error&) {
        throw;  // the supervisor's cancellation: the event stays undone
    } catch (const std::exception& e) {
        thrown = e.what();
    }
    co_return fail(errc::internal, "handler_threw", std::move(thrown));
}

bool is_transient(errc kind) {
    return kind == errc::unavailable || kind == errc::timeout || kind == errc::rate_limited ||
           kind == errc::storage_full;
}

}  // namespace stoa
