// The API's document, OpenAPI 3.1, from the same rows that the router serves: what it says is what
// is done.
#pragma once

#include "transport/http/message.hpp"

#include <span>
#include <string>
#include <vector>

namespace stoa::http {
class router;
}

namespace stoa::openapi {

struct about {
    std::string title = "Stoa";  // the shop's name
    std::string version;         // of the program
    std::vector<std::string> servers{"http://localhost:8080",
                                     "http://api-gateway.ecommerce.local"};  // R61
};

// The same input gives the same bytes, indented, with a line end at the end. Special routes without
// a summary are left out (files of the API page). Aliases stand as x-alias, the policy as
// x-callers.
std::string write_document(std::span<const service> services,
                           std::span<const http::route* const> specials, const about& program);

// The document of all that is mounted on `of`: what `stoa openapi` prints and api/openapi.json
// holds.
std::string document_of(const http::router& of, const about& program);

// Mounts /openapi.json, /docs and the page's files on `to`, which has all its other routes by now.
// The document is made here, once.
result<void> mount_documents(http::router& to, const about& program);

}  // namespace stoa::openapi
