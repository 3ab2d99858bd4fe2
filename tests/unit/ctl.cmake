foreach(noun arguments exit_code since sse ssh_way table target token_line top views words)
    m4h_test(unit_ctl_${noun} SOURCES ctl_${noun}.c LINK ctl-core LABELS unit)
endforeach()
