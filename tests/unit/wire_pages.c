/* Pages of lists: how many items one holds, and where the next one begins. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/unit/wire_bytes.h"
#include "tests/unit/wire_models.h"
#include "tests/unit/wire_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX)

static struct m4h_slave_status slaves[M4H_PAGE_SIZE_MAX + 1];
static struct m4h_tunnel_status tunnels[M4H_PAGE_SIZE_MAX + 1];

/* Names that tell the items apart. */
static int set_up_items(void **state)
{
    (void)state;
    for (size_t i = 0; i <= M4H_PAGE_SIZE_MAX; i++) {
        full_slave_status(&slaves[i]);
        memset(slaves[i].slave_id, 0, sizeof(slaves[i].slave_id));
        snprintf(slaves[i].slave_id, sizeof(slaves[i].slave_id), "slave-%03zu", i);
        full_tunnel_status(&tunnels[i]);
        tunnels[i].tunnel.client_key[0] = 'a';
        tunnels[i].tunnel.client_key[1] = (char)('a' + i / 26);
        tunnels[i].tunnel.client_key[2] = (char)('a' + i % 26);
    }
    return 0;
}

static void pages_of_slaves_follow_each_other_to_the_end(void **state)
{
    size_t at = 0, pages = 0;

    (void)state;
    while (at < M4H_PAGE_SIZE_MAX) {
        struct m4h_buffer bytes = BUFFER;
        struct m4h_slave_status *page;
        struct m4h_problem problem;
        char token[M4H_PAGE_TOKEN_MAX + 1];
        size_t count;

        assert_int_equal(
            m4h_wire_slaves_reply_encode(slaves + at, M4H_PAGE_SIZE_MAX - at, "end", NULL, &bytes),
            0);
        assert_true(bytes.len <= M4H_WIRE_MESSAGE_MAX);
        assert_int_equal(
            m4h_wire_slaves_reply_decode(bytes.data, bytes.len, &page, &count, token, &problem), 0);
        assert_true(count > 60);
        assert_memory_equal(page, slaves + at, count * sizeof(*page));
        at += count;
        pages++;
        assert_string_equal(token, at < M4H_PAGE_SIZE_MAX ? page[count - 1].slave_id : "end");
        free(page);
        m4h_buffer_free(&bytes);
    }
    assert_true(pages > 1);
}

static void pages_of_tunnels_follow_each_other_to_the_end(void **state)
{
    size_t at = 0, pages = 0;

    (void)state;
    while (at < M4H_PAGE_SIZE_MAX) {
        struct m4h_buffer bytes = BUFFER;
        struct m4h_tunnel_status *page;
        struct m4h_problem problem;
        char token[M4H_PAGE_TOKEN_MAX + 1];
        size_t count;

        assert_int_equal(m4h_wire_tunnels_reply_encode(tunnels + at, M4H_PAGE_SIZE_MAX - at, "end",
                                                       NULL, &bytes),
                         0);
        assert_true(bytes.len <= M4H_WIRE_MESSAGE_MAX);
        assert_int_equal(
            m4h_wire_tunnels_reply_decode(bytes.data, bytes.len, &page, &count, token, &problem),
            0);
        assert_true(count > 100 || at + count == M4H_PAGE_SIZE_MAX);
        assert_memory_equal(page, tunnels + at, count * sizeof(*page));
        at += count;
        pages++;
        assert_string_equal(token,
                            at < M4H_PAGE_SIZE_MAX ? page[count - 1].tunnel.client_key : "end");
        free(page);
        m4h_buffer_free(&bytes);
    }
    assert_true(pages > 1);
}

