/* Reads the fields of SSH (RFC 4251 section 5) off the front of bytes. Nothing is
 * copied: what is taken points into the bytes, and lives as long as they do. Each
 * taker returns false, and takes nothing, where the bytes are too short. Pure. */
#ifndef M4H_BASE_SSH_FIELDS_H
#define M4H_BASE_SSH_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_ssh_bytes {
    const uint8_t *at;
    size_t len;
};

bool m4h_ssh_take_byte(struct m4h_ssh_bytes *from, uint8_t *value);
bool m4h_ssh_take_u32(struct m4h_ssh_bytes *from, uint32_t *value);
bool m4h_ssh_take_u64(struct m4h_ssh_bytes *from, uint64_t *value);
bool m4h_ssh_take_string(struct m4h_ssh_bytes *from, struct m4h_ssh_bytes *value);
/* So many strings, whatever is in them. */
bool m4h_ssh_skip_strings(struct m4h_ssh_bytes *from, size_t count);

bool m4h_ssh_bytes_equal(struct m4h_ssh_bytes a, struct m4h_ssh_bytes b);
bool m4h_ssh_bytes_are(struct m4h_ssh_bytes bytes, const char *text);
/* Copies them as a text. False, and `out` is empty: they do not fit, or hold a NUL. */
bool m4h_ssh_bytes_copy_text(struct m4h_ssh_bytes bytes, char *out, size_t size);

#endif
