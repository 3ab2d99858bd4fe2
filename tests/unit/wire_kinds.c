/* Every kind of message: how to make one, and how to read it and write it again. */
#include "tests/unit/wire_kinds.h"

#include "lib/wire/wire.h"
#include "tests/unit/wire_kinds_records.h"
#include "tests/unit/wire_models.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_MAX  4096u
#define KEYS_MAX   8192u
#define RECORD_MAX 16384u
/* Items in the pages made here: enough to meet more than one. */
#define ITEMS 3

/* ---- events ---------------------------------------------------------------- */

static int make_event(enum m4h_event_type type, struct m4h_buffer *out)
{
    struct m4h_event event;

    full_event(&event, type);
    return m4h_wire_event_encode(&event, out);
}

static int recode_event(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_event event;
    int error = m4h_wire_event_decode(data, len, &event);

    return error != 0 ? error : m4h_wire_event_encode(&event, out);
}

static int make_connect(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_CONNECT, out);
}

static int make_disconnect(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_DISCONNECT, out);
}

static int make_load(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_LOAD, out);
}

static int make_start(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_START, out);
}

static int make_drain(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_DRAIN, out);
}

static int make_stop(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_STOP, out);
}

static int make_refuse(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_REFUSE, out);
}

static int make_flapping(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_FLAPPING, out);
}

static int make_access(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_ACCESS, out);
}

static int make_reload(struct m4h_buffer *out)
{
    return make_event(M4H_EVENT_RELOAD, out);
}

/* ---- requests ---------------------------------------------------------------- */

static int make_dispatch_request(struct m4h_buffer *out)
{
    struct m4h_dispatch_request request;

    full_dispatch_request(&request);
    return m4h_wire_dispatch_request_encode(&request, out);
}

static int recode_dispatch_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_dispatch_request request;
    int error = m4h_wire_dispatch_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_dispatch_request_encode(&request, out);
}

static int make_authorize_request(struct m4h_buffer *out)
{
    struct m4h_authorize_request request;

    full_authorize_request(&request);
    return m4h_wire_authorize_request_encode(&request, out);
}

static int recode_authorize_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_authorize_request request;
    int error = m4h_wire_authorize_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_authorize_request_encode(&request, out);
}

static int make_slaves_request(struct m4h_buffer *out)
{
    struct m4h_page_request request;

    full_page_request(&request);
    return m4h_wire_slaves_request_encode(&request, out);
}

static int recode_slaves_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_page_request request;
    int error = m4h_wire_slaves_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_slaves_request_encode(&request, out);
}

static int make_tunnels_request(struct m4h_buffer *out)
{
    struct m4h_page_request request;

    full_page_request(&request);
    return m4h_wire_tunnels_request_encode(&request, out);
}

static int recode_tunnels_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_page_request request;
    int error = m4h_wire_tunnels_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_tunnels_request_encode(&request, out);
}

static int make_kick_request(struct m4h_buffer *out)
{
    struct m4h_kick_request request;

    full_kick_request(&request);
    return m4h_wire_kick_request_encode(&request, out);
}

static int recode_kick_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_kick_request request;
    int error = m4h_wire_kick_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_kick_request_encode(&request, out);
}

static int make_drain_request(struct m4h_buffer *out)
{
    struct m4h_drain_request request;

    full_drain_request(&request);
    return m4h_wire_drain_request_encode(&request, out);
}

static int recode_drain_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_drain_request request;
    int error = m4h_wire_drain_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_drain_request_encode(&request, out);
}

static int make_cluster_request(struct m4h_buffer *out)
{
    return m4h_wire_cluster_request_encode("request-1", out);
}

static int recode_cluster_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    char request_id[M4H_REQUEST_ID_MAX + 1];
    int error = m4h_wire_cluster_request_decode(data, len, request_id);

    return error != 0 ? error : m4h_wire_cluster_request_encode(request_id, out);
}

static int make_tunnel_request(struct m4h_buffer *out)
{
    struct m4h_tunnel tunnel;

    full_tunnel(&tunnel);
    return m4h_wire_tunnel_request_encode(tunnel.client_key, "request-1", out);
}