static void an_ordinary_page_is_never_cut(void **state)
{
    static struct m4h_tunnel_status page[M4H_PAGE_SIZE_MAX];
    struct m4h_buffer bytes = BUFFER;
    struct m4h_tunnel_status *read;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_PAGE_SIZE_MAX; i++) {
        page[i] = (struct m4h_tunnel_status){
            .tunnel = {.client_key = "SHA256:6Jh0nYPJzFCnHtSHWCsxOXbmVtPvUMZQ8tMF0LkUS0g",
                       .tunnel_id = i + 1,
                       .stamp = 1800000000000u << 16,
                       .ports = {40000},
                       .port_count = 1,
                       .remote_address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:50022",
                       .connected_wall_ms = 1800000000000u,
                       .key_fingerprint = "SHA256:6Jh0nYPJzFCnHtSHWCsxOXbmVtPvUMZQ8tMF0LkUS0g",
                       .client_version = "OpenSSH_9.2p1 Debian-2+deb12u3"},
            .slave_id = "eu-central-slave-1",
            .region = "eu-central",
            .host = "eu-central-slave-1.bouncers.example.net"};
    }
    assert_int_equal(m4h_wire_tunnels_reply_encode(page, M4H_PAGE_SIZE_MAX, "next", NULL, &bytes),
                     0);
    assert_int_equal(
        m4h_wire_tunnels_reply_decode(bytes.data, bytes.len, &read, &count, token, &problem), 0);
    assert_int_equal(count, M4H_PAGE_SIZE_MAX);
    assert_string_equal(token, "next");
    free(read);
    m4h_buffer_free(&bytes);
}

static void an_empty_page_has_no_array(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_slave_status *read = slaves;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count = 7;

    (void)state;
    assert_int_equal(m4h_wire_slaves_reply_encode(NULL, 0, "", NULL, &bytes), 0);
    assert_int_equal(
        m4h_wire_slaves_reply_decode(bytes.data, bytes.len, &read, &count, token, &problem), 0);
    assert_null(read);
    assert_int_equal(count, 0);
    assert_string_equal(token, "");
    m4h_buffer_free(&bytes);
}

static void a_slave_without_its_info_can_be_listed(void **state)
{
    const struct m4h_slave_status unknown = {
        .slave_id = "slave-1", .region = "eu", .state = M4H_SLAVE_READY, .epoch = 5, .tunnels = 3};
    struct m4h_buffer bytes = BUFFER;
    struct m4h_slave_status *read;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;

    (void)state;
    assert_int_equal(m4h_wire_slaves_reply_encode(&unknown, 1, "", NULL, &bytes), 0);
    assert_int_equal(
        m4h_wire_slaves_reply_decode(bytes.data, bytes.len, &read, &count, token, &problem), 0);
    assert_int_equal(count, 1);
    assert_string_equal(read->info.host, "");
    assert_int_equal(read->tunnels, 3);
    free(read);
    m4h_buffer_free(&bytes);
}

static void more_items_than_a_page_may_have_are_refused(void **state)
{
    struct m4h_buffer bytes = BUFFER;

    (void)state;
    assert_int_equal(m4h_wire_slaves_reply_encode(slaves, M4H_PAGE_SIZE_MAX + 1, "", NULL, &bytes),
                     M4H_ETOOBIG);
    assert_int_equal(
        m4h_wire_tunnels_reply_encode(tunnels, M4H_PAGE_SIZE_MAX + 1, "", NULL, &bytes),
        M4H_ETOOBIG);
    assert_int_equal(bytes.len, 0);
    m4h_buffer_free(&bytes);
}

static const struct m4h_tunnel_status small_tunnel = {
    .tunnel = {.client_key = "k", .tunnel_id = 1, .ports = {1}, .port_count = 1},
    .slave_id = "s",
    .region = "r"};

static void a_page_of_too_many_tunnels_is_refused(void **state)
{
    static struct m4h_tunnel_status sent[M4H_PAGE_SIZE_MAX];
    struct m4h_buffer page = BUFFER, one = BUFFER, longer = BUFFER;
    struct m4h_tunnel_status *read;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_PAGE_SIZE_MAX; i++)
        sent[i] = small_tunnel;
    assert_int_equal(m4h_wire_tunnels_reply_encode(sent, M4H_PAGE_SIZE_MAX, "", NULL, &page), 0);
    /* In both replies a TunnelStatus is field 1. */
    assert_int_equal(m4h_wire_tunnel_reply_encode(&small_tunnel, NULL, &one), 0);
    append_at(&longer, page.data, page.len, (const unsigned[]){1, 0}, &one);
    assert_int_equal(
        m4h_wire_tunnels_reply_decode(longer.data, longer.len, &read, &count, token, &problem),
        M4H_EPROTOCOL);
    assert_null(read);
    m4h_buffer_free(&page);
    m4h_buffer_free(&one);
    m4h_buffer_free(&longer);
}

