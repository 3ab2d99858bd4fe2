/* The tokens file of a gateway, read again when it changes. One thread; reading blocks,
 * for a millisecond or so. */
#ifndef M4H_GATEWAY_IO_TOKEN_FILE_H
#define M4H_GATEWAY_IO_TOKEN_FILE_H

#include "lib/base/file_mark.h"
#include "services/gateway/core/tokens.h"

struct m4h_token_file {
    const char *path; /* borrowed; "": there is none, and no token is asked for */
    struct m4h_tokens tokens;
    struct m4h_file_mark loaded;
    struct m4h_file_mark seen;
    uint32_t faults; /* bad lines in what is loaded */
    uint64_t loads;
    uint64_t failures;
};

/* Reads it for the first time. Errors are logged, here and below; until it can be
 * read, no token is known. */
void m4h_token_file_open(struct m4h_token_file *file, const char *path);
void m4h_token_file_close(struct m4h_token_file *file);

/* Reads it again where it has changed and then stayed the same from one call to the next. */
void m4h_token_file_check(struct m4h_token_file *file);
/* Reads it again. What was there stays where that fails. */
void m4h_token_file_load(struct m4h_token_file *file);

#endif