static int recode_tunnel_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    char client_key[M4H_CLIENT_KEY_MAX + 1], request_id[M4H_REQUEST_ID_MAX + 1];
    int error = m4h_wire_tunnel_request_decode(data, len, client_key, request_id);

    return error != 0 ? error : m4h_wire_tunnel_request_encode(client_key, request_id, out);
}

static int make_snapshot_request(struct m4h_buffer *out)
{
    const struct m4h_snapshot_request request = {
        .snapshot_id = UINT64_MAX, .page = UINT32_MAX, .epoch = UINT64_MAX};

    return m4h_wire_snapshot_request_encode(&request, out);
}

static int recode_snapshot_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_snapshot_request request;
    int error = m4h_wire_snapshot_request_decode(data, len, &request);

    return error != 0 ? error : m4h_wire_snapshot_request_encode(&request, out);
}

static int make_revoke(struct m4h_buffer *out)
{
    struct m4h_revoke revoke;

    full_revoke(&revoke);
    return m4h_wire_revoke_encode(&revoke, out);
}

static int recode_revoke(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_revoke revoke;
    int error = m4h_wire_revoke_decode(data, len, &revoke);

    return error != 0 ? error : m4h_wire_revoke_encode(&revoke, out);
}

/* ---- among masters ------------------------------------------------------------ */

static int make_hello(struct m4h_buffer *out)
{
    struct m4h_master_hello hello;

    full_hello(&hello);
    return m4h_wire_hello_encode(&hello, out);
}

static int recode_hello(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_master_hello hello;
    int error = m4h_wire_hello_decode(data, len, &hello);

    return error != 0 ? error : m4h_wire_hello_encode(&hello, out);
}

static int make_reservations(struct m4h_buffer *out)
{
    struct m4h_shared_reservation reservations[ITEMS];

    for (size_t i = 0; i < ITEMS; i++)
        full_reservation(&reservations[i]);
    reservations[1].slave_id[0] = '\0';
    reservations[2].client_key[0] = '\0';
    return m4h_wire_reservations_encode("master-1", UINT64_MAX, reservations, ITEMS, out);
}

static int recode_reservations(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_shared_reservation *reservations;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count;
    int error =
        m4h_wire_reservations_decode(data, len, master_id, &instance, &reservations, &count);

    if (error == 0)
        error = m4h_wire_reservations_encode(master_id, instance, reservations, count, out);
    free(reservations);
    return error;
}

/* ---- replies ------------------------------------------------------------------ */

static int make_dispatch_reply(struct m4h_buffer *out)
{
    struct m4h_slot slot;

    full_slot(&slot);
    return m4h_wire_dispatch_reply_encode(&slot, NULL, out);
}

static int make_dispatch_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_dispatch_reply_encode(NULL, &problem, out);
}

static int recode_dispatch_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_slot slot;
    struct m4h_problem problem;
    int error = m4h_wire_dispatch_reply_decode(data, len, &slot, &problem);

    return error != 0 ? error : m4h_wire_dispatch_reply_encode(&slot, &problem, out);
}

static int make_authorize_allow(struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;

    full_allow(&reply);
    return m4h_wire_authorize_reply_encode(&reply, NULL, out);
}

static int make_authorize_operator(struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;

    full_allow_operator(&reply);
    return m4h_wire_authorize_reply_encode(&reply, NULL, out);
}

static int make_authorize_slave(struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;

    full_allow_slave(&reply);
    return m4h_wire_authorize_reply_encode(&reply, NULL, out);
}

static int make_authorize_deny(struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;

    full_deny(&reply);
    return m4h_wire_authorize_reply_encode(&reply, NULL, out);
}

static int make_authorize_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_authorize_reply_encode(NULL, &problem, out);
}

static int recode_authorize_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;
    int error = m4h_wire_authorize_reply_decode(data, len, &reply, &problem);

    return error != 0 ? error : m4h_wire_authorize_reply_encode(&reply, &problem, out);
}

