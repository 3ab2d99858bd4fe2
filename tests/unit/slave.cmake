foreach(noun session access_rules visitors operators ports rate leases ephemeral flaps hop_pace decisions denials door drain roster walk journal snapshots standings)
    m4h_test(unit_slave_${noun} SOURCES slave_${noun}.c LINK slave-core LABELS unit)
endforeach()

# Its own program: it takes the place of malloc.
m4h_test(unit_slave_memory SOURCES slave_memory.c LINK slave-core LABELS unit)
target_link_options(unit_slave_memory PRIVATE -Wl,--wrap=malloc,--wrap=calloc)

# Their own programs: they take the place of the workers and of the bus.
foreach(noun hub hub_walk)
    m4h_test(unit_slave_${noun} SOURCES slave_${noun}.c slave_hub_stage.c LINK slave LABELS unit)
    # They listen on the same ports.
    set_tests_properties(unit_slave_${noun} PROPERTIES RESOURCE_LOCK slave_hub_ports)
    target_link_options(unit_slave_${noun} PRIVATE
        -Wl,--wrap=m4h_slave_order,--wrap=m4h_publisher_send,--wrap=m4h_publisher_refuse
        -Wl,--wrap=m4h_ports_shun)
endforeach()

# Likewise, and masters are played too.
m4h_test(unit_slave_visits SOURCES slave_visits.c slave_hub_stage.c LINK slave LABELS unit)
set_tests_properties(unit_slave_visits PROPERTIES RESOURCE_LOCK slave_hub_ports)
target_link_options(unit_slave_visits PRIVATE
    -Wl,--wrap=m4h_slave_order,--wrap=m4h_publisher_send,--wrap=m4h_publisher_refuse
    -Wl,--wrap=m4h_ports_shun,--wrap=m4h_inquiry_start,--wrap=m4h_inquiry_cancel)

# Likewise.
m4h_test(unit_slave_admission SOURCES slave_admission.c LINK slave LABELS unit)
target_link_options(unit_slave_admission PRIVATE
    -Wl,--wrap=m4h_slave_order,--wrap=m4h_publisher_refuse,--wrap=m4h_bus_is_connected
    -Wl,--wrap=m4h_bus_request,--wrap=m4h_bus_cancel)

m4h_test(unit_slave_publisher SOURCES slave_publisher.c LINK slave LABELS unit)
target_link_options(unit_slave_publisher PRIVATE -Wl,--wrap=m4h_bus_publish)

foreach(noun config lease_file settings)
    m4h_test(unit_slave_${noun} SOURCES slave_${noun}.c LINK slave LABELS unit)
endforeach()
