foreach(noun device documents event identity read slot_request stored stream)
    m4h_test(unit_json_${noun} SOURCES json_${noun}.c LINK json LABELS unit)
endforeach()
