m4h_test(unit_fetch_pool SOURCES fetch_pool.c fetch_server.c net_stage.c LINK fetch-pool LABELS unit)
