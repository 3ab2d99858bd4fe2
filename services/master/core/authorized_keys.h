/* Reads OpenSSH's authorized_keys format (sshd(8), AUTHORIZED_KEYS FILE FORMAT)
 * into a table of keys. A line that is wrong, or that we cannot honour, is told
 * with its number and skipped; the others count. Pure.
 *
 * A key is a device's: its client key is the option client-key="...", else the line's comment, else
 * the fingerprint of the key. With the option operator="..." it is an operator's. key_options.h
 * says which options there are. */
#ifndef M4H_MASTER_AUTHORIZED_KEYS_H
#define M4H_MASTER_AUTHORIZED_KEYS_H

#include "services/master/core/key_options.h"
#include "services/master/core/keys.h"

/* Longer lines are refused: a key of 4096 bytes and its options fit. */
#define M4H_AUTHORIZED_KEYS_LINE_MAX 16384u
/* The largest file that is read, bytes. */
#define M4H_AUTHORIZED_KEYS_FILE_MAX (256u * 1024 * 1024)
/* Bad lines that are told of one by one. */
#define M4H_AUTHORIZED_KEYS_FAULTS_MAX 50u

/* One bad line. */
struct m4h_key_fault {
    struct m4h_key_place place;
    struct m4h_key_place other; /* of the line that holds instead; its line 0: none */
    char message[160];          /* may hold text from the file: quote it */
};

struct m4h_key_report {
    struct m4h_key_fault faults[M4H_AUTHORIZED_KEYS_FAULTS_MAX];
    uint32_t fault_count; /* of all; the array holds the first ones */
};

/* Adds the keys of the text, which is that of `file`, to `keys`, and what is wrong in it to
 * `report`. 0 also where lines are bad; M4H_ENOMEM, M4H_EFULL (more than M4H_KEYS_MAX): `keys` then
 * holds a part. */
M4H_MUST_CHECK int m4h_authorized_keys_parse(struct m4h_keys *keys, const char *text, size_t len,
                                             uint32_t file, struct m4h_key_report *report);

/* Reads one line, without its end. M4H_ENOTFOUND: it is empty, or a comment. M4H_EINVALID,
 * M4H_ETOOBIG: `wrong` says why, and may hold text of the line. */
M4H_MUST_CHECK int m4h_authorized_keys_read_line(struct m4h_key_line *line, const char *text,
                                                 size_t len, char *wrong, size_t size);

#endif