static void a_page_of_too_many_slaves_is_refused(void **state)
{
    static struct m4h_slave_status sent[M4H_PAGE_SIZE_MAX];
    struct m4h_buffer page = BUFFER, one = BUFFER, extra = BUFFER, longer = BUFFER;
    struct m4h_slave_status *read;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_PAGE_SIZE_MAX; i++)
        sent[i] =
            (struct m4h_slave_status){.slave_id = "s", .region = "r", .state = M4H_SLAVE_READY};
    assert_int_equal(m4h_wire_slaves_reply_encode(sent, M4H_PAGE_SIZE_MAX, "", NULL, &page), 0);
    assert_int_equal(m4h_wire_slaves_reply_encode(sent, 1, "", NULL, &one), 0);
    /* Behind its tag and a length of one byte, a page of one is that one. */
    assert_int_equal(one.data[1], one.len - 2);
    assert_int_equal(m4h_buffer_add(&extra, one.data + 2, one.len - 2), 0);
    append_at(&longer, page.data, page.len, (const unsigned[]){1, 0}, &extra);
    assert_int_equal(
        m4h_wire_slaves_reply_decode(longer.data, longer.len, &read, &count, token, &problem),
        M4H_EPROTOCOL);
    assert_null(read);
    m4h_buffer_free(&page);
    m4h_buffer_free(&one);
    m4h_buffer_free(&extra);
    m4h_buffer_free(&longer);
}

static void a_snapshot_of_too_many_tunnels_is_refused(void **state)
{
    static struct m4h_tunnel sent[M4H_PAGE_SIZE_MAX + 1];
    const struct m4h_snapshot_page page = {.snapshot_id = 1,
                                           .slave_id = "s",
                                           .region = "r",
                                           .epoch = 1,
                                           .info = {.host = "h", .port = 1},
                                           .state = M4H_SLAVE_READY};
    struct m4h_buffer full = BUFFER, tunnel = BUFFER, extra = BUFFER, longer = BUFFER;
    struct m4h_snapshot_page again;
    struct m4h_tunnel *read;
    struct m4h_problem problem;
    size_t count;

    (void)state;
    for (size_t i = 0; i <= M4H_PAGE_SIZE_MAX; i++)
        sent[i] = small_tunnel.tunnel;
    assert_int_equal(
        m4h_wire_snapshot_reply_encode(&page, sent, M4H_PAGE_SIZE_MAX + 1, NULL, &full),
        M4H_ETOOBIG);
    assert_int_equal(m4h_wire_snapshot_reply_encode(&page, sent, M4H_PAGE_SIZE_MAX, NULL, &full),
                     0);
    assert_int_equal(m4h_wire_tunnel_reply_encode(&small_tunnel, NULL, &tunnel), 0);
    /* A Tunnel is the first field of a TunnelStatus, which is the first of its reply. */
    put_bytes(&extra, 10, tunnel.data + 4, tunnel.data[3]);
    append_at(&longer, full.data, full.len, (const unsigned[]){1, 0}, &extra);
    assert_int_equal(
        m4h_wire_snapshot_reply_decode(longer.data, longer.len, &again, &read, &count, &problem),
        M4H_EPROTOCOL);
    assert_null(read);
    m4h_buffer_free(&full);
    m4h_buffer_free(&tunnel);
    m4h_buffer_free(&extra);
    m4h_buffer_free(&longer);
}

