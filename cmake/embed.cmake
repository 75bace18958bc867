# Files inside the binary. stoa_embed(TARGET SYMBOL DIRECTORY FILE...) gives TARGET the header embedded/SYMBOL.hpp:
#
#   namespace stoa::embedded { std::span<const embedded_file> SYMBOL(); }
#
# Names are relative to DIRECTORY and in byte order (0001_… before 0002_…). The assembler copies the bytes, so even
# large files cost no compile time; 64 zero bytes follow each, which simdjson may read past the end.
function(stoa_embed target symbol directory)
    set(header ${CMAKE_BINARY_DIR}/generated/embedded/${symbol}.hpp)
    set(source ${CMAKE_BINARY_DIR}/generated/embedded/${symbol}.cpp)
    file(CONFIGURE OUTPUT ${header} @ONLY CONTENT [=[
#pragma once

#include "base/embedded_file.hpp"

#include <span>

namespace stoa::embedded {
std::span<const embedded_file> @symbol@();
}
]=])
    set(assembly "")
    set(declarations "")
    set(rows "")
    set(digests "")
    set(n 0)
    set(files ${ARGN})
    list(SORT files)
    foreach(file IN LISTS files)
        file(RELATIVE_PATH name ${directory} ${file})
        set(label stoa_embedded_${symbol}_${n})
        string(APPEND assembly "    \".balign 64\\n.globl ${label}\\n.hidden ${label}\\n${label}:\\n\"\n"
            "    \".incbin \\\"${file}\\\"\\n.L${label}_end:\\n.zero 64\\n.balign 8\\n\"\n"
            "    \".globl ${label}_size\\n.hidden ${label}_size\\n${label}_size:\\n\"\n"
            "    \".quad .L${label}_end - ${label}\\n\"\n")
        string(APPEND declarations "extern const char ${label}[];\nextern const std::uint64_t ${label}_size;\n")
        file(SHA256 ${file} digest)
        string(APPEND digests "// ${digest} ${name}\n")
        string(APPEND rows "        {\"${name}\", {${label}, ${label}_size}},\n")
        math(EXPR n "${n} + 1")
    endforeach()
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
#include "embedded/@symbol@.hpp"

#include <array>
#include <cstdint>

// A compiler's cache does not see what .incbin reads: other content must be another source.
@digests@
asm(".pushsection .rodata\n"
@assembly@    ".popsection\n");

extern "C" {
@declarations@}

namespace stoa::embedded {

std::span<const embedded_file> @symbol@() {
    static const std::array<embedded_file, @n@> files{{
@rows@    }};
    return files;
}

}
]=])
    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${files}")
    set_property(SOURCE ${source} APPEND PROPERTY OBJECT_DEPENDS "${files}")
    target_sources(${target} PRIVATE ${source})
endfunction()
