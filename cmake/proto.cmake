# api/proto as C++: the library stoa_proto, with headers "stoa/v1/….pb.h". Messages only: calls are registered by name.
find_program(STOA_PROTOC protoc REQUIRED)
find_library(STOA_PROTOBUF protobuf REQUIRED)
pkg_check_modules(GRPCXX REQUIRED IMPORTED_TARGET grpc++)
find_library(STOA_GRPC_REFLECTION grpc++_reflection REQUIRED)

function(stoa_proto)
    set(from ${CMAKE_SOURCE_DIR}/api/proto)
    set(to ${CMAKE_BINARY_DIR}/generated/proto)
    file(GLOB files CONFIGURE_DEPENDS RELATIVE ${from} ${from}/stoa/v1/*.proto)
    file(MAKE_DIRECTORY ${to})
    set(sources "")
    foreach(file IN LISTS files)
        string(REGEX REPLACE "\\.proto$" ".pb" stem ${file})
        add_custom_command(OUTPUT ${to}/${stem}.cc ${to}/${stem}.h
            COMMAND ${STOA_PROTOC} -I ${from} --cpp_out=${to} ${file}
            DEPENDS ${from}/${file} ${from}/stoa/v1/common.proto VERBATIM)
        list(APPEND sources ${to}/${stem}.cc)
    endforeach()
    add_library(stoa_proto STATIC ${sources})
    # What protoc writes is not ours to mend.
    target_include_directories(stoa_proto SYSTEM PUBLIC ${to})
    target_link_libraries(stoa_proto PUBLIC ${STOA_PROTOBUF} Threads::Threads)
    target_compile_options(stoa_proto PRIVATE -w)
endfunction()
