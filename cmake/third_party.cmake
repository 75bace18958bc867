# Everything comes from the distribution; nothing is vendored and nothing is fetched.
find_package(Threads REQUIRED)

set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers url json)
# Debian 12 has 1.74 too, and a newer one has not been seen to work.
if(NOT "${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}" STREQUAL "1.81")
    message(FATAL_ERROR "Boost 1.81 is needed, found ${Boost_VERSION}: install libboost1.81-dev, "
                        "libboost-url1.81-dev and libboost-json1.81-dev.")
endif()
# Asio and Beast are compiled once, in src/runtime/asio_impl.cpp and src/transport/http/beast_impl.cpp.
target_compile_definitions(Boost::headers INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)  # its target says "compiled, external fmt"; as headers only it compiles 3 times slower
find_package(simdjson REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_path(STOA_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
add_library(sodium ALIAS PkgConfig::SODIUM)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)

# Only the core: its package file asks for curl and civetweb, which the server parts need and Stoa does not.
find_library(STOA_PROMETHEUS_CORE prometheus-cpp-core REQUIRED)
add_library(prometheus_core INTERFACE)
target_link_libraries(prometheus_core INTERFACE ${STOA_PROMETHEUS_CORE})
