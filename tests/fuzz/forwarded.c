/* X-Forwarded-For (first byte even) and Forwarded, as they come: whoever is found is
 * named by what stands after the last comma, whatever was written in front of it. */
#include "lib/http/forwarded.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

static char *text_of(const uint8_t *data, size_t size, const char *end)
{
    char *text = malloc(size + strlen(end) + 1);

    assert(text != NULL);
    memcpy(text, data, size);
    memcpy(text + size, end, strlen(end) + 1);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum m4h_http_forwarded_header header =
        size > 0 && data[0] % 2 != 0 ? M4H_HTTP_FORWARDED : M4H_HTTP_X_FORWARDED_FOR;
    const char *added =
        header == M4H_HTTP_FORWARDED ? ", for=\"[2001:db8::7]:1\"" : ", 2001:db8::7";
    struct m4h_http_client client = {{{0}}, 0, false};
    struct m4h_networks trusted;
    struct m4h_ip expected;
    char *text;

    assert(m4h_networks_parse("0.0.0.0/0", &trusted) == 0 &&
           m4h_ip_parse("2001:db8::7", &expected) == 0);
    if (size > 0) {
        data++;
        size--;
    }
    text = text_of(data, size, "");
    m4h_http_forwarded_read(header, &trusted, text, &client);
    m4h_http_forwarded_proto_is_https(text);
    free(text);
    text = text_of(data, size, added);
    if (memchr(data, '\0', size) == NULL) {
        assert(!m4h_http_forwarded_read(header, &trusted, text, &client));
        assert(m4h_ip_equals(&client.ip, &expected));
    }
    free(text);
    m4h_networks_free(&trusted);
    return 0;
}
