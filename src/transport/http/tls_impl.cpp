// Asio's own TLS functions, compiled once.
#include <boost/asio/ssl/impl/src.hpp>
