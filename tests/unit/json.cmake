foreach(noun documents event read slot_request stream)
    m4h_test(unit_json_${noun} SOURCES json_${noun}.c LINK json LABELS unit)
endforeach()
