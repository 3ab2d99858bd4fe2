# Every outside library by its pkg-config name. Only the module in lib/ that
# wraps a library links it.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(libssh REQUIRED IMPORTED_TARGET libssh)
pkg_check_modules(protobuf-c REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(libmicrohttpd REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(gnutls REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(nats REQUIRED IMPORTED_TARGET libnats)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(inih REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
# Optional: without it a service does not tell systemd how it is.
pkg_check_modules(libsystemd IMPORTED_TARGET libsystemd)
find_program(PROTOC_C NAMES protoc-c REQUIRED)

# Debian's libwslay-dev has no pkg-config file.
find_path(WSLAY_INCLUDE_DIR wslay/wslay.h REQUIRED)
find_library(WSLAY_LIBRARY wslay REQUIRED)
add_library(wslay INTERFACE)
target_include_directories(wslay SYSTEM INTERFACE ${WSLAY_INCLUDE_DIR})
target_link_libraries(wslay INTERFACE ${WSLAY_LIBRARY})

if(M4H_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
endif()
