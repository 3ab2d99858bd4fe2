/* Private to lib/wire: the checks of single fields on their way in, and the few
 * conversions on their way out. Each m4h_wire_read_* returns false where the
 * field breaks its rule; `out` is then undefined. Pure.
 *
 * A NUL inside a string cannot be seen here: protobuf-c gives strings without
 * their lengths, so such a string ends at its first NUL, for its check and for
 * its use alike. */
#ifndef M4H_WIRE_FIELD_H
#define M4H_WIRE_FIELD_H

#include "google/protobuf/timestamp.pb-c.h"
#include "lib/base/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The last millisecond of the year 9999, the last that RFC 3339 can write. */
#define M4H_WIRE_WALL_MS_MAX 253402300799999u

/* An id as m4h_ident_id_is_valid says; `maybe`: or empty. */
bool m4h_wire_read_id(const char *text, char out[M4H_ID_MAX + 1]);
bool m4h_wire_read_id_maybe(const char *text, char out[M4H_ID_MAX + 1]);
bool m4h_wire_read_client_key(const char *text, char out[M4H_CLIENT_KEY_MAX + 1]);
bool m4h_wire_read_client_key_maybe(const char *text, char out[M4H_CLIENT_KEY_MAX + 1]);
bool m4h_wire_read_host(const char *text, char out[M4H_HOST_MAX + 1]);
/* Text for people, at most `size` - 1 bytes; may be empty. */
bool m4h_wire_read_text(const char *text, char *out, size_t size);
bool m4h_wire_read_tunnel_id(const char *text, uint64_t *out);
/* 1 to 65535. */
bool m4h_wire_read_port(uint32_t port, uint16_t *out);
/* Its wall time must not be past the year 9999; 0 passes. */
bool m4h_wire_read_stamp(uint64_t stamp, uint64_t *out);
/* From 1970 to the year 9999; it must be there. Parts of a millisecond are cut off. */
bool m4h_wire_read_time(const Google__Protobuf__Timestamp *time, uint64_t *wall_ms);
/* The same, or absent: 0. */
bool m4h_wire_read_time_maybe(const Google__Protobuf__Timestamp *time, uint64_t *wall_ms);

/* Times past the year 9999 are written as its end, since no reader takes them. */
void m4h_wire_write_time(Google__Protobuf__Timestamp *time, uint64_t wall_ms);
/* NULL for 0, else `time`, written. */
Google__Protobuf__Timestamp *m4h_wire_write_time_maybe(Google__Protobuf__Timestamp *time,
                                                       uint64_t wall_ms);
/* protobuf-c's structs want `char *`, and only read it when they are packed. */
char *m4h_wire_borrow(const char *text);

#endif
