/* What a key is granted, as parts of documents: the answers of programs (lib/json/identity.h) and
 * records (lib/json/device.h) name and write it alike. Private to lib/json. */
#ifndef M4H_JSON_GRANT_H
#define M4H_JSON_GRANT_H

#include "lib/json/strict.h"
#include "lib/json/writer.h"

/* Each reads the member of `object` that it is named for into an empty result; where it is not
 * there, that stays so. A list that is empty is wrong: no one can tell whether it means all or
 * none. */
uint8_t m4h_json_read_ports(struct m4h_json_strict *strict, json_t *object,
                            struct m4h_port_range *ranges, size_t max);
void m4h_json_read_labels(struct m4h_json_strict *strict, json_t *object,
                          char labels[M4H_LABELS_TEXT_MAX + 1]);
void m4h_json_read_limits(struct m4h_json_strict *strict, json_t *object,
                          struct m4h_device_limits *limits);
void m4h_json_read_operator(struct m4h_json_strict *strict, json_t *object,
                            struct m4h_operator *operator_);
void m4h_json_read_client_key(struct m4h_json_strict *strict, json_t *object,
                              char client_key[M4H_CLIENT_KEY_MAX + 1]);
void m4h_json_read_region(struct m4h_json_strict *strict, json_t *object,
                          char region[M4H_ID_MAX + 1]);
/* "expires_at"; 0: never. */
void m4h_json_read_expiry(struct m4h_json_strict *strict, json_t *object, uint64_t *wall_ms);

/* The same as members of the object that is open. Of limits and rules only what there is. */
void m4h_json_write_ports(struct m4h_json_writer *writer, const struct m4h_port_range *ranges,
                          size_t count);
void m4h_json_write_limits(struct m4h_json_writer *writer, const struct m4h_device_limits *limits);
/* Null where the key is no operator's. */
void m4h_json_write_operator(struct m4h_json_writer *writer, const struct m4h_operator *operator_);

#endif
