/* Between validators that ask a program outside and the JSON documents that it reads and writes:
 * lib/json/identity.h. */
#ifndef M4H_MASTER_IO_DOCUMENT_H
#define M4H_MASTER_IO_DOCUMENT_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "services/master/core/validator.h"

/* Adds the question; its request_id is "MASTER-NAME-NUMBER". Errors of
 * m4h_json_identity_request. */
M4H_MUST_CHECK int m4h_document_write(struct m4h_buffer *out, const char *master_id,
                                      const char *name, uint64_t number,
                                      const struct m4h_authorize_request *request);

/* What an answer says; FAILED with what is wrong where it is none. */
void m4h_document_read(struct m4h_verdict *verdict, const uint8_t *data, size_t len);

#endif
