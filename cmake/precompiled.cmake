# The headers that nearly every source reads, parsed once in a build of the release or under a sanitizer: a third of its
# time on a bare machine.
# Only headers that change with the distribution's packages: one of ours would rebuild everything at each of its edits.
# Rooms that know nothing of Asio do without: its headers leave references to its library in whatever reads them.
# The dev build does without, so that a source that leaves out an include is noticed, and because ccache shares what was
# compiled with such a file only between builds at one path. Where everything is compiled at once (CI) it has them too.
set(precompiled OFF)
if(CMAKE_BUILD_TYPE MATCHES "^(Release|Asan|Tsan)$")
    set(precompiled ON)
endif()
option(STOA_PRECOMPILED "precompiled headers" ${precompiled})

# stoa_precompiled(TARGET HEADERS): where this build has the precompiled headers HEADERS, TARGET is compiled with them.
function(stoa_precompiled target headers)
    if(TARGET ${headers} AND NOT target MATCHES "^(stoa|test)_base$")
        target_precompile_headers(${target} REUSE_FROM ${headers})
    endif()
endfunction()

if(NOT STOA_PRECOMPILED)
    return()
endif()
# Without a time stamp the same headers make the same file, which is what ccache looks at.
add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp
    CONTENT "// Precompiled headers hang on a library, and a library has a source.\n")
set(stoa_precompiled_headers
    <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <coroutine> <deque> <expected> <filesystem>
    <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <stop_token> <string> <string_view>
    <thread> <tuple> <unordered_map> <unordered_set> <utility> <variant> <vector>
    <boost/asio/associated_executor.hpp> <boost/asio/async_result.hpp> <boost/asio/awaitable.hpp>
    <boost/asio/executor_work_guard.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp>
    <boost/asio/use_awaitable.hpp> <boost/describe.hpp> <fmt/format.h>)

# Such a file fits one set of options: where tests' sources have their own (stoa_test_options) they have a file of their own.
function(stoa_precompile name)
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
    target_link_libraries(${name} PRIVATE Boost::headers fmt::fmt)
    target_compile_options(${name} PRIVATE ${ARGN})
    target_precompile_headers(${name} PRIVATE ${stoa_precompiled_headers})
endfunction()
stoa_precompile(stoa_precompiled)
if(stoa_test_options)
    stoa_precompile(stoa_precompiled_tests ${stoa_test_options})
endif()
