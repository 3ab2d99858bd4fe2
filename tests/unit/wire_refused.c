/* Each check of each field: a message that is right but for one field is
 * refused, wherever that message may sit; and the few values that are taken as
 * something else. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/unit/wire_bytes.h"
#include "tests/unit/wire_kinds.h"
#include "tests/unit/wire_models.h"
#include "tests/unit/wire_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER    M4H_BUFFER_INIT(2 * M4H_WIRE_MESSAGE_MAX)
#define DEPTH_MAX 5

/* Where a message of one type sits: in which kind, under which field numbers. */
struct place {
    int kind;
    unsigned path[DEPTH_MAX];
};

/* What is done to one field of it. */
struct spoil {
    unsigned field;
    enum {
        TEXT,
        LONG,
        NUMBER,
        DROP
    } how;
    const char *text; /* TEXT */
    uint64_t number;  /* NUMBER; LONG: a text of so many bytes */
};

static void put_spoil(struct m4h_buffer *out, const struct spoil *spoil)
{
    char text[16384];

    switch (spoil->how) {
    case TEXT:
        put_text(out, spoil->field, spoil->text);
        break;
    case LONG:
        memset(text, 'k', sizeof(text));
        assert_true(spoil->number <= sizeof(text));
        put_bytes(out, spoil->field, text, spoil->number);
        break;
    case NUMBER:
        put_number(out, spoil->field, spoil->number);
        break;
    case DROP:
        break;
    }
}

static void spoil_at(struct m4h_buffer *out, const struct place *place, const struct spoil *spoil)
{
    struct m4h_buffer made = BUFFER, emptied = BUFFER, extra = BUFFER;
    unsigned path[DEPTH_MAX + 2] = {0};
    size_t depth = 0;

    for (; depth < DEPTH_MAX && place->path[depth] != 0; depth++)
        path[depth] = place->path[depth];
    assert_int_equal(wire_kinds[place->kind].make(&made), 0);
    path[depth] = spoil->field;
    if (spoil->how == DROP) {
        drop_at(out, made.data, made.len, path);
        assert_true(out->len < made.len);
    } else if (spoil->how == LONG) {
        drop_at(&emptied, made.data, made.len, path);
        path[depth] = 0;
        put_spoil(&extra, spoil);
        append_at(out, emptied.data, emptied.len, path, &extra);
    } else {
        path[depth] = 0;
        put_spoil(&extra, spoil);
        append_at(out, made.data, made.len, path, &extra);
    }
    m4h_buffer_free(&emptied);
    m4h_buffer_free(&made);
    m4h_buffer_free(&extra);
}

static void assert_spoilt(const struct place *place, const struct spoil *spoil, int expected)
{
    struct m4h_buffer message = BUFFER, recoded = BUFFER;
    int error;

    spoil_at(&message, place, spoil);
    error = wire_kinds[place->kind].recode(message.data, message.len, &recoded);
    if (error != expected)
        fail_msg("%s: field %u, %s%lu: error %d", wire_kinds[place->kind].name, spoil->field,
                 spoil->text != NULL ? spoil->text : "", (unsigned long)spoil->number, error);
    m4h_buffer_free(&message);
    m4h_buffer_free(&recoded);
}

static void assert_all_refused(const struct place *places, size_t place_count,
                               const struct spoil *spoils, size_t spoil_count)
{
    for (size_t i = 0; i < place_count; i++) {
        for (size_t j = 0; j < spoil_count; j++)
            assert_spoilt(&places[i], &spoils[j], M4H_EPROTOCOL);
    }
}

#define ASSERT_ALL_REFUSED(places, spoils)                                                         \
    assert_all_refused(places, M4H_COUNT(places), spoils, M4H_COUNT(spoils))

/* What no id, and what no client key, may be. */
#define BAD_IDS(field)                                                                             \
    {field, TEXT, "", 0}, {field, LONG, NULL, 64}, {field, TEXT, "a.b", 0},                        \
        {field, TEXT, "Upper", 0}, {field, TEXT, "*", 0},                                          \
    {                                                                                              \
        field, NUMBER, NULL, 1                                                                     \
    }
#define BAD_IDS_MAYBE(field)                                                                       \
    {field, LONG, NULL, 64}, {field, TEXT, ">", 0},                                                \
    {                                                                                              \
        field, TEXT, "a b", 0                                                                      \
    }
#define BAD_CLIENT_KEYS(field) {field, TEXT, "", 0}, BAD_CLIENT_KEYS_MAYBE(field)
#define BAD_CLIENT_KEYS_MAYBE(field)                                                               \
    {field, LONG, NULL, 129}, {field, TEXT, "a\nb", 0}, {field, TEXT, " a", 0},                    \
        {field, TEXT, "a ", 0},                                                                    \
    {                                                                                              \
        field, TEXT, "\xff", 0                                                                     \
    }
#define BAD_TEXTS(field, most)                                                                     \
    {field, LONG, NULL, (most) + 1}, {field, TEXT, "a\x1b[0m", 0},                                 \
    {                                                                                              \
        field, TEXT, "\xc3", 0                                                                     \
    }
#define BAD_HOSTS(field)                                                                           \
    {field, LONG, NULL, 256}, {field, TEXT, "-oProxyCommand=x", 0}, {field, TEXT, "a b", 0},       \
    {                                                                                              \
        field, TEXT, "a\nb", 0                                                                     \
    }
#define BAD_PORTS(field)                                                                           \
    {field, NUMBER, NULL, 0},                                                                      \
    {                                                                                              \
        field, NUMBER, NULL, 65536                                                                 \
    }