static int make_cluster_reply(struct m4h_buffer *out)
{
    struct m4h_cluster_status cluster;
    struct m4h_region_status regions[ITEMS];

    full_cluster(&cluster);
    for (size_t i = 0; i < ITEMS; i++)
        full_region(&regions[i]);
    return m4h_wire_cluster_reply_encode(&cluster, regions, ITEMS, NULL, out);
}

static int make_cluster_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_cluster_reply_encode(NULL, NULL, 0, &problem, out);
}

static int recode_cluster_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_cluster_status cluster;
    struct m4h_region_status *regions;
    struct m4h_problem problem;
    size_t count;
    int error = m4h_wire_cluster_reply_decode(data, len, &cluster, &regions, &count, &problem);

    if (error == 0)
        error = m4h_wire_cluster_reply_encode(&cluster, regions, count, &problem, out);
    free(regions);
    return error;
}

static int make_slaves_reply(struct m4h_buffer *out)
{
    struct m4h_slave_status slaves[ITEMS];
    struct m4h_page_request request;

    full_page_request(&request);
    for (size_t i = 0; i < ITEMS; i++)
        full_slave_status(&slaves[i]);
    return m4h_wire_slaves_reply_encode(slaves, ITEMS, request.page_token, NULL, out);
}

static int make_slaves_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_slaves_reply_encode(NULL, 0, "", &problem, out);
}

static int recode_slaves_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_slave_status *slaves;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;
    int error = m4h_wire_slaves_reply_decode(data, len, &slaves, &count, token, &problem);

    if (error == 0)
        error = m4h_wire_slaves_reply_encode(slaves, count, token, &problem, out);
    free(slaves);
    return error;
}

static int make_tunnels_reply(struct m4h_buffer *out)
{
    struct m4h_tunnel_status tunnels[ITEMS];
    struct m4h_page_request request;

    full_page_request(&request);
    for (size_t i = 0; i < ITEMS; i++)
        full_tunnel_status(&tunnels[i]);
    return m4h_wire_tunnels_reply_encode(tunnels, ITEMS, request.page_token, NULL, out);
}

static int make_tunnels_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_tunnels_reply_encode(NULL, 0, "", &problem, out);
}

static int recode_tunnels_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_tunnel_status *tunnels;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;
    int error = m4h_wire_tunnels_reply_decode(data, len, &tunnels, &count, token, &problem);

    if (error == 0)
        error = m4h_wire_tunnels_reply_encode(tunnels, count, token, &problem, out);
    free(tunnels);
    return error;
}

static int make_tunnel_reply(struct m4h_buffer *out)
{
    struct m4h_tunnel_status tunnel;

    full_tunnel_status(&tunnel);
    return m4h_wire_tunnel_reply_encode(&tunnel, NULL, out);
}

static int make_tunnel_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_tunnel_reply_encode(NULL, &problem, out);
}

static int recode_tunnel_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_tunnel_status tunnel;
    struct m4h_problem problem;
    int error = m4h_wire_tunnel_reply_decode(data, len, &tunnel, &problem);

    return error != 0 ? error : m4h_wire_tunnel_reply_encode(&tunnel, &problem, out);
}

static int make_kick_reply(struct m4h_buffer *out)
{
    return m4h_wire_kick_reply_encode(NULL, out);
}

static int make_kick_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_kick_reply_encode(&problem, out);
}

static int recode_kick_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_problem problem;
    int error = m4h_wire_kick_reply_decode(data, len, &problem);

    return error != 0 ? error : m4h_wire_kick_reply_encode(&problem, out);
}

static int make_drain_reply(struct m4h_buffer *out)
{
    return m4h_wire_drain_reply_encode(UINT32_MAX, NULL, out);
}

static int make_drain_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_drain_reply_encode(0, &problem, out);
}

static int recode_drain_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_problem problem;
    uint32_t tunnels;
    int error = m4h_wire_drain_reply_decode(data, len, &tunnels, &problem);

    return error != 0 ? error : m4h_wire_drain_reply_encode(tunnels, &problem, out);
}

