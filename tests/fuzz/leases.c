/* The file of leases that a slave finds at its start: whatever is in it, no port is
 * out of range and nobody has more than he may; what is written is read again. */
#include "services/slave/core/leases.h"
#include "tests/fuzz/target.h"

#include <string.h>

#define PORT_FIRST 20000
#define PORT_LAST  20063
#define NOW_MS     1000000u
#define WALL_MS    1700000000000u

static void check(const struct m4h_leases *leases)
{
    for (uint16_t port = PORT_FIRST; port <= PORT_LAST; port++) {
        uint64_t holder = m4h_leases_holder(leases, port);
        unsigned held = 0;

        if (holder == 0)
            continue;
        for (uint16_t at = m4h_leases_next(leases, holder, 0); at != 0;
             at = m4h_leases_next(leases, holder, at)) {
            assert(at >= PORT_FIRST && at <= PORT_LAST);
            assert(m4h_leases_holder(leases, at) == holder);
            assert(++held <= M4H_LEASES_OF_ONE_MAX);
        }
        assert(held > 0);
    }
}

static void check_same(const struct m4h_leases *a, const struct m4h_leases *b)
{
    for (uint16_t port = PORT_FIRST; port <= PORT_LAST; port++)
        assert(m4h_leases_holder(a, port) == m4h_leases_holder(b, port));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(M4H_LEASES_TEXT_MAX);
    struct m4h_leases *leases, *again;

    assert(m4h_leases_create(&leases, PORT_FIRST, PORT_LAST) == 0);
    assert(m4h_leases_create(&again, PORT_FIRST, PORT_LAST) == 0);
    if (m4h_leases_read(leases, (const char *)data, size, NOW_MS, WALL_MS) == 0) {
        check(leases);
        assert(m4h_leases_write(leases, NOW_MS, WALL_MS, &text) == 0);
        assert(m4h_leases_read(again, (const char *)text.data, text.len, NOW_MS, WALL_MS) == 0);
        check(again);
        check_same(leases, again);
    } else {
        check_same(leases, again);
    }
    m4h_buffer_free(&text);
    m4h_leases_destroy(leases);
    m4h_leases_destroy(again);
    return 0;
}
