/* The encoding of protobuf, by hand. */
#include "tests/unit/wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum wire_type {
    VARINT = 0,
    FIXED64 = 1,
    LENGTH = 2,
    FIXED32 = 5,
};

static void put(struct m4h_buffer *out, const void *data, size_t len)
{
    assert_int_equal(m4h_buffer_add(out, data, len), 0);
}

void put_varint(struct m4h_buffer *out, uint64_t value)
{
    for (;;) {
        uint8_t byte = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);

        put(out, &byte, 1);
        if (value <= 0x7f)
            return;
        value >>= 7;
    }
}

void put_number(struct m4h_buffer *out, unsigned field, uint64_t value)
{
    put_varint(out, field << 3 | VARINT);
    put_varint(out, value);
}

void put_bytes(struct m4h_buffer *out, unsigned field, const void *data, size_t len)
{
    put_varint(out, field << 3 | LENGTH);
    put_varint(out, len);
    put(out, data, len);
}

void put_text(struct m4h_buffer *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* One field of a message. */
struct field {
    unsigned number;
    const uint8_t *start; /* its tag */
    const uint8_t *payload;
    const uint8_t *end;
};

static uint64_t take_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    unsigned shift = 0;

    do {
        assert_true(*at < end && shift < 64);
        value |= (uint64_t)(**at & 0x7f) << shift;
        shift += 7;
    } while (*(*at)++ & 0x80);
    return value;
}

static struct field take_field(const uint8_t **at, const uint8_t *end)
{
    struct field field = {.start = *at};
    uint64_t tag = take_varint(at, end);

    field.number = (unsigned)(tag >> 3);
    field.payload = *at;
    switch ((enum wire_type)(tag & 7)) {
    case VARINT:
        take_varint(at, end);
        break;
    case FIXED64:
        *at += 8;
        break;
    case FIXED32:
        *at += 4;
        break;
    case LENGTH: {
        uint64_t len = take_varint(at, end);

        field.payload = *at;
        *at += len;
        break;
    }
    }
    assert_true(*at <= end);
    field.end = *at;
    return field;
}

void append_at(struct m4h_buffer *out, const uint8_t *data, size_t len, const unsigned *path,
               const struct m4h_buffer *extra)
{
    const uint8_t *at = data;
    bool found = path[0] == 0;

    while (len > 0 && at < data + len) {
        struct field field = take_field(&at, data + len);

        if (!found && field.number == path[0]) {
            struct m4h_buffer inner = M4H_BUFFER_INIT(1u << 20);

            append_at(&inner, field.payload, (size_t)(field.end - field.payload), path + 1, extra);
            put_bytes(out, field.number, inner.data, inner.len);
            m4h_buffer_free(&inner);
            found = true;
        } else {
            put(out, field.start, (size_t)(field.end - field.start));
        }
    }
    assert_true(found);
    if (path[0] == 0)
        put(out, extra->data, extra->len);
}

void drop_at(struct m4h_buffer *out, const uint8_t *data, size_t len, const unsigned *path)
{
    const uint8_t *at = data;

    while (at < data + len) {
        struct field field = take_field(&at, data + len);

        if (field.number != path[0]) {
            put(out, field.start, (size_t)(field.end - field.start));
        } else if (path[1] != 0) {
            struct m4h_buffer inner = M4H_BUFFER_INIT(1u << 20);

            drop_at(&inner, field.payload, (size_t)(field.end - field.payload), path + 1);
            put_bytes(out, field.number, inner.data, inner.len);
            m4h_buffer_free(&inner);
        }
    }
}
