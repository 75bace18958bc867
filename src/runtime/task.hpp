// The one place that names Asio's types. A task runs on one loop; loops are single-threaded, so a
// service needs no locks. Traps that this header exists for are told in docs/development.md,
// "Coroutines".
#pragma once

#include "base/result.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace stoa {

namespace asio = boost::asio;

using loop = asio::io_context;
template <class T = void>
using task = asio::awaitable<T, loop::executor_type>;
inline constexpr asio::use_awaitable_t<loop::executor_type> use_task;

}  // namespace stoa
