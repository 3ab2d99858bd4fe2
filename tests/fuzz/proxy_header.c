/* A PROXY header before a device's connection. The verdict does not depend on how
 * many bytes have come: a prefix of a header is incomplete, what is wrong stays
 * wrong, and what follows a header changes nothing. What we write, we read. */
#include "lib/base/proxy_header.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void check_prefixes(const uint8_t *data, size_t size, size_t header_len)
{
    struct m4h_proxy_header header;

    for (size_t len = 0; len < header_len && len <= size; len++)
        assert(m4h_proxy_header_parse(data, len, &header) == M4H_PROXY_INCOMPLETE);
}

static void check_written(const struct m4h_proxy_header *header)
{
    uint8_t bytes[M4H_PROXY_HEADER_WRITTEN_MAX];
    struct m4h_proxy_header read;
    size_t len =
        m4h_proxy_header_write(bytes, &header->source, header->source_port, &header->source, 1);

    assert(len <= sizeof(bytes));
    assert(m4h_proxy_header_parse(bytes, len, &read) == M4H_PROXY_COMPLETE);
    assert(read.len == len && read.has_source && read.source_port == header->source_port);
    assert(memcmp(&read.source, &header->source, sizeof(read.source)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_proxy_header header = {0};

    switch (m4h_proxy_header_parse(data, size, &header)) {
    case M4H_PROXY_COMPLETE:
        assert(header.len > 0 && header.len <= size && header.len <= M4H_PROXY_HEADER_MAX);
        check_prefixes(data, size, header.len);
        if (header.has_source)
            check_written(&header);
        break;
    case M4H_PROXY_INCOMPLETE:
        assert(size < M4H_PROXY_HEADER_MAX);
        check_prefixes(data, size, size);
        break;
    case M4H_PROXY_WRONG:
        break;
    }
    return 0;
}
