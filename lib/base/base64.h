/* Base64 (RFC 4648 section 4), strict: padding needed, no white space. Pure. */
#ifndef M4H_BASE_BASE64_H
#define M4H_BASE_BASE64_H

#include "lib/base/attributes.h"

#include <stddef.h>
#include <stdint.h>

/* Decodes `len` characters into at most `out_size` bytes; `*out_len` says how
 * many. M4H_EINVALID or M4H_ETOOBIG. */
M4H_MUST_CHECK int m4h_base64_decode(const char *text, size_t len, uint8_t *out, size_t out_size,
                                     size_t *out_len);

/* Of the text of so many bytes, with the NUL. */
#define M4H_BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Writes `len` bytes as text of M4H_BASE64_SIZE(len). Returns `text`. */
const char *m4h_base64_encode(const uint8_t *data, size_t len, char *text);

#endif
