/* The documents by which programs in any language are asked whose key it is, and answer: over
 * HTTP, over NATS or on their standard input. docs/PROTOCOL.md describes them,
 * deploy/examples/validator.schema.json is their schema. Any thread; no state. */
#ifndef M4H_JSON_IDENTITY_H
#define M4H_JSON_IDENTITY_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"

/* Longer answers are refused unread. */
#define M4H_JSON_IDENTITY_MAX 65536

/* {"request_id", "public_key", "key_fingerprint", "certificate", "username", "remote_address",
 * "slave_id", "region", "recheck"}. The key is written as in authorized_keys; where the device
 * showed a certificate, `public_key` is the key that it is for, and `certificate` is all of it,
 * else it is not there. M4H_EINVALID: the key is none; M4H_ENOMEM, M4H_ETOOBIG: `out` is as
 * before. */
M4H_MUST_CHECK int m4h_json_identity_request(struct m4h_buffer *out, const char *request_id,
                                             const struct m4h_authorize_request *request);

enum m4h_json_identity_result {
    M4H_JSON_IDENTITY_UNKNOWN,
    M4H_JSON_IDENTITY_ALLOW,
    M4H_JSON_IDENTITY_DENY,
};

/* Reads an answer. Of the reply it fills in what such a program may say, with an empty client_key
 * where the fingerprint is to name the device; `detail` is the reason of a refusal. A member that
 * is not known, or not what it must be, makes the whole answer wrong: a permission is never read
 * wider than it was meant. M4H_EPROTOCOL: no JSON; M4H_EINVALID: not such a document; M4H_ETOOBIG;
 * M4H_ENOMEM: `problem` says what, in at most M4H_DETAIL_MAX bytes, and `reply` holds nothing. */
M4H_MUST_CHECK int m4h_json_identity_answer_read(const uint8_t *data, size_t len,
                                                 enum m4h_json_identity_result *result,
                                                 struct m4h_authorize_reply *reply,
                                                 char problem[M4H_DETAIL_MAX + 1]);

#endif
