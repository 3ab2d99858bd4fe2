foreach(noun accept cutter durations etag forwarded target route handshake sources)
    m4h_test(unit_http_${noun} SOURCES http_${noun}.c LINK http LABELS unit)
endforeach()
foreach(noun server stream websocket)
    m4h_test(unit_http_${noun}
        SOURCES http_${noun}.c http_fixture.c websocket_client.c
        LINK http
        LABELS unit)
endforeach()