#define BAD_TUNNEL_IDS(field)                                                                      \
    {field, TEXT, "0000000000000000", 0}, {field, TEXT, "00000000000000ab1", 0},                   \
        {field, TEXT, "00000000000000AB", 0},                                                      \
    {                                                                                              \
        field, TEXT, "ab", 0                                                                       \
    }

static void tunnels_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {
        {KIND_CONNECT, {10, 1}},     {KIND_SNAPSHOT_REPLY, {1, 10}},
        {KIND_TUNNEL_REPLY, {1, 1}}, {KIND_TUNNELS_REPLY, {1, 1, 1}},
        {KIND_LOCATE_REPLY, {1, 1}},
    };
    static const struct spoil spoils[] = {
        {10, TEXT, "", 0}, /* a label too many */
        BAD_CLIENT_KEYS(1),
        BAD_TUNNEL_IDS(2),
        {2, TEXT, "", 0},
        {3, NUMBER, NULL, UINT64_MAX},
        {3, NUMBER, NULL, 253402300800000u << 16},
        BAD_PORTS(4),
        {5, NUMBER, NULL, 80}, /* one port too many */
        BAD_TEXTS(6, 79),
        {7, DROP, NULL, 0},
        BAD_TEXTS(8, 63),
        BAD_TEXTS(9, 64),
    };

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

static void a_further_port_must_be_one(void **state)
{
    static const uint64_t ports[] = {0, 65536};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(ports); i++) {
        struct m4h_buffer message = BUFFER, spoilt = BUFFER, port = BUFFER, out = BUFFER;
        struct m4h_event event;

        full_event(&event, M4H_EVENT_CONNECT);
        event.as.connect.port_count = 2;
        assert_int_equal(m4h_wire_event_encode(&event, &message), 0);
        put_number(&port, 5, ports[i]);
        append_at(&spoilt, message.data, message.len, (const unsigned[]){10, 1, 0}, &port);
        assert_int_equal(wire_kinds[KIND_CONNECT].recode(spoilt.data, spoilt.len, &out),
                         M4H_EPROTOCOL);
        m4h_buffer_free(&message);
        m4h_buffer_free(&spoilt);
        m4h_buffer_free(&port);
        m4h_buffer_free(&out);
    }
}

static void infos_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {
        {KIND_START, {13, 1}},
        {KIND_SNAPSHOT_REPLY, {1, 8}},
        {KIND_SLAVES_REPLY, {1, 1, 4}},
    };
    static const struct spoil spoils[] = {
        {1, TEXT, "", 0}, BAD_HOSTS(1),
        BAD_PORTS(2),     {3, TEXT, "ssh-ed25519 A", 0}, /* one key too many */
        BAD_TEXTS(5, 31), {6, DROP, NULL, 0},
    };

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

static void host_keys_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {{KIND_START, {13, 1}},
                                          {KIND_SNAPSHOT_REPLY, {1, 8}},
                                          {KIND_DISPATCH_REPLY, {1}},
                                          {KIND_LOCATE_REPLY, {1}}};
    static const unsigned fields[] = {3, 3, 5, 6};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(places); i++) {
        const struct spoil spoils[] = {{fields[i], TEXT, "", 0}, BAD_TEXTS(fields[i], 1023)};

        for (size_t j = 0; j < M4H_COUNT(spoils); j++) {
            struct m4h_buffer made = BUFFER, emptied = BUFFER, spoilt = BUFFER, extra = BUFFER;
            unsigned path[DEPTH_MAX + 1] = {0};
            size_t depth = 0;

            for (; places[i].path[depth] != 0; depth++)
                path[depth] = places[i].path[depth];
            path[depth] = fields[i];
            assert_int_equal(wire_kinds[places[i].kind].make(&made), 0);
            drop_at(&emptied, made.data, made.len, path);
            put_spoil(&extra, &spoils[j]);
            append_at(&spoilt, emptied.data, emptied.len, places[i].path, &extra);
            m4h_buffer_clear(&made);
            assert_int_equal(wire_kinds[places[i].kind].recode(spoilt.data, spoilt.len, &made),
                             M4H_EPROTOCOL);
            m4h_buffer_free(&made);
            m4h_buffer_free(&emptied);
            m4h_buffer_free(&spoilt);
            m4h_buffer_free(&extra);
        }
    }
}

static void times_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {
        {KIND_STOP, {6}},
        {KIND_CONNECT, {10, 1, 7}},
        {KIND_START, {13, 1, 6}},
        {KIND_DRAIN, {14, 1}},
        {KIND_LOAD, {12, 12}},
        {KIND_DISPATCH_REPLY, {1, 6}},
        {KIND_CLUSTER_REPLY, {1, 3}},
        {KIND_SLAVES_REPLY, {1, 1, 12}},
        {KIND_SLAVES_REPLY, {1, 1, 14}},
        {KIND_SNAPSHOT_REPLY, {1, 10, 7}},
        {KIND_AUTHORIZE_ALLOW, {1, 13}},
        {KIND_DEVICE_PUT, {1, 9}},
        {KIND_DEVICE_PUT, {1, 12}},
        {KIND_AUDIT_RECORD, {2}},
    };
    static const struct spoil spoils[] = {
        {1, NUMBER, NULL, UINT64_MAX},        /* the second before 1970 */
        {1, NUMBER, NULL, (uint64_t)1 << 63}, /* the earliest of all */
        {1, NUMBER, NULL, 253402300800u},     /* the first second of the year 10000 */
        {2, NUMBER, NULL, 1000000000u},       {2, NUMBER, NULL, UINT64_MAX}, /* -1 */
    };

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

