# tests/fuzz/<name>_fuzz.cpp → fuzz_<name>, with libFuzzer and the sanitizers. Not in the default build; `./dev test fuzz`
# builds and runs them all. One of them for longer, with its corpus:
#   ./dev test fuzz -- json -max_total_time=600
#
# Only the code that reads what comes from outside is built this way, as one library: instrumenting the whole shop would
# take four times as long and find nothing more.
option(STOA_FUZZ "build the fuzz targets (the target `fuzzers`)" OFF)
if(NOT STOA_FUZZ)
    return()
endif()

function(stoa_fuzzers)
    set(source ${CMAKE_SOURCE_DIR}/src)
    file(GLOB sources CONFIGURE_DEPENDS ${source}/base/*.cpp ${source}/ports/*.cpp ${source}/runtime/*.cpp
        ${source}/adapters/security/*.cpp ${source}/adapters/outbox/outbox.cpp)
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    foreach(each adapters/smtp/smtp_notifier
            services/order/order_store services/notification/notification_store
            services/analytics/bytes services/analytics/cells services/analytics/engine services/analytics/event_members
            services/analytics/event_parser services/analytics/payload_form services/analytics/plain_event_reader services/analytics/plain_json
            services/analytics/fingerprint services/analytics/hyperloglog services/analytics/pipeline services/analytics/word_lists
            transport/http/target transport/http/router transport/http/upstream transport/http/client transport/http/client_stream
            transport/rpc/service_tokens
            transport/http/beast_impl transport/http/tls_impl transport/middleware/rate_limit transport/middleware/authorization transport/otlp/otlp_json transport/lambda/lambda_event transport/lambda/lambda_runtime
            apps/stoa/settings apps/stoa/backup_format)
        list(APPEND sources ${source}/${each}.cpp)
    endforeach()
    add_library(stoa_fuzzed STATIC EXCLUDE_FROM_ALL ${sources})
    target_include_directories(stoa_fuzzed PUBLIC ${source} ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(stoa_fuzzed PRIVATE STOA_VERSION="fuzzed")
    target_compile_options(stoa_fuzzed PUBLIC
        -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(stoa_fuzzed PUBLIC -fsanitize=address,undefined)
    target_link_libraries(stoa_fuzzed PUBLIC fmt::fmt simdjson::simdjson spdlog::spdlog prometheus_core
        tomlplusplus::tomlplusplus Boost::headers Boost::url OpenSSL::SSL OpenSSL::Crypto sodium ZLIB::ZLIB Threads::Threads)
    target_link_libraries(stoa_fuzzed PRIVATE stoa_warnings)

    add_custom_target(fuzzers)
    file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
    foreach(fuzzer IN LISTS fuzzers)
        get_filename_component(stem ${fuzzer} NAME_WE)
        string(REGEX REPLACE "_fuzz$" "" name ${stem})
        add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${fuzzer})
        target_link_libraries(fuzz_${name} PRIVATE stoa_fuzzed stoa_warnings -fsanitize=fuzzer)
        set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
        add_dependencies(fuzzers fuzz_${name})
    endforeach()
endfunction()
