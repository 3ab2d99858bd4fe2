foreach(noun acknowledgement nkey violations)
    m4h_test(unit_bus_${noun} SOURCES bus_${noun}.c LINK bus LABELS unit)
endforeach()
