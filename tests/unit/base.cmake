foreach(noun actor address base64 buffer digest file_mark heap ident known_masters labels latency log memory_copy metrics model network open_files pattern proxy_header stamp tries walltime revocations revocations_pull)
    m4h_test(unit_base_${noun} SOURCES base_${noun}.c LINK base LABELS unit)
endforeach()
