m4h_test(unit_ssh_stream SOURCES ssh_stream.c net_stage.c LINK ssh LABELS unit)
