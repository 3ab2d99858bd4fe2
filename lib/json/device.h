/* Records of devices and operators, and revocations, as documents of REST: written for clients,
 * read from them (strictly: what a document says gives permissions), and read by a client that
 * shows them (leniently, as lib/json/read.h). docs/PROTOCOL.md describes them. Any thread; no
 * state.
 *
 * Writers: M4H_ENOMEM or M4H_ETOOBIG, `out` is then as before. */
#ifndef M4H_JSON_DEVICE_H
#define M4H_JSON_DEVICE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"
#include "lib/json/read.h"

/* Longer requests are refused unread. */
#define M4H_JSON_DEVICE_MAX 16384

/* ---- written ---------------------------------------------------------------- */

M4H_MUST_CHECK int m4h_json_device(struct m4h_buffer *out, const struct m4h_device_record *device);
/* {"devices": [...], "next_page_token": ""} */
M4H_MUST_CHECK int m4h_json_devices(struct m4h_buffer *out, const struct m4h_device_record *devices,
                                    size_t count, const char *next_page_token);

/* A change, or a new record, as m4h_json_device_change_parse reads it: what `device` says, limits
 * but for ports left out; what it does not say is not named, and so stays as it is. */
M4H_MUST_CHECK int m4h_json_device_change(struct m4h_buffer *out,
                                          const struct m4h_device_record *device);

/* What m4h_json_device_put_parse reads of a line of authorized_keys. */
M4H_MUST_CHECK int m4h_json_device_line(struct m4h_buffer *out, const char *line, bool replaces);

/* "name" is as lib/base/revocations.h names it. */
M4H_MUST_CHECK int m4h_json_revocation(struct m4h_buffer *out, const struct m4h_revoke *revoke);
/* {"revocations": [...], "next_page_token": ""} */
M4H_MUST_CHECK int m4h_json_revocations(struct m4h_buffer *out,
                                        const struct m4h_revoke *revocations, size_t count,
                                        const char *next_page_token);
/* What m4h_json_revoke_request_parse reads. */
M4H_MUST_CHECK int m4h_json_revoke_request(struct m4h_buffer *out,
                                           const struct m4h_revoke_request *request);

/* "pending"; static. */
const char *m4h_json_device_state(enum m4h_device_state state);
/* 0: it is none. */
enum m4h_device_state m4h_json_device_state_parse(const char *text);

/* ---- requests, at a gateway --------------------------------------------------- */

/* Changes `device` by a document: a member that is there replaces what is said there, null makes
 * it empty, what is not there stays. A device that gets "operator" loses its client key, and the
 * other way round. A whole document that a gateway has written is a change, too: what only masters
 * say ("created_at", "changed_at", "actor", "remote_address", "username", "attempts") is passed
 * over. Any other member that is not known, or not what it must be, makes all of it wrong.
 *
 * A public key comes as in lib/base/ssh_public_key.h; its comment becomes that of the record where
 * there is none. "key_fingerprint" is copied, for the caller to compare.
 *
 * M4H_EPROTOCOL: no JSON; M4H_EINVALID: not such a document; M4H_ETOOBIG; M4H_ENOMEM: `problem`
 * says what, and `device` is as before. */
M4H_MUST_CHECK int m4h_json_device_change_parse(const uint8_t *data, size_t len,
                                                struct m4h_device_record *device,
                                                char problem[M4H_DETAIL_MAX + 1]);

/* A request to make a record: a change of `put->device`; or {"authorized_keys": "LINE"}, which goes
 * into `put`, and with "replace" true takes `create_only` from it. Errors as above. */
M4H_MUST_CHECK int m4h_json_device_put_parse(const uint8_t *data, size_t len,
                                             struct m4h_device_put *put,
                                             char problem[M4H_DETAIL_MAX + 1]);

/* {"client_key" or "key_fingerprint", "ban", "reason"}; errors as above. "ban" is true where it
 * is not said. */
M4H_MUST_CHECK int m4h_json_revoke_request_parse(const uint8_t *data, size_t len,
                                                 struct m4h_revoke_request *request,
                                                 char problem[M4H_DETAIL_MAX + 1]);

/* ---- read by a client of a gateway, as lib/json/read.h ------------------------- */

M4H_MUST_CHECK int m4h_json_device_read(const uint8_t *data, size_t len,
                                        struct m4h_device_record *device);
/* One page. The array is allocated, the caller's to free; NULL on an error. */
M4H_MUST_CHECK int m4h_json_devices_read(const uint8_t *data, size_t len,
                                         struct m4h_device_record **devices, size_t *count,
                                         char next_page_token[M4H_JSON_TOKEN_MAX]);
M4H_MUST_CHECK int m4h_json_revocation_read(const uint8_t *data, size_t len,
                                            struct m4h_revoke *revoke);
M4H_MUST_CHECK int m4h_json_revocations_read(const uint8_t *data, size_t len,
                                             struct m4h_revoke **revocations, size_t *count,
                                             char next_page_token[M4H_JSON_TOKEN_MAX]);

#endif
