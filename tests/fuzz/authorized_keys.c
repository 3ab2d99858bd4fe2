/* A file of keys: every line is taken or told of, and what was taken is found. */
#include "services/master/core/authorized_keys.h"
#include "tests/fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct m4h_key_report report;
    struct m4h_keys keys = {0};
    struct m4h_key_place place, other;
    const char *client_key;
    size_t lines = 1;

    memset(&report, 0, sizeof(report));
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (m4h_authorized_keys_parse(&keys, (const char *)data, size, 0, &report) == 0) {
        assert(keys.count + report.fault_count <= lines);
        for (uint32_t i = 0; i < report.fault_count && i < M4H_AUTHORIZED_KEYS_FAULTS_MAX; i++)
            assert(report.faults[i].place.line > 0 && report.faults[i].place.line <= lines &&
                   memchr(report.faults[i].message, '\0', sizeof(report.faults[i].message)));
        assert(m4h_keys_count_shared(&keys, &client_key, &place, &other) <= keys.count);
    }
    m4h_keys_free(&keys);
    return 0;
}
