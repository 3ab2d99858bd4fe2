m4h_test(unit_wire
    SOURCES wire_main.c wire_round_trip.c wire_refused.c wire_hostile.c wire_pages.c wire_bytes.c
        wire_kinds.c wire_kinds_records.c wire_models.c
    LINK wire
    LABELS unit)

# Its own program: it takes the place of malloc.
m4h_test(unit_wire_memory
    SOURCES wire_memory.c wire_bytes.c wire_kinds.c wire_kinds_records.c wire_models.c
    LINK wire
    LABELS unit)
target_link_options(unit_wire_memory PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc)
