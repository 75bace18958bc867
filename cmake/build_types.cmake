# One build type a preset. NDEBUG is set in none: assertions state what must hold, and a broken invariant stops the
# process in release as well.
set(CMAKE_CXX_FLAGS_DEV "-O1 -gline-tables-only" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only -fno-omit-frame-pointer" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_ASAN
    "-O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
    CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_TSAN "-O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=thread" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_COVERAGE "-O1 -gline-tables-only -fprofile-instr-generate -fcoverage-mapping"
    CACHE STRING "" FORCE)
# What clang-tidy reads: never built, so only what changes the meaning of the code counts.
set(CMAKE_CXX_FLAGS_TIDY "-O0" CACHE STRING "" FORCE)

set(stoa_build_types Dev Release Asan Tsan Tidy Coverage)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Dev)
endif()
if(NOT CMAKE_BUILD_TYPE IN_LIST stoa_build_types)
    message(FATAL_ERROR "CMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} is none of: ${stoa_build_types}. Use a preset.")
endif()

if(CMAKE_BUILD_TYPE MATCHES "^(Dev|Release)$")
    add_link_options(-Wl,--gc-sections)
    add_compile_options(-ffunction-sections -fdata-sections)
endif()
# Test builds hold the bugs of base/planted.hpp, switched off, and the places of runtime/crash_point.hpp; what is
# shipped and measured does not.
if(CMAKE_BUILD_TYPE MATCHES "^(Dev|Asan|Tsan)$")
    add_compile_definitions(STOA_PLANTED_BUGS STOA_CRASH_POINTS)
endif()
# The sources of tests are half of what is compiled and a thousandth of what runs: without the optimizer, in half the time.
# (Under a sanitizer what runs is not so little.)
set(stoa_test_options)
if(CMAKE_BUILD_TYPE STREQUAL "Dev")
    set(stoa_test_options -O0)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_definitions(_FORTIFY_SOURCE=2)
    add_compile_options(-fstack-protector-strong)
    add_link_options(-Wl,-z,relro,-z,now)
endif()
