# tests/fuzz/<name>_fuzz.cpp → fuzz_<name>, with libFuzzer and the sanitizers. Not in the default build:
#   cmake --preset dev -B build/fuzz -DSTOA_FUZZ=ON && ninja -C build/fuzz fuzzers && build/fuzz/fuzz/fuzz_json -max_total_time=60
option(STOA_FUZZ "build the fuzz targets (the target `fuzzers`)" OFF)
if(NOT STOA_FUZZ)
    return()
endif()
add_compile_options(-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
add_link_options(-fsanitize=address,undefined)

# Called after the rooms are there.
function(stoa_fuzzers)
    add_custom_target(fuzzers)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
    foreach(source IN LISTS sources)
        get_filename_component(stem ${source} NAME_WE)
        string(REGEX REPLACE "_fuzz$" "" name ${stem})
        add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${source})
        target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
        target_link_libraries(fuzz_${name} PRIVATE stoa_transport stoa_warnings -fsanitize=fuzzer)
        set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
        add_dependencies(fuzzers fuzz_${name})
    endforeach()
endfunction()