static void events_are_checked(void **state)
{
    static const struct place envelope[] = {{KIND_STOP, {0}}, {KIND_CONNECT, {0}}};
    static const struct spoil envelope_spoils[] = {
        {1, TEXT, "", 0},     BAD_TEXTS(1, 127),    BAD_IDS(2),         BAD_IDS(3),
        {4, NUMBER, NULL, 0}, {5, NUMBER, NULL, 0}, {6, DROP, NULL, 0},
    };
    static const struct place disconnect[] = {{KIND_DISCONNECT, {11}}};
    static const struct spoil disconnect_spoils[] = {BAD_CLIENT_KEYS(1), BAD_TUNNEL_IDS(2),
                                                     BAD_TEXTS(7, 255), BAD_TEXTS(8, 255)};
    static const struct place drain[] = {{KIND_DRAIN, {14}}};
    static const struct spoil drain_spoils[] = {BAD_TEXTS(4, 255)};
    static const struct place access[] = {{KIND_ACCESS, {18}}};
    static const struct spoil access_spoils[] = {
        BAD_TUNNEL_IDS(2), {2, TEXT, "", 0},  BAD_CLIENT_KEYS(3),       BAD_TEXTS(4, 63),
        BAD_TEXTS(5, 79),  BAD_TEXTS(6, 128), {7, NUMBER, NULL, 65536}, BAD_TUNNEL_IDS(8),
        BAD_IDS_MAYBE(9),  BAD_TEXTS(13, 255)};
    static const struct place reload[] = {{KIND_RELOAD, {19}}};
    static const struct spoil reload_spoils[] = {
        BAD_TEXTS(1, 255), {2, TEXT, "one.too_many", 0}, BAD_TEXTS(2, 63), BAD_TEXTS(3, 255)};
    static const struct place load[] = {{KIND_LOAD, {12}}};
    static const struct spoil load_spoils[] = {
        {4, NUMBER, NULL, 0},
        {4, NUMBER, NULL, M4H_SLAVE_SILENT},
        {5, NUMBER, NULL, 1}, /* the digest is a fixed64 */
    };
    static const struct place flapping[] = {{KIND_FLAPPING, {17}}};
    static const struct spoil flapping_spoils[] = {BAD_CLIENT_KEYS(1), BAD_TEXTS(5, 79),
                                                   BAD_TEXTS(6, 79)};
    static const struct place refuse[] = {{KIND_REFUSE, {16}}};
    static const struct spoil refuse_spoils[] = {BAD_TEXTS(2, 255), BAD_TEXTS(3, 79),
                                                 BAD_TEXTS(4, 63), BAD_CLIENT_KEYS_MAYBE(5)};

    (void)state;
    ASSERT_ALL_REFUSED(envelope, envelope_spoils);
    ASSERT_ALL_REFUSED(disconnect, disconnect_spoils);
    ASSERT_ALL_REFUSED(drain, drain_spoils);
    ASSERT_ALL_REFUSED(access, access_spoils);
    ASSERT_ALL_REFUSED(reload, reload_spoils);
    ASSERT_ALL_REFUSED(load, load_spoils);
    ASSERT_ALL_REFUSED(refuse, refuse_spoils);
    ASSERT_ALL_REFUSED(flapping, flapping_spoils);
}

static void a_payload_without_its_part_is_refused(void **state)
{
    (void)state;
    assert_spoilt(&(struct place){KIND_CONNECT, {10}}, &(struct spoil){1, DROP, NULL, 0},
                  M4H_EPROTOCOL);
    assert_spoilt(&(struct place){KIND_START, {13}}, &(struct spoil){1, DROP, NULL, 0},
                  M4H_EPROTOCOL);
}

static void dispatch_is_checked(void **state)
{
    static const struct place request[] = {{KIND_DISPATCH_REQUEST, {0}}};
    static const struct spoil request_spoils[] = {BAD_TEXTS(1, 64), BAD_IDS_MAYBE(2),
                                                  BAD_CLIENT_KEYS_MAYBE(3)};
    static const struct place slot[] = {{KIND_DISPATCH_REPLY, {1}}};
    static const struct spoil slot_spoils[] = {
        BAD_IDS(1),         BAD_IDS(2),   {3, TEXT, "", 0},
        BAD_HOSTS(3),       BAD_PORTS(4), {5, TEXT, "ssh-ed25519 A", 0},
        {6, DROP, NULL, 0},
    };

    (void)state;
    ASSERT_ALL_REFUSED(request, request_spoils);
    ASSERT_ALL_REFUSED(slot, slot_spoils);
}