/* The slave cuts snapshots by count: the fullest of pages must fit. */
static void the_fullest_page_of_a_snapshot_fits(void **state)
{
    static struct m4h_tunnel sent[M4H_SNAPSHOT_PAGE_TUNNELS];
    struct m4h_buffer bytes = BUFFER;
    struct m4h_snapshot_page page, again;
    struct m4h_tunnel *read;
    struct m4h_problem problem;
    size_t count;

    (void)state;
    full_snapshot_page(&page);
    for (size_t i = 0; i < M4H_SNAPSHOT_PAGE_TUNNELS; i++) {
        full_tunnel(&sent[i]);
        sent[i].tunnel_id = i + 1;
    }
    assert_int_equal(
        m4h_wire_snapshot_reply_encode(&page, sent, M4H_SNAPSHOT_PAGE_TUNNELS, NULL, &bytes), 0);
    assert_int_equal(
        m4h_wire_snapshot_reply_decode(bytes.data, bytes.len, &again, &read, &count, &problem), 0);
    assert_memory_equal(&again, &page, sizeof(page));
    assert_int_equal(count, M4H_SNAPSHOT_PAGE_TUNNELS);
    assert_memory_equal(read, sent, sizeof(sent));
    free(read);
    m4h_buffer_free(&bytes);
}

/* A page of revocations is cut by count alone. */
static void the_fullest_page_of_revocations_fits(void **state)
{
    static struct m4h_revoke sent[M4H_REVOCATIONS_PAGE_MAX + 1];
    struct m4h_buffer bytes = BUFFER;
    struct m4h_revoke *read;
    struct m4h_problem problem;
    char token[M4H_REVOCATION_NAME_MAX + 1];
    uint64_t digest;
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(sent); i++)
        full_revoke(&sent[i]);
    assert_int_equal(m4h_wire_revocations_reply_encode(sent, M4H_COUNT(sent), "", 5, NULL, &bytes),
                     M4H_ETOOBIG);
    assert_int_equal(m4h_wire_revocations_reply_encode(sent, M4H_REVOCATIONS_PAGE_MAX, "device:x",
                                                       5, NULL, &bytes),
                     0);
    assert_int_equal(m4h_wire_revocations_reply_decode(bytes.data, bytes.len, &read, &count, token,
                                                       &digest, &problem),
                     0);
    assert_int_equal(count, M4H_REVOCATIONS_PAGE_MAX);
    assert_memory_equal(read, sent, count * sizeof(*read));
    assert_string_equal(token, "device:x");
    assert_true(digest == 5);
    free(read);
    m4h_buffer_free(&bytes);
}

static struct m4h_device_record records[M4H_DEVICES_PAGE_MAX + 1];

static void set_up_records(void)
{
    for (size_t i = 0; i < M4H_COUNT(records); i++) {
        full_device(&records[i]);
        records[i].attempts = (uint32_t)i;
        records[i].key_fingerprint[0] = (char)('0' + i / 10);
        records[i].key_fingerprint[1] = (char)('0' + i % 10);
    }
}

static void pages_of_records_follow_each_other_to_the_end(void **state)
{
    size_t at = 0, pages = 0;

    (void)state;
    set_up_records();
    while (at < M4H_DEVICES_PAGE_MAX) {
        struct m4h_buffer bytes = BUFFER;
        struct m4h_device_record *page;
        struct m4h_problem problem;
        char token[M4H_PAGE_TOKEN_MAX + 1];
        size_t count;

        assert_int_equal(m4h_wire_devices_reply_encode(records + at, M4H_DEVICES_PAGE_MAX - at,
                                                       "end", NULL, &bytes),
                         0);
        assert_true(bytes.len <= M4H_WIRE_MESSAGE_MAX);
        assert_int_equal(
            m4h_wire_devices_reply_decode(bytes.data, bytes.len, &page, &count, token, &problem),
            0);
        assert_true(count > 10);
        assert_memory_equal(page, records + at, count * sizeof(*page));
        at += count;
        pages++;
        assert_string_equal(token,
                            at < M4H_DEVICES_PAGE_MAX ? page[count - 1].key_fingerprint : "end");
        free(page);
        m4h_buffer_free(&bytes);
    }
    assert_true(pages > 1);
}

