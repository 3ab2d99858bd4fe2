m4h_test(unit_store_file SOURCES store_file.c net_stage.c LINK store LABELS unit)