static void authorize_is_checked(void **state)
{
    static const struct place request[] = {{KIND_AUTHORIZE_REQUEST, {0}}};
    static const struct spoil request_spoils[] = {
        BAD_IDS(1),         BAD_IDS(2),       BAD_TEXTS(3, 64), {4, LONG, NULL, 4097},
        {4, LONG, NULL, 0}, {5, TEXT, "", 0}, BAD_TEXTS(5, 63), BAD_TEXTS(6, 79),
    };
    static const struct place allow[] = {{KIND_AUTHORIZE_ALLOW, {1}}};
    static const struct spoil allow_spoils[] = {
        BAD_CLIENT_KEYS(1),       {3, NUMBER, NULL, UINT64_MAX},
        {9, NUMBER, NULL, 65536}, BAD_IDS_MAYBE(10),
        {11, TEXT, "", 0}, /* an operator as well */
        {12, TEXT, "slave-1", 0}, BAD_TEXTS(14, 31)};
    static const struct place others[] = {{KIND_AUTHORIZE_OPERATOR, {1}},
                                          {KIND_AUTHORIZE_SLAVE, {1}}};
    static const struct spoil others_spoils[] = {{1, TEXT, "device", 0}};
    static const struct place deny[] = {{KIND_AUTHORIZE_DENY, {2}}};
    static const struct place replies[] = {
        {KIND_AUTHORIZE_ALLOW, {0}}, {KIND_AUTHORIZE_DENY, {0}}, {KIND_AUTHORIZE_PROBLEM, {0}}};
    static const struct spoil masters[] = {BAD_IDS_MAYBE(4)};
    static const struct spoil deny_spoils[] = {BAD_TEXTS(1, 255), BAD_TEXTS(3, 31)};

    (void)state;
    ASSERT_ALL_REFUSED(request, request_spoils);
    ASSERT_ALL_REFUSED(allow, allow_spoils);
    ASSERT_ALL_REFUSED(others, others_spoils);
    ASSERT_ALL_REFUSED(deny, deny_spoils);
    ASSERT_ALL_REFUSED(replies, masters);
}

/* Half of what an operator may would be another permission than was meant. */
static void what_an_operator_may_is_checked(void **state)
{
    static const struct place operators[] = {{KIND_AUTHORIZE_OPERATOR, {1, 11}},
                                             {KIND_DEVICE_PUT, {1, 10}},
                                             {KIND_DEVICES_REPLY, {1, 1, 10}}};
    static const struct spoil operator_spoils[] = {
        BAD_CLIENT_KEYS(1), {2, TEXT, "", 0}, /* a rule too many */
    };
    static const struct place rules[] = {{KIND_AUTHORIZE_OPERATOR, {1, 11, 2}},
                                         {KIND_DEVICE_PUT, {1, 10, 2}}};
    static const struct spoil rule_spoils[] = {
        BAD_TEXTS(1, 128), {2, TEXT, "", 0}, {3, TEXT, "", 0} /* a label and a range too many */
    };
    static const struct place ranges[] = {{KIND_AUTHORIZE_OPERATOR, {1, 11, 2, 3}}};
    static const struct spoil bad_ranges[] = {BAD_PORTS(1), BAD_PORTS(2), {2, NUMBER, NULL, 1}};

    (void)state;
    ASSERT_ALL_REFUSED(operators, operator_spoils);
    ASSERT_ALL_REFUSED(rules, rule_spoils);
    ASSERT_ALL_REFUSED(ranges, bad_ranges);
}

static void labels_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {{KIND_CONNECT, {10, 1, 10}},
                                          {KIND_AUTHORIZE_ALLOW, {1, 8}},
                                          {KIND_AUTHORIZE_OPERATOR, {1, 11, 2, 2}},
                                          {KIND_TUNNELS_REQUEST, {7}},
                                          {KIND_DEVICE_PUT, {1, 5}}};
    static const struct spoil spoils[] = {
        {1, TEXT, "", 0},    {1, TEXT, "Upper", 0},        {1, TEXT, "a,b", 0},
        {1, TEXT, "a=b", 0}, {1, TEXT, "l01", 0}, /* twice */
        {1, LONG, NULL, 64}, {2, TEXT, "a,b", 0},          {2, TEXT, "a b", 0},
        {2, LONG, NULL, 64}, {2, TEXT, "Value_00-.xy", 0}, /* all of them are too long then */
    };

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

/* Half of a device's limits would be another permission than was meant. */
static void the_limits_of_a_device_are_checked(void **state)
{
    static const struct place limits[] = {{KIND_AUTHORIZE_ALLOW, {1, 4}},
                                          {KIND_DEVICE_PUT, {1, 6}}};
    static const struct spoil too_many[] = {{1, TEXT, "10.0.0.0/8", 0}, {2, TEXT, "", 0}};
    static const struct place range[] = {{KIND_AUTHORIZE_ALLOW, {1, 4, 2}}};
    static const struct spoil bad_ranges[] = {BAD_PORTS(1), BAD_PORTS(2), {2, NUMBER, NULL, 1}};
    static const char *const bad_networks[] = {
        "", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "fe80::1%eth0", "::/129", "host", "10.0.0.0 /8",
    };

    (void)state;
    ASSERT_ALL_REFUSED(limits, too_many);
    ASSERT_ALL_REFUSED(range, bad_ranges);
    for (size_t i = 0; i < M4H_COUNT(bad_networks); i++) {
        struct m4h_authorize_reply reply;
        struct m4h_problem problem;
        struct m4h_buffer message = BUFFER;

        full_allow(&reply);
        reply.limits.operator_network_count = 1;
        m4h_text_copy(reply.limits.operator_networks[0], M4H_NETWORK_TEXT_MAX, bad_networks[i]);
        assert_int_equal(m4h_wire_authorize_reply_encode(&reply, NULL, &message), 0);
        if (m4h_wire_authorize_reply_decode(message.data, message.len, &reply, &problem) !=
            M4H_EPROTOCOL)
            fail_msg("%s was taken", bad_networks[i]);
        assert_false(reply.allowed);
        m4h_buffer_free(&message);
    }
}

