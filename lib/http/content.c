/* Content that many answers share: the library gets our bytes and says when it has
 * sent them. */
#include "lib/http/server.h"

#include "lib/base/error.h"
#include "lib/crypto/crypto.h"
#include "lib/http/etag.h"

#include <stdio.h>
#include <stdlib.h>

/* So many hex digits of the SHA-256 are in a tag. */
#define ETAG_DIGITS 32

struct m4h_http_content {
    size_t holders;
    const char *type;
    char etag[ETAG_DIGITS + 3]; /* with its quotes */
    struct m4h_buffer bytes;
};

int m4h_http_content_create(struct m4h_http_content **content, const char *type,
                            struct m4h_buffer *bytes)
{
    struct m4h_http_content *self = calloc(1, sizeof(*self));
    char hash[M4H_SHA256_HEX_MAX];
    int error = self == NULL ? M4H_ENOMEM : m4h_crypto_sha256_hex(bytes->data, bytes->len, hash);

    *content = NULL;
    if (error != 0) {
        free(self);
        return error;
    }
    self->holders = 1;
    self->type = type;
    snprintf(self->etag, sizeof(self->etag), "\"%.*s\"", ETAG_DIGITS, hash);
    self->bytes = *bytes;
    *bytes = (struct m4h_buffer)M4H_BUFFER_INIT(bytes->cap);
    *content = self;
    return 0;
}

struct m4h_http_content *m4h_http_content_hold(struct m4h_http_content *content)
{
    content->holders++;
    return content;
}

void m4h_http_content_release(struct m4h_http_content *content)
{
    if (content == NULL || --content->holders > 0)
        return;
    m4h_buffer_free(&content->bytes);
    free(content);
}

size_t m4h_http_content_len(const struct m4h_http_content *content)
{
    return content->bytes.len;
}

static void on_sent(void *content)
{
    m4h_http_content_release(content);
}

static struct MHD_Response *response_with(struct m4h_http_content *content)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        content->bytes.len, content->bytes.data, on_sent, content);

    if (response == NULL)
        return NULL;
    m4h_http_content_hold(content);
    if (m4h_http_response_header(response, "Content-Type", content->type))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

void m4h_http_answer_content(struct m4h_http_request *request, struct m4h_http_content *content)
{
    struct MHD_Response *response;
    bool is_known;

    if (!m4h_http_request_take_back(request))
        return;
    is_known = m4h_http_etag_matches(m4h_http_header(request, "If-None-Match"), content->etag);
    response = is_known ? m4h_http_response_empty() : response_with(content);
    if (response != NULL &&
        !(m4h_http_response_header(response, "ETag", content->etag) &&
          m4h_http_response_header(response, "Cache-Control", "private, no-cache"))) {
        MHD_destroy_response(response);
        response = NULL;
    }
    m4h_http_request_end(request, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response,
                         is_known ? 0 : content->bytes.len);
}
