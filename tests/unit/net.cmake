foreach(noun task timer lag pump mailbox tray watch listener proxy_reader connection dial farewell socket signals)
    m4h_test(unit_net_${noun} SOURCES net_${noun}.c net_stage.c LINK net LABELS unit)
endforeach()

m4h_test(unit_net_child SOURCES net_child.c net_stage.c LINK net LABELS unit)

m4h_test(unit_net_watch_unheard SOURCES net_watch_unheard.c net_stage.c LINK net LABELS unit)
target_link_options(unit_net_watch_unheard PRIVATE -Wl,--wrap=epoll_ctl)

# Without libsystemd there is nothing to hear.
if(libsystemd_FOUND)
    m4h_test(unit_net_supervisor SOURCES net_supervisor.c net_stage.c LINK net LABELS unit)
endif()
