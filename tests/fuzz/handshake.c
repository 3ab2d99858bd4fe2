/* The headers of a WebSocket's opening handshake, one on each line: Upgrade, Connection, key,
 * version, subprotocols. Whoever is let in has said all that must be said. */
#include "lib/http/handshake.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

static char *next_line(char **text)
{
    char *line = *text;

    if (line == NULL)
        return NULL;
    *text = strchr(line, '\n');
    if (*text != NULL)
        *(*text)++ = '\0';
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const spoken[] = {"mas4h.slot.v1.json", "mas4h.slot.v1.protobuf", NULL};
    char *text = malloc(size + 1), *rest = text;
    struct m4h_http_handshake result;
    struct m4h_http_handshake_offer offer = {.method = "GET", .is_http_1_1 = true};

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    offer.upgrade = next_line(&rest);
    offer.connection = next_line(&rest);
    offer.key = next_line(&rest);
    offer.version = next_line(&rest);
    offer.protocols = next_line(&rest);
    m4h_http_handshake_judge(&offer, spoken, &result);
    if (result.status == 101) {
        assert(strcasestr(offer.upgrade, "websocket") && strcasestr(offer.connection, "upgrade"));
        assert(strlen(offer.key) == 24 && strcmp(offer.version, "13") == 0);
        assert(strlen(result.accept) == M4H_HANDSHAKE_ACCEPT_MAX - 1);
        assert(result.subprotocol == spoken[0] || result.subprotocol == spoken[1]);
        assert(!result.echo_subprotocol || strstr(offer.protocols, result.subprotocol));
    } else {
        assert((result.status == 400 || result.status == 426) && result.detail != NULL);
    }
    free(text);
    return 0;
}