static void status_is_checked(void **state)
{
    static const struct place lists[] = {{KIND_SLAVES_REQUEST, {0}}, {KIND_TUNNELS_REQUEST, {0}}};
    static const struct spoil list_spoils[] = {BAD_IDS_MAYBE(1), BAD_IDS_MAYBE(2),
                                               BAD_CLIENT_KEYS_MAYBE(4)};
    static const struct place pages[] = {{KIND_SLAVES_REPLY, {1}}, {KIND_TUNNELS_REPLY, {1}}};
    static const struct spoil page_spoils[] = {BAD_CLIENT_KEYS_MAYBE(2)};
    static const struct place slave[] = {{KIND_SLAVES_REPLY, {1, 1}}};
    static const struct spoil slave_spoils[] = {
        BAD_IDS(1),
        BAD_IDS(2),
        {3, NUMBER, NULL, 0},
        {12, DROP, NULL, 0},
    };
    static const struct place tunnel[] = {{KIND_TUNNEL_REPLY, {1}}, {KIND_TUNNELS_REPLY, {1, 1}}};
    static const struct spoil tunnel_spoils[] = {
        {1, DROP, NULL, 0}, BAD_IDS(2), BAD_IDS(3), BAD_HOSTS(4)};
    static const struct place cluster[] = {{KIND_CLUSTER_REPLY, {1}}};
    static const struct spoil cluster_spoils[] = {BAD_IDS(1), BAD_TEXTS(2, 31), {3, DROP, NULL, 0}};
    static const struct place region[] = {{KIND_CLUSTER_REPLY, {1, 9}}};
    static const struct spoil region_spoils[] = {BAD_IDS(1)};
    static const struct place one[] = {{KIND_TUNNEL_REQUEST, {0}}};
    static const struct spoil one_spoils[] = {BAD_CLIENT_KEYS(1)};

    (void)state;
    ASSERT_ALL_REFUSED(lists, list_spoils);
    ASSERT_ALL_REFUSED(pages, page_spoils);
    ASSERT_ALL_REFUSED(slave, slave_spoils);
    ASSERT_ALL_REFUSED(tunnel, tunnel_spoils);
    ASSERT_ALL_REFUSED(cluster, cluster_spoils);
    ASSERT_ALL_REFUSED(region, region_spoils);
    ASSERT_ALL_REFUSED(one, one_spoils);
}

static void commands_are_checked(void **state)
{
    static const struct place kick[] = {{KIND_KICK_REQUEST, {0}}};
    static const struct spoil kick_spoils[] = {BAD_CLIENT_KEYS(1), BAD_TUNNEL_IDS(2),
                                               BAD_TEXTS(4, 255)};
    static const struct place drain[] = {{KIND_DRAIN_REQUEST, {0}}};
    static const struct spoil drain_spoils[] = {BAD_TEXTS(1, 255)};
    static const struct place snapshot[] = {{KIND_SNAPSHOT_REPLY, {1}}};
    static const struct spoil snapshot_spoils[] = {
        {1, NUMBER, NULL, 0}, BAD_IDS(4),           BAD_IDS(5),           {6, NUMBER, NULL, 0},
        {8, DROP, NULL, 0},   {9, NUMBER, NULL, 0}, {9, NUMBER, NULL, 4},
    };
    static const struct place revoke[] = {{KIND_REVOKE, {0}}};
    static const struct spoil revoke_spoils[] = {{1, DROP, NULL, 0},          BAD_CLIENT_KEYS(1),
                                                 {2, TEXT, "SHA256:both", 0}, BAD_TEXTS(2, 63),
                                                 BAD_TEXTS(5, 255),           BAD_TEXTS(6, 255)};

    (void)state;
    ASSERT_ALL_REFUSED(kick, kick_spoils);
    ASSERT_ALL_REFUSED(drain, drain_spoils);
    ASSERT_ALL_REFUSED(snapshot, snapshot_spoils);
    ASSERT_ALL_REFUSED(revoke, revoke_spoils);
}

static void revocations_are_checked(void **state)
{
    static const struct place request[] = {{KIND_REVOKE_REQUEST, {0}}};
    static const struct spoil request_spoils[] = {{2, DROP, NULL, 0}, {1, TEXT, "both", 0},
                                                  BAD_TEXTS(2, 63),   BAD_TEXTS(4, 255),
                                                  BAD_TEXTS(5, 255),  BAD_TEXTS(6, 64)};
    static const struct place revokes[] = {{KIND_REVOKE_REPLY, {1}},
                                           {KIND_REVOCATIONS_REPLY, {1, 1}}};
    static const struct spoil revoke_spoils[] = {
        BAD_CLIENT_KEYS(1), {2, TEXT, "SHA256:both", 0}, BAD_TEXTS(5, 255), BAD_TEXTS(6, 255)};
    static const struct place page_request[] = {{KIND_REVOCATIONS_REQUEST, {0}}};
    static const struct spoil page_request_spoils[] = {BAD_TEXTS(2, 135), BAD_TEXTS(4, 64)};
    static const struct place page[] = {{KIND_REVOCATIONS_REPLY, {1}}};
    static const struct spoil page_spoils[] = {BAD_TEXTS(2, 135)};

    (void)state;
    ASSERT_ALL_REFUSED(request, request_spoils);
    ASSERT_ALL_REFUSED(revokes, revoke_spoils);
    ASSERT_ALL_REFUSED(page_request, page_request_spoils);
    ASSERT_ALL_REFUSED(page, page_spoils);
}

