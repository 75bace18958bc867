# The headers that nearly every source reads, parsed once in a build of the release or under a sanitizer: a third of its
# time on a bare machine.
# Only headers that change with the distribution's packages: one of ours would rebuild everything at each of its edits.
# Rooms that know nothing of Asio do without: its headers leave references to its library in whatever reads them.
# The dev build does without, so that a source that leaves out an include is noticed, and because ccache shares what was
# compiled with such a file only between builds at one path. Where everything is compiled at once (CI) it has them too.
option(STOA_PRECOMPILED_DEV "precompiled headers in the dev build" OFF)
# stoa_precompiled(TARGET [SET]): by the headers of SET, stoa_precompiled where none is named.
function(stoa_precompiled target)
    set(set ${ARGN} stoa_precompiled)
    list(GET set 0 set)
    if(TARGET ${set} AND NOT target MATCHES "^(stoa|test)_base$")
        target_precompile_headers(${target} REUSE_FROM ${set})
    endif()
endfunction()

if(NOT CMAKE_BUILD_TYPE MATCHES "^(Release|Asan|Tsan)$" AND (NOT STOA_PRECOMPILED_DEV OR NOT CMAKE_BUILD_TYPE STREQUAL "Dev" OR STOA_FUZZ))
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

# What the tests' sources read is compiled as they are (rooms.cmake): a file of this kind fits one set of options.
set(sets stoa_precompiled)
if(stoa_test_options)
    list(APPEND sets stoa_precompiled_tests)
endif()
foreach(set IN LISTS sets)
    add_library(${set} OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
    target_link_libraries(${set} PRIVATE Boost::headers fmt::fmt)
    target_precompile_headers(${set} PRIVATE ${stoa_precompiled_headers})
endforeach()
if(stoa_test_options)
    target_compile_options(stoa_precompiled_tests PRIVATE ${stoa_test_options})
endif()
