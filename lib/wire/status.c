/* Status of the cluster and of one tunnel. Lists are in page.c. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/status_parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/status.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* ---- cluster ----------------------------------------------------------------- */

int m4h_wire_cluster_request_encode(const char *request_id, struct m4h_buffer *out)
{
    Mas4h__V1__ClusterStatusRequest message = MAS4H__V1__CLUSTER_STATUS_REQUEST__INIT;

    message.request_id = m4h_wire_borrow(request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_cluster_request(const Mas4h__V1__ClusterStatusRequest *message,
                                 char request_id[M4H_REQUEST_ID_MAX + 1])
{
    return m4h_wire_read_text(message->request_id, request_id, M4H_REQUEST_ID_MAX + 1);
}

int m4h_wire_cluster_request_decode(const uint8_t *data, size_t len,
                                    char request_id[M4H_REQUEST_ID_MAX + 1])
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__cluster_status_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_cluster_request(arena.message, request_id))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static void write_region(Mas4h__V1__RegionStatus *message, const struct m4h_region_status *region)
{
    mas4h__v1__region_status__init(message);
    message->region = m4h_wire_borrow(region->region);
    message->slaves = region->slaves;
    message->slaves_ready = region->slaves_ready;
    message->tunnels = region->tunnels;
    message->capacity = region->capacity;
}

struct master_parts {
    Mas4h__V1__MasterStatus message;
    Google__Protobuf__Timestamp started_at;
    Google__Protobuf__Timestamp last_seen_at;
};

static void write_master(struct master_parts *parts, const struct m4h_master_status *master)
{
    mas4h__v1__master_status__init(&parts->message);
    m4h_wire_write_time(&parts->started_at, master->started_wall_ms);
    m4h_wire_write_time(&parts->last_seen_at, master->last_seen_wall_ms);
    parts->message.master_id = m4h_wire_borrow(master->master_id);
    parts->message.version = m4h_wire_borrow(master->version);
    parts->message.started_at = &parts->started_at;
    parts->message.last_seen_at = &parts->last_seen_at;
}

static int pack_cluster(const struct m4h_cluster_status *cluster,
                        const struct m4h_region_status *regions, size_t region_count,
                        struct m4h_buffer *out)
{
    Mas4h__V1__ClusterStatusReply reply = MAS4H__V1__CLUSTER_STATUS_REPLY__INIT;
    Mas4h__V1__ClusterStatus message = MAS4H__V1__CLUSTER_STATUS__INIT;
    Mas4h__V1__RegionStatus parts[M4H_REGIONS_MAX];
    Mas4h__V1__RegionStatus *pointers[M4H_REGIONS_MAX];
    struct master_parts masters[M4H_MASTERS_MAX];
    Mas4h__V1__MasterStatus *master_pointers[M4H_MASTERS_MAX];
    Google__Protobuf__Timestamp started_at;

    if (region_count > M4H_REGIONS_MAX || cluster->master_count > M4H_MASTERS_MAX)
        return M4H_ETOOBIG;
    for (size_t i = 0; i < region_count; i++) {
        write_region(&parts[i], &regions[i]);
        pointers[i] = &parts[i];
    }
    for (size_t i = 0; i < cluster->master_count; i++) {
        write_master(&masters[i], &cluster->masters[i]);
        master_pointers[i] = &masters[i].message;
    }
    m4h_wire_write_time(&started_at, cluster->started_wall_ms);
    message.master_id = m4h_wire_borrow(cluster->master_id);
    message.version = m4h_wire_borrow(cluster->version);
    message.started_at = &started_at;
    message.slaves = cluster->slaves;
    message.slaves_ready = cluster->slaves_ready;
    message.tunnels = cluster->tunnels;
    message.capacity = cluster->capacity;
    message.channels = cluster->channels;
    message.n_regions = region_count;
    message.regions = pointers;
    message.synced = cluster->synced;
    message.flapping = cluster->flapping;
    message.n_masters = cluster->master_count;
    message.masters = master_pointers;
    reply.result_case = MAS4H__V1__CLUSTER_STATUS_REPLY__RESULT_CLUSTER;
    reply.cluster = &message;
    return m4h_wire_pack(&reply.base, out);
}

int m4h_wire_cluster_reply_encode(const struct m4h_cluster_status *cluster,
                                  const struct m4h_region_status *regions, size_t region_count,
                                  const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__ClusterStatusReply message = MAS4H__V1__CLUSTER_STATUS_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return pack_cluster(cluster, regions, region_count, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__CLUSTER_STATUS_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static bool read_region(const Mas4h__V1__RegionStatus *message, struct m4h_region_status *out)
{
    out->slaves = message->slaves;
    out->slaves_ready = message->slaves_ready;
    out->tunnels = message->tunnels;
    out->capacity = message->capacity;
    return m4h_wire_read_id(message->region, out->region);
}

static int read_regions(const Mas4h__V1__ClusterStatus *message, struct m4h_region_status **regions,
                        size_t *count)
{
    struct m4h_region_status *read;

    if (message->n_regions == 0)
        return 0;
    if (message->n_regions > M4H_REGIONS_MAX)
        return M4H_EPROTOCOL;
    read = calloc(message->n_regions, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_regions; i++) {
        if (!read_region(message->regions[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *regions = read;
    *count = message->n_regions;
    return 0;
}

static bool read_masters(const Mas4h__V1__ClusterStatus *message, struct m4h_cluster_status *out)
{
    if (message->n_masters > M4H_MASTERS_MAX)
        return false;
    for (size_t i = 0; i < message->n_masters; i++) {
        const Mas4h__V1__MasterStatus *each = message->masters[i];
        struct m4h_master_status *master = &out->masters[i];

        if (!m4h_wire_read_id(each->master_id, master->master_id) ||
            !m4h_wire_read_text(each->version, master->version, sizeof(master->version)) ||
            !m4h_wire_read_time(each->started_at, &master->started_wall_ms) ||
            !m4h_wire_read_time(each->last_seen_at, &master->last_seen_wall_ms))
            return false;
    }
    out->master_count = (uint32_t)message->n_masters;
    return true;
}

static bool read_cluster(const Mas4h__V1__ClusterStatus *message, struct m4h_cluster_status *out)
{
    out->slaves = message->slaves;
    out->slaves_ready = message->slaves_ready;
    out->tunnels = message->tunnels;
    out->capacity = message->capacity;
    out->channels = message->channels;
    out->synced = message->synced;
    out->flapping = message->flapping;
    return m4h_wire_read_id(message->master_id, out->master_id) &&
           m4h_wire_read_text(message->version, out->version, sizeof(out->version)) &&
           m4h_wire_read_time(message->started_at, &out->started_wall_ms) &&
           read_masters(message, out);
}

static int read_cluster_reply(const Mas4h__V1__ClusterStatusReply *message,
                              struct m4h_cluster_status *cluster,
                              struct m4h_region_status **regions, size_t *count,
                              struct m4h_problem *problem)
{
    memset(cluster, 0, sizeof(*cluster));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__CLUSTER_STATUS_REPLY__RESULT_CLUSTER:
        return read_cluster(message->cluster, cluster)
                   ? read_regions(message->cluster, regions, count)
                   : M4H_EPROTOCOL;
    case MAS4H__V1__CLUSTER_STATUS_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_cluster_reply_decode(const uint8_t *data, size_t len,
                                  struct m4h_cluster_status *cluster,
                                  struct m4h_region_status **regions, size_t *region_count,
                                  struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__cluster_status_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *regions = NULL;
    *region_count = 0;
    if (error == 0)
        error = read_cluster_reply(arena.message, cluster, regions, region_count, problem);
    m4h_wire_release(&arena);
    return error;
}

/* ---- one tunnel --------------------------------------------------------------- */

int m4h_wire_tunnel_request_encode(const char *client_key, const char *request_id,
                                   struct m4h_buffer *out)
{
    Mas4h__V1__TunnelStatusRequest message = MAS4H__V1__TUNNEL_STATUS_REQUEST__INIT;

    message.client_key = m4h_wire_borrow(client_key);
    message.request_id = m4h_wire_borrow(request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_tunnel_request(const Mas4h__V1__TunnelStatusRequest *message,
                                char client_key[M4H_CLIENT_KEY_MAX + 1],
                                char request_id[M4H_REQUEST_ID_MAX + 1])
{
    return m4h_wire_read_client_key(message->client_key, client_key) &&
           m4h_wire_read_text(message->request_id, request_id, M4H_REQUEST_ID_MAX + 1);
}

int m4h_wire_tunnel_request_decode(const uint8_t *data, size_t len,
                                   char client_key[M4H_CLIENT_KEY_MAX + 1],
                                   char request_id[M4H_REQUEST_ID_MAX + 1])
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__tunnel_status_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_tunnel_request(arena.message, client_key, request_id))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static int pack_tunnel(const struct m4h_tunnel_status *tunnel, struct m4h_buffer *out)
{
    Mas4h__V1__TunnelStatusReply reply = MAS4H__V1__TUNNEL_STATUS_REPLY__INIT;
    struct m4h_wire_tunnel_status_parts parts;

    m4h_wire_write_tunnel_status(&parts, tunnel);
    reply.result_case = MAS4H__V1__TUNNEL_STATUS_REPLY__RESULT_TUNNEL;
    reply.tunnel = &parts.message;
    return m4h_wire_pack(&reply.base, out);
}

int m4h_wire_tunnel_reply_encode(const struct m4h_tunnel_status *tunnel,
                                 const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__TunnelStatusReply message = MAS4H__V1__TUNNEL_STATUS_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return pack_tunnel(tunnel, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__TUNNEL_STATUS_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static bool read_tunnel_reply(const Mas4h__V1__TunnelStatusReply *message,
                              struct m4h_tunnel_status *tunnel, struct m4h_problem *problem)
{
    memset(tunnel, 0, sizeof(*tunnel));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__TUNNEL_STATUS_REPLY__RESULT_TUNNEL:
        return m4h_wire_read_tunnel_status(message->tunnel, tunnel);
    case MAS4H__V1__TUNNEL_STATUS_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_tunnel_reply_decode(const uint8_t *data, size_t len, struct m4h_tunnel_status *tunnel,
                                 struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__tunnel_status_reply__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_tunnel_reply(arena.message, tunnel, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
