/* Members of a JSON object, read so that nothing in it can surprise the reader:
 * see read.h for the rules. Private to lib/json. */
#ifndef M4H_JSON_READER_H
#define M4H_JSON_READER_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "lib/json/read.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object, the caller's to json_decref. M4H_EINVALID or M4H_ENOMEM: `*document` is NULL. */
M4H_MUST_CHECK int m4h_json_load_object(const uint8_t *data, size_t len, json_t **document);

/* A page of a list; `*list` is borrowed from `*document`. Errors as above, where a page without
 * its list may leave a document to be released. */
M4H_MUST_CHECK int m4h_json_load_page(const uint8_t *data, size_t len, const char *name,
                                      json_t **document, json_t **list,
                                      char token[M4H_JSON_TOKEN_MAX]);
/* Zeroes for as many of that size as the array has; the caller's to free. NULL: no memory. */
void *m4h_json_room_for(const json_t *array, size_t size);

/* The member that is an array, or NULL; borrowed. */
json_t *m4h_json_get_array(const json_t *object, const char *name);

void m4h_json_get_text(const json_t *object, const char *name, char *out, size_t out_size);
/* A number, or a text that is one. What does not fit is cut to the limit. */
uint64_t m4h_json_get_u64(const json_t *object, const char *name);
uint32_t m4h_json_get_u32(const json_t *object, const char *name);
uint16_t m4h_json_get_port(const json_t *object, const char *name);
bool m4h_json_get_bool(const json_t *object, const char *name);
/* 0 where there is none. */
uint64_t m4h_json_get_time(const json_t *object, const char *name);
/* As lib/base/labels.h has them; what can be none is left out. */
void m4h_json_get_labels(const json_t *object, const char *name,
                         char labels[M4H_LABELS_TEXT_MAX + 1]);
uint64_t m4h_json_get_tunnel_id(const json_t *object, const char *name);
/* "host_keys"; returns how many. */
uint8_t m4h_json_get_host_keys(const json_t *object,
                               char keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1]);
enum m4h_slave_state m4h_json_get_state(const json_t *object, const char *name);

#endif
