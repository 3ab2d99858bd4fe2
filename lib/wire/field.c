/* The checks of single fields. Knows no message type but Timestamp. */
#include "lib/wire/field.h"

#include <string.h>

bool m4h_wire_read_text(const char *text, char *out, size_t size)
{
    return m4h_text_copy(out, size, text) && m4h_ident_text_is_valid(out, strlen(out));
}

bool m4h_wire_read_id(const char *text, char out[M4H_ID_MAX + 1])
{
    return m4h_text_copy(out, M4H_ID_MAX + 1, text) && m4h_ident_id_is_valid(out);
}

bool m4h_wire_read_id_maybe(const char *text, char out[M4H_ID_MAX + 1])
{
    out[0] = '\0';
    return text[0] == '\0' || m4h_wire_read_id(text, out);
}

bool m4h_wire_read_client_key(const char *text, char out[M4H_CLIENT_KEY_MAX + 1])
{
    return m4h_text_copy(out, M4H_CLIENT_KEY_MAX + 1, text) && m4h_ident_client_key_is_valid(out);
}

bool m4h_wire_read_client_key_maybe(const char *text, char out[M4H_CLIENT_KEY_MAX + 1])
{
    out[0] = '\0';
    return text[0] == '\0' || m4h_wire_read_client_key(text, out);
}

bool m4h_wire_read_host(const char *text, char out[M4H_HOST_MAX + 1])
{
    return m4h_text_copy(out, M4H_HOST_MAX + 1, text) && m4h_ident_host_is_valid(out);
}

bool m4h_wire_read_tunnel_id(const char *text, uint64_t *out)
{
    return m4h_tunnel_id_parse(text, out);
}

bool m4h_wire_read_port(uint32_t port, uint16_t *out)
{
    *out = (uint16_t)port;
    return port >= 1 && port <= UINT16_MAX;
}

bool m4h_wire_read_stamp(uint64_t stamp, uint64_t *out)
{
    *out = stamp;
    return stamp >> 16 <= M4H_WIRE_WALL_MS_MAX;
}

bool m4h_wire_read_time(const Google__Protobuf__Timestamp *time, uint64_t *wall_ms)
{
    if (time == NULL || time->seconds < 0 || time->nanos < 0 || time->nanos > 999999999 ||
        time->seconds > (int64_t)(M4H_WIRE_WALL_MS_MAX / 1000))
        return false;
    *wall_ms = (uint64_t)time->seconds * 1000 + (uint64_t)time->nanos / 1000000;
    return true;
}

bool m4h_wire_read_time_maybe(const Google__Protobuf__Timestamp *time, uint64_t *wall_ms)
{
    *wall_ms = 0;
    return time == NULL || m4h_wire_read_time(time, wall_ms);
}

void m4h_wire_write_time(Google__Protobuf__Timestamp *time, uint64_t wall_ms)
{
    if (wall_ms > M4H_WIRE_WALL_MS_MAX)
        wall_ms = M4H_WIRE_WALL_MS_MAX;
    google__protobuf__timestamp__init(time);
    time->seconds = (int64_t)(wall_ms / 1000);
    time->nanos = (int32_t)(wall_ms % 1000 * 1000000);
}

Google__Protobuf__Timestamp *m4h_wire_write_time_maybe(Google__Protobuf__Timestamp *time,
                                                       uint64_t wall_ms)
{
    if (wall_ms == 0)
        return NULL;
    m4h_wire_write_time(time, wall_ms);
    return time;
}

char *m4h_wire_borrow(const char *text)
{
    return (char *)text;
}
