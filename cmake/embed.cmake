# m4h_embed(TARGET PREFIX FOLDER folder FILES file...)
#   Puts files into a target as they are, for lib/base/embedded.h: PREFIX_files and
#   PREFIX_file_count, each with its name below FOLDER, its bytes and their SHA-256.
#   A changed file is taken anew by the next build.
function(m4h_embed target prefix)
    cmake_parse_arguments(arg "" "FOLDER" "FILES" ${ARGN})
    get_filename_component(folder ${arg_FOLDER} ABSOLUTE)
    set(arrays "")
    set(rows "")
    set(count 0)
    foreach(name IN LISTS arg_FILES)
        set(path ${folder}/${name})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
        file(READ ${path} bytes HEX)
        file(SHA256 ${path} hash)
        string(LENGTH "${bytes}" length)
        math(EXPR length "${length} / 2")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
        # A NUL behind each, which its length does not count: no file gives an empty array.
        string(APPEND arrays "static const uint8_t bytes_${count}[] = {${bytes}0};\n")
        string(APPEND rows "    {\"${name}\", bytes_${count}, ${length}, \"${hash}\"},\n")
        math(EXPR count "${count} + 1")
    endforeach()
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${prefix}_files.c)
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"/* Made by cmake/embed.cmake from the files of ${arg_FOLDER}/. */
#include \"lib/base/embedded.h\"

${arrays}
const struct m4h_embedded_file ${prefix}_files[] = {
${rows}};
const size_t ${prefix}_file_count = ${count};
")
    target_sources(${target} PRIVATE ${source})
endfunction()