static int make_snapshot_reply(struct m4h_buffer *out)
{
    struct m4h_snapshot_page page;
    struct m4h_tunnel tunnels[ITEMS];

    full_snapshot_page(&page);
    for (size_t i = 0; i < ITEMS; i++)
        full_tunnel(&tunnels[i]);
    return m4h_wire_snapshot_reply_encode(&page, tunnels, ITEMS, NULL, out);
}

static int make_snapshot_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, out);
}

static int recode_snapshot_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_snapshot_page page;
    struct m4h_tunnel *tunnels;
    struct m4h_problem problem;
    size_t count;
    int error = m4h_wire_snapshot_reply_decode(data, len, &page, &tunnels, &count, &problem);

    if (error == 0)
        error = m4h_wire_snapshot_reply_encode(&page, tunnels, count, &problem, out);
    free(tunnels);
    return error;
}

/* ---- on the WebSocket of slots ------------------------------------------------- */

static int make_slot_request(struct m4h_buffer *out)
{
    struct m4h_dispatch_request request;

    full_dispatch_request(&request);
    return m4h_wire_slot_request_encode(&request, out);
}

static int recode_slot_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_dispatch_request request;
    struct m4h_problem problem;
    int error = m4h_wire_slot_request_decode(data, len, &request, &problem);

    return error != 0 ? error : m4h_wire_slot_request_encode(&request, out);
}

static int make_slot_answer(struct m4h_buffer *out)
{
    struct m4h_slot slot;

    full_slot(&slot);
    return m4h_wire_slot_answer_encode("request-1", &slot, NULL, out);
}

static int make_slot_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_slot_answer_encode("request-1", NULL, &problem, out);
}

static int recode_slot_answer(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    char request_id[M4H_REQUEST_ID_MAX + 1];
    struct m4h_slot slot;
    struct m4h_problem problem;
    int error = m4h_wire_slot_answer_decode(data, len, request_id, &slot, &problem);

    return error != 0 ? error : m4h_wire_slot_answer_encode(request_id, &slot, &problem, out);
}

static int make_drain_notice(struct m4h_buffer *out)
{
    struct m4h_drain_notice notice;

    full_drain_notice(&notice);
    return m4h_wire_drain_notice_encode(&notice, out);
}

static int recode_drain_notice(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_drain_notice notice;
    int error = m4h_wire_drain_notice_decode(data, len, &notice);

    return error != 0 ? error : m4h_wire_drain_notice_encode(&notice, out);
}

/* ---- all ------------------------------------------------------------------------ */

