# Warnings, hardening and sanitizers: link m4h_warnings to get them all.
add_library(m4h_warnings INTERFACE)
target_compile_options(m4h_warnings INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wformat=2 -Wvla -Werror
    -fno-common -fstack-protector-strong -fvisibility=hidden)
target_compile_definitions(m4h_warnings INTERFACE _GNU_SOURCE M4H_VERSION="${PROJECT_VERSION}")

if(M4H_SANITIZE)
    target_compile_options(m4h_warnings INTERFACE
        -fsanitize=${M4H_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    target_link_options(m4h_warnings INTERFACE -fsanitize=${M4H_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(m4h_warnings INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    target_link_options(m4h_warnings INTERFACE -Wl,-z,relro,-z,now)
endif()
