foreach(noun access filter given kept late page problem rates readiness recent tail tokens)
    m4h_test(unit_gateway_${noun} SOURCES gateway_${noun}.c LINK gateway-core LABELS unit)
endforeach()

m4h_test(unit_gateway_config SOURCES gateway_config.c LINK gateway LABELS unit)
target_compile_definitions(unit_gateway_config PRIVATE M4H_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# With masters and clients that the test plays, and without memory.
m4h_test(unit_gateway_shared SOURCES gateway_shared.c LINK gateway LABELS unit)
target_link_options(unit_gateway_shared PRIVATE
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
    -Wl,--wrap=m4h_gateway_rpc_start,--wrap=m4h_gateway_rpc_again,--wrap=m4h_http_defer
    -Wl,--wrap=m4h_http_answer_content,--wrap=m4h_http_answer_problem)

# The whole gateway, between a real nats-server and a master and a slave that the test plays.
foreach(noun pages rest slots)
    m4h_test(unit_gateway_${noun}
        SOURCES gateway_${noun}.c gateway_fixture.c http_fixture.c websocket_client.c
        LINK gateway test-support
        LABELS unit)
endforeach()
