/* What may name a thing, checked once where it comes in.
 * Pure; strings are NUL terminated; NULL is never valid. */
#ifndef M4H_BASE_IDENT_H
#define M4H_BASE_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ids of regions, slaves, masters and gateways: one token of a NATS subject. */
#define M4H_ID_MAX 63
/* Client keys: they name devices, in logs, in REST and as keys of tables. */
#define M4H_CLIENT_KEY_MAX 128
/* A DNS name is at most 253 characters; a literal IPv6 address is shorter. */
#define M4H_HOST_MAX 255

/* [a-z0-9-]{1,63} */
bool m4h_ident_id_is_valid(const char *id);

/* 1 to 128 bytes of UTF-8 without control characters, and no space at either end. */
bool m4h_ident_client_key_is_valid(const char *client_key);

/* True when the `len` bytes are UTF-8 (RFC 3629: no surrogates, no overlong
 * forms) and hold no control character (U+0000-U+001F, U+007F-U+009F). */
bool m4h_ident_text_is_valid(const char *text, size_t len);

/* Copies text that a stranger chose so that it is valid text: bytes that are
 * not UTF-8 and control characters become '?', and what does not fit in `size`
 * is cut between characters. Returns `out`. */
const char *m4h_ident_text_clean(char *out, size_t size, const char *text);

/* A DNS name or a literal address, at most M4H_HOST_MAX bytes of
 * [A-Za-z0-9._:%-], no '-' first: it ends up in command lines. */
bool m4h_ident_host_is_valid(const char *host);

/* FNV-1a with a final mix. The same in every process: orders and digests that
 * cross machines may rest on it. Not for keys that a stranger may choose. */
uint64_t m4h_ident_hash(const char *text);

#endif
