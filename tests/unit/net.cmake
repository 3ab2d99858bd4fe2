foreach(noun timer pump mailbox watch listener connection socket signals)
    m4h_test(unit_net_${noun} SOURCES net_${noun}.c net_stage.c LINK net LABELS unit)
endforeach()
