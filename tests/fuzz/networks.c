/* Lists of networks, from settings and from masters: what is taken has whole
 * addresses, and each network holds its own first address. */
#include "lib/base/network.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_networks networks = {0};
    struct m4h_ip ip;
    char *text = malloc(size + 1);

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    (void)!m4h_ip_parse(text, &ip);
    if (m4h_networks_parse(text, &networks) == 0) {
        for (size_t i = 0; i < networks.count; i++) {
            assert(networks.list[i].bits <= 128);
            assert(m4h_networks_contain(&networks, &networks.list[i].ip));
        }
        m4h_networks_free(&networks);
    }
    free(text);
    return 0;
}
