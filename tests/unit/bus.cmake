m4h_test(unit_bus_nkey SOURCES bus_nkey.c LINK bus LABELS unit)
