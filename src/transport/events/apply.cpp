#include "transport/events/apply.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <exception>

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
    std::exception_ptr broke_off;
    try {
        co_return co_await row.call(service, std::move(what), std::move(payload));
    } catch (const boost::system::system_error& e) {
        broke_off = std::current_exception();
        thrown = e.what();
    } catch (const std::exception& e) {
        thrown = e.what();
    }
    if (!broke_off) co_return fail(errc::internal, "handler_threw", std::move(thrown));
    const auto asked = co_await asio::this_coro::cancellation_state;
    if (asked.cancelled() != asio::cancellation_type::none)
        std::rethrow_exception(broke_off);  // the supervisor's: the event stays undone
    // Nobody asked us to end. Taken for a cancellation, it would end the consumer in silence.
    co_return fail(errc::unavailable, "handler_broke_off", std::move(thrown));
}

bool is_transient(errc kind) {
    return kind == errc::unavailable || kind == errc::timeout || kind == errc::rate_limited ||
           kind == errc::storage_full;
}

}  // namespace stoa
