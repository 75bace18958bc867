# bench/<name>_bench.cpp → bench_<name>, built by the target `benches` only.
add_custom_target(benches)
file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*_bench.cpp)
foreach(source IN LISTS benches)
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "_bench$" "" name ${stem})
    add_executable(bench_${name} EXCLUDE_FROM_ALL ${source})
    target_include_directories(bench_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(bench_${name} PRIVATE stoa_app stoa_transport ${stoa_service_rooms} ${stoa_adapter_rooms}
        stoa_test_support benchmark::benchmark stoa_warnings)
    set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    add_dependencies(benches bench_${name})
endforeach()

# bench/engines.py's: services on a database, without HTTP.
add_executable(order_steps EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/load/order_steps.cpp)
target_include_directories(order_steps PRIVATE ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(order_steps PRIVATE stoa_app stoa_transport ${stoa_service_rooms} ${stoa_adapter_rooms} stoa_warnings)
set_target_properties(order_steps PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
add_dependencies(benches order_steps)

# bench/run.py's load generator: a program of its own, without the shop's code.
add_executable(order_load EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/load/order_load.cpp)
target_link_libraries(order_load PRIVATE stoa_warnings)
set_target_properties(order_load PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
add_dependencies(benches order_load)