static void places_of_devices_are_checked(void **state)
{
    static const struct place request[] = {{KIND_LOCATE_REQUEST, {0}}};
    static const struct spoil request_spoils[] = {BAD_IDS(1), BAD_CLIENT_KEYS(2)};
    static const struct place located[] = {{KIND_LOCATE_REPLY, {1}}};
    static const struct spoil located_spoils[] = {
        {1, DROP, NULL, 0},        BAD_IDS(2),   BAD_IDS(3),
        {4, TEXT, "", 0},          BAD_HOSTS(4), BAD_PORTS(5),
        {6, TEXT, "ssh-rsa A", 0}, /* one key too many */
    };
    static const struct place replies[] = {{KIND_LOCATE_REPLY, {0}}, {KIND_LOCATE_PROBLEM, {0}}};
    static const struct spoil masters[] = {BAD_IDS_MAYBE(3)};

    (void)state;
    ASSERT_ALL_REFUSED(request, request_spoils);
    ASSERT_ALL_REFUSED(located, located_spoils);
    ASSERT_ALL_REFUSED(replies, masters);
}

static void records_are_checked_wherever_they_are(void **state)
{
    static const struct place places[] = {{KIND_DEVICE_PUT, {1}},
                                          {KIND_DEVICE_REPLY, {1}},
                                          {KIND_DEVICES_REPLY, {1, 1}},
                                          {KIND_DEVICES_CHANGED, {3}}};
    static const struct spoil spoils[] = {
        {1, TEXT, "", 0},     BAD_TEXTS(1, 63),         {2, LONG, NULL, 4097},
        {3, NUMBER, NULL, 0}, BAD_CLIENT_KEYS_MAYBE(4), {7, NUMBER, NULL, 65536},
        BAD_IDS_MAYBE(8),     BAD_TEXTS(11, 255),       BAD_TEXTS(14, 255),
        BAD_TEXTS(15, 79),    BAD_TEXTS(16, 64)};

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

static void requests_about_records_are_checked(void **state)
{
    static const struct place list[] = {{KIND_DEVICES_REQUEST, {0}}};
    static const struct spoil list_spoils[] = {{1, NUMBER, NULL, M4H_DEVICE_REMOVED},
                                               {1, NUMBER, NULL, UINT64_MAX},
                                               BAD_CLIENT_KEYS_MAYBE(3),
                                               BAD_TEXTS(4, 128),
                                               BAD_TEXTS(5, 64)};
    static const struct place page[] = {{KIND_DEVICES_REPLY, {1}}};
    static const struct spoil page_spoils[] = {BAD_CLIENT_KEYS_MAYBE(2)};
    static const struct place one[] = {{KIND_DEVICE_GET, {0}}, {KIND_DEVICE_REMOVE, {0}}};
    static const struct spoil one_spoils[] = {BAD_CLIENT_KEYS(1)};
    static const struct place remove[] = {{KIND_DEVICE_REMOVE, {0}}};
    static const struct spoil remove_spoils[] = {BAD_TEXTS(2, 255), BAD_TEXTS(3, 255),
                                                 BAD_TEXTS(4, 64)};
    static const struct place put[] = {{KIND_DEVICE_PUT, {0}}};
    static const struct spoil put_spoils[] = {
        {1, DROP, NULL, 0}, {5, TEXT, "instead of it", 0}, BAD_TEXTS(3, 255), BAD_TEXTS(4, 64)};
    static const struct place line[] = {{KIND_DEVICE_PUT_LINE, {0}}};
    static const struct spoil line_spoils[] = {{5, DROP, NULL, 0}, BAD_TEXTS(5, 8192)};
    static const struct place changed[] = {{KIND_DEVICES_CHANGED, {0}}};
    static const struct spoil changed_spoils[] = {BAD_IDS(1), {2, DROP, NULL, 0}};

    (void)state;
    ASSERT_ALL_REFUSED(list, list_spoils);
    ASSERT_ALL_REFUSED(page, page_spoils);
    ASSERT_ALL_REFUSED(one, one_spoils);
    ASSERT_ALL_REFUSED(remove, remove_spoils);
    ASSERT_ALL_REFUSED(put, put_spoils);
    ASSERT_ALL_REFUSED(line, line_spoils);
    ASSERT_ALL_REFUSED(changed, changed_spoils);
}

static void audits_are_checked(void **state)
{
    static const struct place record[] = {{KIND_AUDIT_RECORD, {0}}};
    static const struct spoil spoils[] = {{1, TEXT, "", 0},  BAD_TEXTS(1, 127), {2, DROP, NULL, 0},
                                          BAD_IDS(3),        BAD_TEXTS(4, 255), BAD_TEXTS(5, 79),
                                          {6, TEXT, "", 0},  BAD_TEXTS(6, 31),  BAD_TEXTS(7, 255),
                                          BAD_TEXTS(8, 255), BAD_TEXTS(9, 255), BAD_TEXTS(10, 255)};

    (void)state;
    ASSERT_ALL_REFUSED(record, spoils);
}

static void a_reply_with_neither_result_nor_problem_is_refused(void **state)
{
    static const int kinds[] = {KIND_DISPATCH_REPLY, KIND_AUTHORIZE_ALLOW, KIND_CLUSTER_REPLY,
                                KIND_SLAVES_REPLY,   KIND_TUNNELS_REPLY,   KIND_TUNNEL_REPLY,
                                KIND_KICK_REPLY,     KIND_DRAIN_REPLY,     KIND_SNAPSHOT_REPLY,
                                KIND_LOCATE_REPLY,   KIND_REVOKE_REPLY,    KIND_REVOCATIONS_REPLY,
                                KIND_DEVICES_REPLY,  KIND_DEVICE_REPLY};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(kinds); i++) {
        struct m4h_buffer recoded = BUFFER;

        assert_int_equal(wire_kinds[kinds[i]].recode(NULL, 0, &recoded), M4H_EPROTOCOL);
        assert_spoilt(&(struct place){kinds[i], {0}}, &(struct spoil){1, DROP, NULL, 0},
                      M4H_EPROTOCOL);
        m4h_buffer_free(&recoded);
    }
}

