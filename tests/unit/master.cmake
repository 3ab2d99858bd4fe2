foreach(noun label_sets breaker chain device_change device_line evictions fallback keys last_places masters name_table order readiness stream_plan
    record_pull registry tunnel_index verdicts)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c LINK master-core LABELS unit)
endforeach()
foreach(noun certificates certified command_line)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c LINK master-core LABELS unit)
endforeach()
# One thread, and minutes under the thread sanitizer.
m4h_test(unit_master_million SOURCES master_million.c LINK master-core LABELS unit not-tsan)
foreach(noun dispatch pace reservations)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c master_scene.c master_world.c
        LINK master-core LABELS unit)
endforeach()
foreach(noun fold liveness memory pages places resync)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c master_world.c LINK master-core
        LABELS unit)
endforeach()
foreach(noun flapping kicks ownership)
    m4h_test(unit_master_${noun} SOURCES master_${noun}.c master_two_slaves.c master_world.c
        LINK master-core LABELS unit)
endforeach()
target_link_options(unit_master_memory PRIVATE
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
m4h_test(unit_master_config SOURCES master_config.c LINK master LABELS unit)
target_compile_definitions(unit_master_config PRIVATE M4H_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
m4h_test(unit_master_authorize SOURCES master_authorize.c LINK master LABELS unit)
target_link_options(unit_master_authorize PRIVATE -Wl,--wrap=m4h_bus_publish)
m4h_test(unit_master_records SOURCES master_records.c LINK master LABELS unit)
target_link_options(unit_master_records PRIVATE -Wl,--wrap=m4h_bus_publish)
m4h_test(unit_master_key_source SOURCES master_key_source.c LINK master LABELS unit)
m4h_test(unit_master_validators SOURCES master_validators.c LINK master LABELS unit)
m4h_test(unit_master_service SOURCES master_service.c master_stage.c master_world.c
    LINK master test-support LABELS integration)
m4h_test(unit_master_stream SOURCES master_stream.c LINK master LABELS unit)
target_link_options(unit_master_stream PRIVATE
    -Wl,--wrap=m4h_bus_request,--wrap=m4h_bus_is_connected,--wrap=m4h_loop_now_ms)
