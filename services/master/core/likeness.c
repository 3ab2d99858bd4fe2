/* Writes what counts of a request one behind the other, texts with their NUL. */
#include "services/master/core/likeness.h"

#include "lib/base/network.h"

#include <string.h>

static void add(struct m4h_likeness *likeness, const void *bytes, size_t len)
{
    memcpy(likeness->bytes + likeness->len, bytes, len);
    likeness->len += len;
}

static void add_text(struct m4h_likeness *likeness, const char *text)
{
    add(likeness, text, strlen(text) + 1);
}

static void add_address(struct m4h_likeness *likeness, const char *peer)
{
    struct m4h_ip ip;

    if (m4h_ip_parse_peer(peer, &ip) == 0)
        add(likeness, ip.bytes, sizeof(ip.bytes));
    else
        add_text(likeness, peer);
}

void m4h_likeness_of(struct m4h_likeness *likeness, const struct m4h_authorize_request *request,
                     unsigned parts)
{
    likeness->len = 0;
    if ((parts & M4H_LIKENESS_RECHECK) != 0)
        add(likeness, request->recheck ? "r" : "f", 1);
    if ((parts & M4H_LIKENESS_SLAVE) != 0) {
        add_text(likeness, request->slave_id);
        add_text(likeness, request->region);
    }
    if ((parts & M4H_LIKENESS_USERNAME) != 0)
        add_text(likeness, request->username);
    if ((parts & M4H_LIKENESS_ADDRESS) != 0)
        add_address(likeness, request->remote_address);
    add(likeness, request->public_key, request->public_key_len);
}

void m4h_likeness_add_number(struct m4h_likeness *likeness, uint64_t number)
{
    add(likeness, &number, sizeof(number));
}
