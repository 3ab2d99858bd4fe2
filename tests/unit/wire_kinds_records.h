/* The kinds of messages about records of devices, revocations, places and audits: the
 * functions of wire_kinds that are in wire_kinds_records.c. */
#ifndef M4H_TESTS_UNIT_WIRE_KINDS_RECORDS_H
#define M4H_TESTS_UNIT_WIRE_KINDS_RECORDS_H

#include "lib/base/buffer.h"

#include <stddef.h>
#include <stdint.h>

int make_locate_request(struct m4h_buffer *out);
int make_locate_reply(struct m4h_buffer *out);
int make_locate_problem(struct m4h_buffer *out);
int make_revoke_request(struct m4h_buffer *out);
int make_revoke_reply(struct m4h_buffer *out);
int make_revoke_problem(struct m4h_buffer *out);
int make_revocations_request(struct m4h_buffer *out);
int make_revocations_reply(struct m4h_buffer *out);
int make_revocations_problem(struct m4h_buffer *out);
int make_devices_request(struct m4h_buffer *out);
int make_devices_reply(struct m4h_buffer *out);
int make_devices_problem(struct m4h_buffer *out);
int make_devices_changed(struct m4h_buffer *out);
int make_device_get(struct m4h_buffer *out);
int make_device_remove(struct m4h_buffer *out);
int make_device_put(struct m4h_buffer *out);
int make_device_put_line(struct m4h_buffer *out);
int make_device_reply(struct m4h_buffer *out);
int make_device_problem(struct m4h_buffer *out);
int make_audit_record(struct m4h_buffer *out);

int recode_locate_request(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_locate_reply(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_revoke_request(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_revoke_reply(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_revocations_request(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_revocations_reply(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_devices_request(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_devices_reply(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_devices_changed(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_device_get(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_device_remove(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_device_put(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_device_reply(const uint8_t *data, size_t len, struct m4h_buffer *out);
int recode_audit_record(const uint8_t *data, size_t len, struct m4h_buffer *out);

#endif
