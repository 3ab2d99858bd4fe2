/* A list of revoked keys: it is taken whole or not at all, and what is taken can be asked. */
#include "lib/base/ssh_revoked.h"
#include "tests/fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_ssh_revoked *revoked;
    struct m4h_ssh_certificate certificate = {.serial = 7};
    struct m4h_ssh_named_key key = {.key = {data, size}};
    char wrong[128];

    if (m4h_ssh_revoked_read(&revoked, data, size, wrong, sizeof(wrong)) != 0) {
        assert(revoked == NULL && memchr(wrong, '\0', sizeof(wrong)) != NULL);
        return 0;
    }
    certificate.key_id = (struct m4h_ssh_bytes){data, size > 3 ? 3 : size};
    for (size_t i = 0; i + 8 <= size; i++) {
        memcpy(&certificate.serial, data + i, sizeof(certificate.serial));
        (void)m4h_ssh_revoked_has_certificate(revoked, &certificate);
    }
    assert(m4h_ssh_revoked_count(revoked) > 0 || !m4h_ssh_revoked_has_key(revoked, &key));
    m4h_ssh_revoked_destroy(revoked);
    return 0;
}