const struct wire_kind wire_kinds[KIND_COUNT] = {
    [KIND_CONNECT] = {"connect", KEYS_MAX, make_connect, recode_event},
    [KIND_DISCONNECT] = {"disconnect", KEYS_MAX, make_disconnect, recode_event},
    [KIND_LOAD] = {"load", KEYS_MAX, make_load, recode_event},
    [KIND_START] = {"start", KEYS_MAX, make_start, recode_event},
    [KIND_DRAIN] = {"drain", KEYS_MAX, make_drain, recode_event},
    [KIND_STOP] = {"stop", KEYS_MAX, make_stop, recode_event},
    [KIND_REFUSE] = {"refuse", KEYS_MAX, make_refuse, recode_event},
    [KIND_FLAPPING] = {"flapping", KEYS_MAX, make_flapping, recode_event},
    [KIND_DISPATCH_REQUEST] = {"dispatch_request", SMALL_MAX, make_dispatch_request,
                               recode_dispatch_request},
    [KIND_DISPATCH_REPLY] = {"dispatch_reply", KEYS_MAX, make_dispatch_reply,
                             recode_dispatch_reply},
    [KIND_DISPATCH_PROBLEM] = {"dispatch_problem", KEYS_MAX, make_dispatch_problem,
                               recode_dispatch_reply},
    [KIND_AUTHORIZE_REQUEST] = {"authorize_request", KEYS_MAX, make_authorize_request,
                                recode_authorize_request},
    [KIND_AUTHORIZE_ALLOW] = {"authorize_allow", RECORD_MAX, make_authorize_allow,
                              recode_authorize_reply},
    [KIND_AUTHORIZE_DENY] = {"authorize_deny", RECORD_MAX, make_authorize_deny,
                             recode_authorize_reply},
    [KIND_AUTHORIZE_PROBLEM] = {"authorize_problem", RECORD_MAX, make_authorize_problem,
                                recode_authorize_reply},
    [KIND_CLUSTER_REQUEST] = {"cluster_request", SMALL_MAX, make_cluster_request,
                              recode_cluster_request},
    [KIND_CLUSTER_REPLY] = {"cluster_reply", M4H_WIRE_MESSAGE_MAX, make_cluster_reply,
                            recode_cluster_reply},
    [KIND_CLUSTER_PROBLEM] = {"cluster_problem", M4H_WIRE_MESSAGE_MAX, make_cluster_problem,
                              recode_cluster_reply},
    [KIND_SLAVES_REQUEST] = {"slaves_request", SMALL_MAX, make_slaves_request,
                             recode_slaves_request},
    [KIND_SLAVES_REPLY] = {"slaves_reply", M4H_WIRE_MESSAGE_MAX, make_slaves_reply,
                           recode_slaves_reply},
    [KIND_SLAVES_PROBLEM] = {"slaves_problem", M4H_WIRE_MESSAGE_MAX, make_slaves_problem,
                             recode_slaves_reply},
    [KIND_TUNNELS_REQUEST] = {"tunnels_request", SMALL_MAX, make_tunnels_request,
                              recode_tunnels_request},
    [KIND_TUNNELS_REPLY] = {"tunnels_reply", M4H_WIRE_MESSAGE_MAX, make_tunnels_reply,
                            recode_tunnels_reply},
    [KIND_TUNNELS_PROBLEM] = {"tunnels_problem", M4H_WIRE_MESSAGE_MAX, make_tunnels_problem,
                              recode_tunnels_reply},
    [KIND_TUNNEL_REQUEST] = {"tunnel_request", SMALL_MAX, make_tunnel_request,
                             recode_tunnel_request},
    [KIND_TUNNEL_REPLY] = {"tunnel_reply", SMALL_MAX, make_tunnel_reply, recode_tunnel_reply},
    [KIND_TUNNEL_PROBLEM] = {"tunnel_problem", SMALL_MAX, make_tunnel_problem, recode_tunnel_reply},
    [KIND_KICK_REQUEST] = {"kick_request", SMALL_MAX, make_kick_request, recode_kick_request},
    [KIND_KICK_REPLY] = {"kick_reply", SMALL_MAX, make_kick_reply, recode_kick_reply},
    [KIND_KICK_PROBLEM] = {"kick_problem", SMALL_MAX, make_kick_problem, recode_kick_reply},
    [KIND_DRAIN_REQUEST] = {"drain_request", SMALL_MAX, make_drain_request, recode_drain_request},
    [KIND_DRAIN_REPLY] = {"drain_reply", SMALL_MAX, make_drain_reply, recode_drain_reply},
    [KIND_DRAIN_PROBLEM] = {"drain_problem", SMALL_MAX, make_drain_problem, recode_drain_reply},
    [KIND_SNAPSHOT_REQUEST] = {"snapshot_request", SMALL_MAX, make_snapshot_request,
                               recode_snapshot_request},
    [KIND_SNAPSHOT_REPLY] = {"snapshot_reply", M4H_WIRE_MESSAGE_MAX, make_snapshot_reply,
                             recode_snapshot_reply},
    [KIND_SNAPSHOT_PROBLEM] = {"snapshot_problem", M4H_WIRE_MESSAGE_MAX, make_snapshot_problem,
                               recode_snapshot_reply},
    [KIND_REVOKE] = {"revoke", SMALL_MAX, make_revoke, recode_revoke},
    [KIND_HELLO] = {"hello", SMALL_MAX, make_hello, recode_hello},
    [KIND_RESERVATIONS] = {"reservations", M4H_WIRE_MESSAGE_MAX, make_reservations,
                           recode_reservations},
    [KIND_SLOT_REQUEST] = {"slot_request", SMALL_MAX, make_slot_request, recode_slot_request},
    [KIND_SLOT_ANSWER] = {"slot_answer", KEYS_MAX, make_slot_answer, recode_slot_answer},
    [KIND_SLOT_PROBLEM] = {"slot_problem", KEYS_MAX, make_slot_problem, recode_slot_answer},
    [KIND_DRAIN_NOTICE] = {"drain_notice", SMALL_MAX, make_drain_notice, recode_drain_notice},
    [KIND_ACCESS] = {"access", KEYS_MAX, make_access, recode_event},
    [KIND_RELOAD] = {"reload", KEYS_MAX, make_reload, recode_event},
    [KIND_AUTHORIZE_OPERATOR] = {"authorize_operator", RECORD_MAX, make_authorize_operator,
                                 recode_authorize_reply},
    [KIND_AUTHORIZE_SLAVE] = {"authorize_slave", RECORD_MAX, make_authorize_slave,
                              recode_authorize_reply},
    [KIND_LOCATE_REQUEST] = {"locate_request", SMALL_MAX, make_locate_request,
                             recode_locate_request},
    [KIND_LOCATE_REPLY] = {"locate_reply", KEYS_MAX, make_locate_reply, recode_locate_reply},
    [KIND_LOCATE_PROBLEM] = {"locate_problem", KEYS_MAX, make_locate_problem, recode_locate_reply},
    [KIND_REVOKE_REQUEST] = {"revoke_request", SMALL_MAX, make_revoke_request,
                             recode_revoke_request},
    [KIND_REVOKE_REPLY] = {"revoke_reply", SMALL_MAX, make_revoke_reply, recode_revoke_reply},
    [KIND_REVOKE_PROBLEM] = {"revoke_problem", SMALL_MAX, make_revoke_problem, recode_revoke_reply},
    [KIND_REVOCATIONS_REQUEST] = {"revocations_request", SMALL_MAX, make_revocations_request,
                                  recode_revocations_request},
    [KIND_REVOCATIONS_REPLY] = {"revocations_reply", M4H_WIRE_MESSAGE_MAX, make_revocations_reply,
                                recode_revocations_reply},
    [KIND_REVOCATIONS_PROBLEM] = {"revocations_problem", M4H_WIRE_MESSAGE_MAX,
                                  make_revocations_problem, recode_revocations_reply},
    [KIND_DEVICES_REQUEST] = {"devices_request", SMALL_MAX, make_devices_request,
                              recode_devices_request},
    [KIND_DEVICES_REPLY] = {"devices_reply", M4H_WIRE_MESSAGE_MAX, make_devices_reply,
                            recode_devices_reply},
    [KIND_DEVICES_PROBLEM] = {"devices_problem", M4H_WIRE_MESSAGE_MAX, make_devices_problem,
                              recode_devices_reply},
    [KIND_DEVICES_CHANGED] = {"devices_changed", M4H_WIRE_MESSAGE_MAX, make_devices_changed,
                              recode_devices_changed},
    [KIND_DEVICE_GET] = {"device_get", SMALL_MAX, make_device_get, recode_device_get},
    [KIND_DEVICE_REMOVE] = {"device_remove", SMALL_MAX, make_device_remove, recode_device_remove},
    [KIND_DEVICE_PUT] = {"device_put", RECORD_MAX, make_device_put, recode_device_put},
    [KIND_DEVICE_PUT_LINE] = {"device_put_line", RECORD_MAX, make_device_put_line,
                              recode_device_put},
    [KIND_DEVICE_REPLY] = {"device_reply", RECORD_MAX, make_device_reply, recode_device_reply},
    [KIND_DEVICE_PROBLEM] = {"device_problem", RECORD_MAX, make_device_problem,
                             recode_device_reply},
    [KIND_AUDIT_RECORD] = {"audit_record", SMALL_MAX, make_audit_record, recode_audit_record},
};
