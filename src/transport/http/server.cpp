// Beast parses, this file reads, writes and times. One session coroutine a connection; responses
// are written as two buffers (head, body) without Beast's serialiser, which costs more than both.
#include "transport/http/server.hpp"

#include "base/problem.hpp"
#include "runtime/log.hpp"
#include "runtime/supervisor.hpp"
#include "transport/http/session.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include <atomic>
#include <cstring>

namespace stoa::http {

using tcp = asio::ip::tcp;
using acceptor = asio::basic_socket_acceptor<tcp, loop::executor_type>;

struct server::state {
    state(loop_set& l, limits b) : loops(l), bounds(b), accepting(l.at(0)), tasks(l.at(0)) {
        for (int i = 0; i < loops.size(); ++i)
            groups.push_back(std::make_unique<session_group>(loops.at(i), bounds));
    }
    task<> accept_all();

    loop_set& loops;
    limits bounds;
    acceptor accepting;
    supervisor tasks;
    std::vector<std::unique_ptr<session_group>> groups;
    std::uint16_t port = 0;
    std::size_t turn = 0;
};

server::server(loop_set& loops, limits bounds) : state_(std::make_unique<state>(loops, bounds)) {}
server::~server() = default;

std::uint16_t server::port() const { return state_->port; }

int server::connections() const {
    int sum = 0;
    for (const auto& group : state_->groups) sum += group->open();
    return sum;
}

result<void> server::listen(const std::string& address, std::uint16_t port,
                            std::vector<handler*> handlers) {
    const auto where = address + ':' + std::to_string(port);
    boost::system::error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (error)
        return fail(errc::invalid, "address_ill_formed",
                    where + " is no numeric address and port (try 127.0.0.1:8080)");
    const tcp::endpoint endpoint(ip, port);
    auto& accepting = state_->accepting;
    accepting.open(endpoint.protocol(), error);
    if (!error) accepting.set_option(acceptor::reuse_address(true), error);
    if (!error) accepting.bind(endpoint, error);
    if (!error) accepting.listen(4096, error);
    if (error)
        return fail(errc::unavailable, "cannot_listen",
                    "cannot listen on " + where + ": " + error.message() +
                        (error == asio::error::address_in_use
                             ? "; another process has it: stop that one or choose another port"
                             : ""));
    state_->port = accepting.local_endpoint().port();
    for (std::size_t i = 0; i < state_->groups.size(); ++i) state_->groups[i]->use(*handlers[i]);
    state_->tasks.spawn(
        "accept", [s = state_.get()] { return s->accept_all(); }, importance::essential);
    return {};
}

task<> server::state::accept_all() {
    for (;;) {
        auto& group = *groups[turn++ % groups.size()];
        boost::system::error_code error;
        auto socket = co_await accepting.async_accept(group.on().get_executor(),
                                                      asio::redirect_error(use_task, error));
        if (error == asio::error::operation_aborted || !accepting.is_open()) co_return;
        if (error) {
            // Out of descriptors, mostly: existing connections end and free some.
            log_warning("accept_failed", {{"why", error.message()}});
            asio::basic_waitable_timer<std::chrono::steady_clock,
                                       asio::wait_traits<std::chrono::steady_clock>,
                                       loop::executor_type>
                pause(loops.at(0), std::chrono::milliseconds(50));
            co_await pause.async_wait(use_task);
            continue;
        }
        group.start(std::move(socket));
    }
}

task<> server::drain(std::chrono::milliseconds grace) {
    boost::system::error_code ignored;
    state_->accepting.close(ignored);
    co_await state_->tasks.stop();
    for (const auto& group : state_->groups)
        asio::post(group->on(), [g = group.get()] { g->drain(); });
    using steady = std::chrono::steady_clock;
    const auto until = steady::now() + grace;
    asio::basic_waitable_timer<steady, asio::wait_traits<steady>, loop::executor_type> tick(
        state_->loops.at(0));
    while (connections() > 0 && steady::now() < until) {
        tick.expires_after(std::chrono::milliseconds(5));
        co_await tick.async_wait(use_task);
    }
    for (const auto& group : state_->groups)
        asio::post(group->on(), [g = group.get()] { g->cut(); });
    while (connections() > 0 && steady::now() < until + std::chrono::seconds(2)) {
        tick.expires_after(std::chrono::milliseconds(5));
        co_await tick.async_wait(use_task);
    }
}

}  // namespace stoa::http
