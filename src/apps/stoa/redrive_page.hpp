// POST /local/redrive, for `stoa redrive` alone.
#pragma once

#include "transport/events/redrive.hpp"
#include "transport/http/message.hpp"

namespace stoa {

http::route redrive_page(std::function<task<result<redrive_report>>(redrive_request)> run);

}  // namespace stoa
