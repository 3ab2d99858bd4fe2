/* A file that is part of the program: made by m4h_embed (cmake/embed.cmake) at
 * build time. Everything lives as long as the program. */
#ifndef M4H_BASE_EMBEDDED_H
#define M4H_BASE_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

struct m4h_embedded_file {
    const char *name; /* its path below the folder that was embedded */
    const uint8_t *bytes;
    size_t len;
    const char *sha256; /* of the bytes, 64 hex digits */
};

#endif
