# The headers that nearly every source reads, parsed once in a build of the release or under a sanitizer: a third of its
# time on a bare machine.
# Only headers that change with the distribution's packages: one of ours would rebuild everything at each of its edits.
# Rooms that know nothing of Asio do without: its headers leave references to its library in whatever reads them.
# The dev build does without, so that a source that leaves out an include is noticed, and because ccache shares what was
# compiled with such a file only between builds at one path.
function(stoa_precompiled target)
    if(TARGET stoa_precompiled AND NOT target MATCHES "^(stoa|test)_base$")
        target_precompile_headers(${target} REUSE_FROM stoa_precompiled)
    endif()
endfunction()

if(NOT CMAKE_BUILD_TYPE MATCHES "^(Release|Asan|Tsan)$")
    return()
endif()
# Without a time stamp the same headers make the same file, which is what ccache looks at.
add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp
    CONTENT "// Precompiled headers hang on a library, and a library has a source.\n")
add_library(stoa_precompiled OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cpp)
target_link_libraries(stoa_precompiled PRIVATE Boost::headers fmt::fmt)
target_precompile_headers(stoa_precompiled PRIVATE
    <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <coroutine> <deque> <expected> <filesystem>
    <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <stop_token> <string> <string_view>
    <thread> <tuple> <unordered_map> <unordered_set> <utility> <variant> <vector>
    <boost/asio/associated_executor.hpp> <boost/asio/async_result.hpp> <boost/asio/awaitable.hpp>
    <boost/asio/executor_work_guard.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp>
    <boost/asio/use_awaitable.hpp> <boost/describe.hpp> <fmt/format.h>)
