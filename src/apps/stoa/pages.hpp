// Routes that are no operations: health, metrics, keys, the API document and its page, pictures.
#pragma once

#include "apps/stoa/audit.hpp"
#include "transport/http/message.hpp"

#include <functional>
#include <vector>

namespace stoa {

struct public_page_needs {
    std::function<std::string()> jwks;
};
std::vector<http::route> public_pages(public_page_needs from);

// POST /api/v1/audit.
http::route audit_page(std::function<task<result<audit_report>>()> run);

// GET /api/v1/orders/{id}/invoice, for whoever may see the order.
http::route invoice_page(
    std::function<task<result<std::string>>(request_context, std::string)> read);

struct dependency {
    std::string name;
    bool ready = false;
    std::string otherwise;  // what it means and what to do
};
// As /ready shows it; `ready`: whether all are.
std::string readiness(const std::vector<dependency>& all, bool& ready);
struct admin_page_needs {
    std::function<std::string()> metrics;
    std::function<std::vector<dependency>()> ready;
};
std::vector<http::route> admin_pages(admin_page_needs from);

}  // namespace stoa
