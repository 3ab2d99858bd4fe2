/* Writes JSON into a buffer, member after member. The first error is kept, and
 * what follows it does nothing; m4h_json_finish tells it. Private to lib/json.
 *
 * Written by hand, though jansson reads what comes in: a page of 500 tunnels
 * would be 6,000 of its allocations, and writing needs no tree. */
#ifndef M4H_JSON_WRITER_H
#define M4H_JSON_WRITER_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_json_writer {
    struct m4h_buffer *out; /* borrowed */
    size_t start;           /* what was there before */
    bool comma;             /* before the next member or element */
    int error;
};

void m4h_json_begin(struct m4h_json_writer *writer, struct m4h_buffer *out);
/* 0 or the error; then the buffer is as before m4h_json_begin. */
M4H_MUST_CHECK int m4h_json_finish(struct m4h_json_writer *writer);

/* `name` NULL: an element of an array, or the document itself. */
void m4h_json_open(struct m4h_json_writer *writer, const char *name, char bracket);
void m4h_json_close(struct m4h_json_writer *writer, char bracket);
/* Bytes that are not UTF-8 become '?'. */
void m4h_json_text(struct m4h_json_writer *writer, const char *name, const char *value);
void m4h_json_number(struct m4h_json_writer *writer, const char *name, uint64_t value);
void m4h_json_bool(struct m4h_json_writer *writer, const char *name, bool value);
void m4h_json_null(struct m4h_json_writer *writer, const char *name);
/* An object with a text for each label, see lib/base/labels.h. */
void m4h_json_labels(struct m4h_json_writer *writer, const char *name, const char *labels);
/* Null where `wall_ms` is 0. */
void m4h_json_time(struct m4h_json_writer *writer, const char *name, uint64_t wall_ms);

#endif
