# m4h_module(NAME SOURCES file... [LINK target...])
#   A static library of ours; includes are written from the top of the tree.
function(m4h_module name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE m4h_warnings)
endfunction()

# m4h_core(NAME SOURCES file...)
#   The decisions of a service. Links lib/base and libc, and proves it: the
#   second target fails to link when a core calls anything else.
function(m4h_core name)
    cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
    m4h_module(${name} SOURCES ${arg_SOURCES} LINK base)
    if(NOT M4H_SANITIZE)
        add_library(${name}_alone MODULE ${arg_SOURCES})
        set_target_properties(${name}_alone PROPERTIES POSITION_INDEPENDENT_CODE ON)
        target_include_directories(${name}_alone PRIVATE ${CMAKE_SOURCE_DIR})
        target_link_libraries(${name}_alone PRIVATE base m4h_warnings)
        target_link_options(${name}_alone PRIVATE -Wl,--no-undefined)
    endif()
endfunction()

# m4h_service(NAME MAIN file LINK target...)
#   A program, bin/NAME; cmake --install puts it into PREFIX/bin.
function(m4h_service name)
    cmake_parse_arguments(arg "" "MAIN" "LINK" ${ARGN})
    add_executable(${name} ${arg_MAIN})
    target_link_libraries(${name} PRIVATE ${arg_LINK} m4h_warnings)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# m4h_test(NAME SOURCES file... LINK target... [LABELS label...])
#   A cmocka program, run by ctest.
function(m4h_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK} PkgConfig::cmocka m4h_warnings)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS "${arg_LABELS}")
endfunction()