static void problems_are_checked_in_every_reply(void **state)
{
    static const struct place places[] = {
        {KIND_DISPATCH_PROBLEM, {2}}, {KIND_AUTHORIZE_PROBLEM, {3}},
        {KIND_CLUSTER_PROBLEM, {2}},  {KIND_SLAVES_PROBLEM, {2}},
        {KIND_TUNNELS_PROBLEM, {2}},  {KIND_TUNNEL_PROBLEM, {2}},
        {KIND_KICK_PROBLEM, {2}},     {KIND_DRAIN_PROBLEM, {2}},
        {KIND_SNAPSHOT_PROBLEM, {2}}, {KIND_LOCATE_PROBLEM, {2}},
        {KIND_REVOKE_PROBLEM, {2}},   {KIND_REVOCATIONS_PROBLEM, {2}},
        {KIND_DEVICES_PROBLEM, {2}},  {KIND_DEVICE_PROBLEM, {2}}};
    static const struct spoil spoils[] = {BAD_TEXTS(2, 255)};

    (void)state;
    ASSERT_ALL_REFUSED(places, spoils);
}

static void a_yes_that_is_refused_says_no(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    (void)state;
    spoil_at(&message, &(struct place){KIND_AUTHORIZE_ALLOW, {1}},
             &(struct spoil){1, TEXT, "a\nb", 0});
    assert_int_equal(m4h_wire_authorize_reply_decode(message.data, message.len, &reply, &problem),
                     M4H_EPROTOCOL);
    assert_false(reply.allowed);
    m4h_buffer_free(&message);
}

static void a_reply_need_not_say_which_master_it_is_from(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    (void)state;
    spoil_at(&message, &(struct place){KIND_AUTHORIZE_ALLOW, {0}},
             &(struct spoil){4, DROP, NULL, 0});
    assert_int_equal(m4h_wire_authorize_reply_decode(message.data, message.len, &reply, &problem),
                     0);
    assert_true(reply.allowed);
    assert_string_equal(reply.master_id, "");
    m4h_buffer_free(&message);
}

static void lists_come_out_empty_when_refused(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_snapshot_page page;
    struct m4h_tunnel *tunnels = (struct m4h_tunnel *)(void *)&page;
    struct m4h_problem problem;
    size_t count = 9;

    (void)state;
    spoil_at(&message, &(struct place){KIND_SNAPSHOT_REPLY, {1, 10}},
             &(struct spoil){1, TEXT, "", 0});
    assert_int_equal(m4h_wire_snapshot_reply_decode(message.data, message.len, &page, &tunnels,
                                                    &count, &problem),
                     M4H_EPROTOCOL);
    assert_null(tunnels);
    assert_int_equal(count, 0);
    m4h_buffer_free(&message);
}

/* ---- taken as something else -------------------------------------------------------- */

static void an_event_of_a_later_version_keeps_its_number(void **state)
{
    static const struct {
        int kind;
        unsigned payload;
    } cases[] = {{KIND_CONNECT, 10}, {KIND_FLAPPING, 17}, {KIND_STOP, 15}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_buffer message = BUFFER;
        struct m4h_event event, expected;

        spoil_at(&message, &(struct place){cases[i].kind, {0}},
                 &(struct spoil){cases[i].payload, DROP, NULL, 0});
        put_text(&message, 99, "of a later version");
        assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
        full_event(&expected, M4H_EVENT_OTHER);
        assert_memory_equal(&event, &expected, sizeof(event));
        m4h_buffer_free(&message);
    }
}

static void a_last_port_that_is_none_is_not_known(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    (void)state;
    spoil_at(&message, &(struct place){KIND_AUTHORIZE_ALLOW, {1}},
             &(struct spoil){5, NUMBER, NULL, 65536});
    assert_int_equal(m4h_wire_authorize_reply_decode(message.data, message.len, &reply, &problem),
                     0);
    assert_true(reply.allowed);
    assert_int_equal(reply.last_port, 0);
    m4h_buffer_free(&message);
}

static void reasons_of_a_later_version_read_as_unknown(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_event event;

    (void)state;
    spoil_at(&message, &(struct place){KIND_DISCONNECT, {11}},
             &(struct spoil){3, NUMBER, NULL, M4H_DISCONNECT_REASON_COUNT});
    assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
    assert_int_equal(event.as.disconnect.reason, 0);
    m4h_buffer_clear(&message);
    spoil_at(&message, &(struct place){KIND_DISCONNECT, {11}},
             &(struct spoil){3, NUMBER, NULL, UINT64_MAX});
    assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
    assert_int_equal(event.as.disconnect.reason, 0);
    m4h_buffer_clear(&message);
    spoil_at(&message, &(struct place){KIND_REFUSE, {16}},
             &(struct spoil){1, NUMBER, NULL, UINT64_MAX});
    assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
    assert_int_equal(event.as.refuse.reason, 0);
    m4h_buffer_free(&message);
}

static void a_state_of_a_later_version_takes_no_device(void **state)
{
    static const uint64_t values[] = {M4H_SLAVE_SILENT + 1, 99, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(values); i++) {
        struct m4h_buffer message = BUFFER;
        struct m4h_event event;

        spoil_at(&message, &(struct place){KIND_LOAD, {12}},
                 &(struct spoil){4, NUMBER, NULL, values[i]});
        assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
        assert_int_equal(event.as.load.state, M4H_SLAVE_DRAINING);
        m4h_buffer_free(&message);
    }
}

