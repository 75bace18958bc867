# Libraries come from /usr/include, which is a system path, so all of these are about our own lines.
add_library(stoa_warnings INTERFACE)
target_compile_options(stoa_warnings INTERFACE
    -Werror -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion
    # Leaving a member out is how a described struct takes its default.
    -Wno-missing-field-initializers -Wno-missing-designated-field-initializers)