static void changed_records_go_in_as_many_messages_as_they_need(void **state)
{
    size_t at = 0, messages = 0;

    (void)state;
    set_up_records();
    while (at < M4H_DEVICES_PAGE_MAX) {
        struct m4h_buffer bytes = BUFFER;
        struct m4h_device_record *changed;
        char master_id[M4H_ID_MAX + 1];
        uint64_t instance;
        size_t taken, count;

        assert_int_equal(m4h_wire_devices_changed_encode("m", 7, records + at,
                                                         M4H_DEVICES_PAGE_MAX - at, &taken, &bytes),
                         0);
        assert_int_equal(m4h_wire_devices_changed_decode(bytes.data, bytes.len, master_id,
                                                         &instance, &changed, &count),
                         0);
        assert_string_equal(master_id, "m");
        assert_true(instance == 7);
        assert_int_equal(count, taken);
        assert_true(taken > 10);
        assert_memory_equal(changed, records + at, count * sizeof(*changed));
        at += taken;
        messages++;
        free(changed);
        m4h_buffer_free(&bytes);
    }
    assert_true(messages > 1);
}

static void more_records_than_a_page_may_have_are_refused(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    size_t taken;

    (void)state;
    set_up_records();
    assert_int_equal(m4h_wire_devices_reply_encode(records, M4H_COUNT(records), "", NULL, &bytes),
                     M4H_ETOOBIG);
    assert_int_equal(
        m4h_wire_devices_changed_encode("m", 7, records, M4H_COUNT(records), &taken, &bytes),
        M4H_ETOOBIG);
    assert_int_equal(bytes.len, 0);
    m4h_buffer_free(&bytes);
}

static void a_page_size_is_brought_into_its_range(void **state)
{
    static const struct {
        uint32_t asked, got;
    } cases[] = {{0, M4H_PAGE_SIZE_DEFAULT},
                 {1, 1},
                 {M4H_PAGE_SIZE_MAX, M4H_PAGE_SIZE_MAX},
                 {M4H_PAGE_SIZE_MAX + 1, M4H_PAGE_SIZE_MAX},
                 {UINT32_MAX, M4H_PAGE_SIZE_MAX}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_buffer bytes = BUFFER;
        struct m4h_page_request request = {.page_size = cases[i].asked};

        assert_int_equal(m4h_wire_slaves_request_encode(&request, &bytes), 0);
        assert_int_equal(m4h_wire_slaves_request_decode(bytes.data, bytes.len, &request), 0);
        assert_int_equal(request.page_size, cases[i].got);
        assert_int_equal(m4h_wire_tunnels_request_decode(bytes.data, bytes.len, &request), 0);
        assert_int_equal(request.page_size, cases[i].got);
        m4h_buffer_free(&bytes);
    }
}

int run_page_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_slaves_follow_each_other_to_the_end),
        cmocka_unit_test(pages_of_tunnels_follow_each_other_to_the_end),
        cmocka_unit_test(an_ordinary_page_is_never_cut),
        cmocka_unit_test(an_empty_page_has_no_array),
        cmocka_unit_test(a_slave_without_its_info_can_be_listed),
        cmocka_unit_test(more_items_than_a_page_may_have_are_refused),
        cmocka_unit_test(a_page_of_too_many_tunnels_is_refused),
        cmocka_unit_test(a_page_of_too_many_slaves_is_refused),
        cmocka_unit_test(a_snapshot_of_too_many_tunnels_is_refused),
        cmocka_unit_test(the_fullest_page_of_a_snapshot_fits),
        cmocka_unit_test(the_fullest_page_of_revocations_fits),
        cmocka_unit_test(pages_of_records_follow_each_other_to_the_end),
        cmocka_unit_test(changed_records_go_in_as_many_messages_as_they_need),
        cmocka_unit_test(more_records_than_a_page_may_have_are_refused),
        cmocka_unit_test(a_page_size_is_brought_into_its_range),
    };

    return cmocka_run_group_tests_name("wire: pages", tests, set_up_items, NULL);
}
