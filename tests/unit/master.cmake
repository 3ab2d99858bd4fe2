foreach(noun fallback keys million tunnel_index)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c LINK master-core LABELS unit)
endforeach()
foreach(noun dispatch fold liveness ownership pages resync)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c master_world.c LINK master-core
        LABELS unit)
endforeach()
