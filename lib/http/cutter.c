/* Where frames end. */
#include "lib/http/cutter.h"

#define CONTROL 0x08
#define MASKED  0x80
#define MASK    4

/* Of the length, after the first two bytes. */
static size_t length_bytes(const struct m4h_cutter *cutter)
{
    unsigned form = cutter->head[1] & 0x7fu;

    return form == 126 ? 2 : form == 127 ? 8 : 0;
}

/* As far as it is known. */
static size_t head_size(const struct m4h_cutter *cutter)
{
    if (cutter->head_len < 2)
        return 2;
    return 2 + length_bytes(cutter) + (cutter->head[1] & MASKED ? MASK : 0);
}

static uint64_t read_length(const struct m4h_cutter *cutter)
{
    size_t bytes = length_bytes(cutter);
    uint64_t len = bytes == 0 ? cutter->head[1] & 0x7fu : 0;

    for (size_t i = 0; i < bytes; i++)
        len = len << 8 | cutter->head[2 + i];
    return len;
}

static size_t take_head(struct m4h_cutter *cutter, const uint8_t *data, size_t len)
{
    size_t taken = 0;

    while (taken < len && cutter->head_len < head_size(cutter)) {
        if (cutter->head_len < sizeof(cutter->head))
            cutter->head[cutter->head_len] = data[taken];
        cutter->head_len++;
        taken++;
    }
    if (cutter->head_len >= 2 && cutter->head_len == head_size(cutter)) {
        cutter->payload_len = cutter->payload_left = read_length(cutter);
        cutter->in_payload = true;
    }
    return taken;
}

size_t m4h_cutter_take(struct m4h_cutter *cutter, const uint8_t *data, size_t len)
{
    size_t taken = cutter->in_payload ? 0 : take_head(cutter, data, len);

    if (!cutter->in_payload)
        return taken;
    if (cutter->payload_left > len - taken) {
        cutter->payload_left -= len - taken;
        return len;
    }
    taken += (size_t)cutter->payload_left;
    *cutter = (struct m4h_cutter){0};
    return taken;
}

bool m4h_cutter_is_between(const struct m4h_cutter *cutter)
{
    return cutter->head_len == 0;
}

uint64_t m4h_cutter_data_len(const struct m4h_cutter *cutter)
{
    return cutter->in_payload && !(cutter->head[0] & CONTROL) ? cutter->payload_len : 0;
}
