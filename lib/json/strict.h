/* Members of a JSON object that must be right: each is known, has its type and its rule, or the
 * whole document counts as none. A name that is spelt wrong must not leave out a limit. For what
 * gives permissions: lib/json/identity.h, lib/json/device.h. Private to lib/json. */
#ifndef M4H_JSON_STRICT_H
#define M4H_JSON_STRICT_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One document while it is read; what is wrong first is kept. A reader below that finds something
 * wrong leaves its result empty, and the caller goes on: at the end it looks at `error`. */
struct m4h_json_strict {
    char *problem; /* M4H_DETAIL_MAX + 1, the caller's */
    int error;
};

void m4h_json_refuse(struct m4h_json_strict *strict, const char *format, ...) M4H_PRINTF(2, 3);

/* `what` ("the answer") is for people. NULL: it is no JSON (M4H_EPROTOCOL), longer than `max`
 * (M4H_ETOOBIG), or there is no memory; else the caller's to json_decref. */
json_t *m4h_json_strict_load(struct m4h_json_strict *strict, const char *what, const uint8_t *data,
                             size_t len, size_t max);

/* Only these may be there, NULL behind the last; a member whose name begins with "x-" is the
 * writer's own. */
void m4h_json_strict_names(struct m4h_json_strict *strict, json_t *object, const char *where,
                           const char *const *names);

/* NULL where it is not there, or null; borrowed, as are those below. */
json_t *m4h_json_strict_member(json_t *object, const char *name);
json_t *m4h_json_strict_object(struct m4h_json_strict *strict, json_t *object, const char *name);
json_t *m4h_json_strict_array(struct m4h_json_strict *strict, json_t *object, const char *name,
                              size_t max);
/* Without control characters, "" where it is not there. */
void m4h_json_strict_text(struct m4h_json_strict *strict, json_t *object, const char *name,
                          char *out, size_t size);
/* 0 where it is not there. */
uint64_t m4h_json_strict_number(struct m4h_json_strict *strict, json_t *object, const char *name,
                                uint64_t min, uint64_t max);
bool m4h_json_strict_bool(struct m4h_json_strict *strict, json_t *object, const char *name);

#endif