static void a_record_in_a_state_of_a_later_version_is_disabled(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_device_put put;

    (void)state;
    spoil_at(&message, &(struct place){KIND_DEVICE_PUT, {1}},
             &(struct spoil){3, NUMBER, NULL, M4H_DEVICE_REMOVED + 1});
    assert_int_equal(m4h_wire_device_put_decode(message.data, message.len, &put), 0);
    assert_int_equal(put.device.state, M4H_DEVICE_DISABLED);
    m4h_buffer_free(&message);
}

static void a_problem_of_a_later_version_is_still_a_problem(void **state)
{
    static const uint64_t codes[] = {0, M4H_PROBLEM_CONFLICT + 1, 1000, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(codes); i++) {
        struct m4h_buffer message = BUFFER;
        struct m4h_problem problem;

        spoil_at(&message, &(struct place){KIND_KICK_PROBLEM, {2}},
                 &(struct spoil){1, NUMBER, NULL, codes[i]});
        assert_int_equal(m4h_wire_kick_reply_decode(message.data, message.len, &problem), 0);
        assert_int_equal(problem.code, M4H_PROBLEM_INTERNAL);
        m4h_buffer_free(&message);
    }
}

static void a_kick_for_any_other_reason_is_a_kick(void **state)
{
    static const uint64_t reasons[] = {0, M4H_DISCONNECT_CLIENT_CLOSED, M4H_DISCONNECT_KICKED, 99};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(reasons); i++) {
        struct m4h_buffer message = BUFFER;
        struct m4h_kick_request kick;

        spoil_at(&message, &(struct place){KIND_KICK_REQUEST, {0}},
                 &(struct spoil){3, NUMBER, NULL, reasons[i]});
        assert_int_equal(m4h_wire_kick_request_decode(message.data, message.len, &kick), 0);
        assert_int_equal(kick.reason, M4H_DISCONNECT_KICKED);
        m4h_buffer_free(&message);
    }
}

static void parts_of_a_millisecond_are_cut_off(void **state)
{
    struct m4h_buffer message = BUFFER;
    struct m4h_event event;

    (void)state;
    spoil_at(&message, &(struct place){KIND_STOP, {6}},
             &(struct spoil){2, NUMBER, NULL, 123999999});
    assert_int_equal(m4h_wire_event_decode(message.data, message.len, &event), 0);
    assert_int_equal(event.wall_ms % 1000, 123);
    m4h_buffer_free(&message);
}

/* protobuf-c does not tell how long a string was: it ends at its NUL, for the check and after. */
static void a_string_ends_at_its_first_nul(void **state)
{
    struct m4h_buffer message = BUFFER;
    char client_key[M4H_CLIENT_KEY_MAX + 1], request_id[M4H_REQUEST_ID_MAX + 1];

    (void)state;
    put_bytes(&message, 1, "device\0\n", 8);
    assert_int_equal(
        m4h_wire_tunnel_request_decode(message.data, message.len, client_key, request_id), 0);
    assert_string_equal(client_key, "device");
    m4h_buffer_clear(&message);
    put_bytes(&message, 1, "\0device", 7);
    assert_int_equal(
        m4h_wire_tunnel_request_decode(message.data, message.len, client_key, request_id),
        M4H_EPROTOCOL);
    m4h_buffer_free(&message);
}

int run_refused_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunnels_are_checked_wherever_they_are),
        cmocka_unit_test(a_further_port_must_be_one),
        cmocka_unit_test(infos_are_checked_wherever_they_are),
        cmocka_unit_test(host_keys_are_checked_wherever_they_are),
        cmocka_unit_test(times_are_checked_wherever_they_are),
        cmocka_unit_test(events_are_checked),
        cmocka_unit_test(a_payload_without_its_part_is_refused),
        cmocka_unit_test(dispatch_is_checked),
        cmocka_unit_test(authorize_is_checked),
        cmocka_unit_test(the_limits_of_a_device_are_checked),
        cmocka_unit_test(what_an_operator_may_is_checked),
        cmocka_unit_test(labels_are_checked_wherever_they_are),
        cmocka_unit_test(revocations_are_checked),
        cmocka_unit_test(places_of_devices_are_checked),
        cmocka_unit_test(records_are_checked_wherever_they_are),
        cmocka_unit_test(requests_about_records_are_checked),
        cmocka_unit_test(audits_are_checked),
        cmocka_unit_test(a_record_in_a_state_of_a_later_version_is_disabled),
        cmocka_unit_test(status_is_checked),
        cmocka_unit_test(commands_are_checked),
        cmocka_unit_test(a_reply_with_neither_result_nor_problem_is_refused),
        cmocka_unit_test(problems_are_checked_in_every_reply),
        cmocka_unit_test(a_yes_that_is_refused_says_no),
        cmocka_unit_test(a_reply_need_not_say_which_master_it_is_from),
        cmocka_unit_test(lists_come_out_empty_when_refused),
        cmocka_unit_test(an_event_of_a_later_version_keeps_its_number),
        cmocka_unit_test(a_last_port_that_is_none_is_not_known),
        cmocka_unit_test(reasons_of_a_later_version_read_as_unknown),
        cmocka_unit_test(a_state_of_a_later_version_takes_no_device),
        cmocka_unit_test(a_problem_of_a_later_version_is_still_a_problem),
        cmocka_unit_test(a_kick_for_any_other_reason_is_a_kick),
        cmocka_unit_test(parts_of_a_millisecond_are_cut_off),
        cmocka_unit_test(a_string_ends_at_its_first_nul),
    };

    return cmocka_run_group_tests_name("wire: refusals", tests, NULL, NULL);
}
