/* The things that mas4h speaks of, as plain structs: what comes out of a wire
 * message after its checks, what a core takes in and gives back. They own
 * nothing and point nowhere, so they are copied by assignment. Strings are NUL
 * terminated and valid as lib/base/ident.h says. */
#ifndef M4H_BASE_MODEL_H
#define M4H_BASE_MODEL_H

#include "lib/base/address.h"
#include "lib/base/ident.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_TUNNEL_PORTS_MAX    8
#define M4H_FINGERPRINT_MAX     63
#define M4H_CLIENT_VERSION_MAX  64
#define M4H_DETAIL_MAX          255
#define M4H_ACTOR_MAX           255
#define M4H_USERNAME_MAX        64
#define M4H_REQUEST_ID_MAX      64
#define M4H_VERSION_MAX         31
#define M4H_HOST_KEYS_MAX       3
#define M4H_HOST_KEY_MAX        1023
#define M4H_PUBLIC_KEY_BLOB_MAX 4096
#define M4H_EVENT_ID_MAX        127
#define M4H_NETWORK_TEXT_MAX    64 /* with the NUL */
#define M4H_PAGE_SIZE_DEFAULT   100
#define M4H_PAGE_SIZE_MAX       500
#define M4H_PAGE_TOKEN_MAX      (M4H_CLIENT_KEY_MAX)
#define M4H_LABELS_MAX          16  /* of one device */
#define M4H_LABELS_TEXT_MAX     255 /* all of them, as lib/base/labels.h writes them */

/* 16 lower-case hex digits and a NUL: a tunnel id as text. */
#define M4H_TUNNEL_ID_TEXT_MAX 17

/* ---- tunnels and slaves ------------------------------------------------- */

struct m4h_tunnel {
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint64_t tunnel_id; /* never 0 */
    uint64_t stamp;     /* see lib/base/stamp.h */
    uint16_t ports[M4H_TUNNEL_PORTS_MAX];
    uint8_t port_count; /* at least 1 */
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    uint64_t connected_wall_ms;
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    char client_version[M4H_CLIENT_VERSION_MAX + 1];
    char labels[M4H_LABELS_TEXT_MAX + 1]; /* see lib/base/labels.h; "": none */
};

enum m4h_slave_state {
    M4H_SLAVE_READY = 1,
    M4H_SLAVE_DRAINING,
    M4H_SLAVE_STOPPED,
    M4H_SLAVE_SILENT,
};

struct m4h_slave_info {
    char host[M4H_HOST_MAX + 1];
    uint16_t port;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
    uint8_t host_key_count;
    uint32_t capacity; /* tunnels */
    char version[M4H_VERSION_MAX + 1];
    uint64_t started_wall_ms;
    uint32_t weight;                /* percent; 0 is 100: see m4h_slave_info_weight */
    uint32_t handshakes_per_second; /* that it can take; 0: not known */
};

/* ---- events ------------------------------------------------------------- */

enum m4h_disconnect_reason {
    M4H_DISCONNECT_CLIENT_CLOSED = 1,
    M4H_DISCONNECT_CONNECTION_LOST,
    M4H_DISCONNECT_KEEPALIVE_TIMEOUT,
    M4H_DISCONNECT_REPLACED,
    M4H_DISCONNECT_KICKED,
    M4H_DISCONNECT_DRAINED,
    M4H_DISCONNECT_PROTOCOL_ERROR,
    M4H_DISCONNECT_FORWARD_CANCELLED,
    M4H_DISCONNECT_REVOKED,
};
#define M4H_DISCONNECT_REASON_COUNT 10 /* with 0 */

enum m4h_refuse_reason {
    M4H_REFUSE_KEY_DENIED = 1,
    M4H_REFUSE_NO_MASTER,
    M4H_REFUSE_FULL,
    M4H_REFUSE_DRAINING,
    M4H_REFUSE_PORT_UNAVAILABLE,
    M4H_REFUSE_TIMEOUT,
    M4H_REFUSE_PROTOCOL_ERROR,
    M4H_REFUSE_UNSUPPORTED,
    M4H_REFUSE_REPLACED,
    M4H_REFUSE_FLAPPING,
    M4H_REFUSE_OVERLOAD,
    M4H_REFUSE_PROXY,
};
#define M4H_REFUSE_REASON_COUNT 13 /* with 0 */

enum m4h_event_type {
    M4H_EVENT_OTHER, /* of a later version: it has a number, and nothing that is known */
    M4H_EVENT_CONNECT,
    M4H_EVENT_DISCONNECT,
    M4H_EVENT_LOAD,
    M4H_EVENT_START,
    M4H_EVENT_DRAIN,
    M4H_EVENT_STOP,
    M4H_EVENT_REFUSE,
    M4H_EVENT_FLAPPING,
    M4H_EVENT_ACCESS,
    M4H_EVENT_RELOAD,
};
#define M4H_EVENT_TYPE_COUNT 11 /* with M4H_EVENT_OTHER */

struct m4h_disconnect {
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint64_t tunnel_id;
    enum m4h_disconnect_reason reason;
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
    uint64_t duration_ms;
    char actor[M4H_ACTOR_MAX + 1];   /* may be empty: nobody asked for it */
    char detail[M4H_DETAIL_MAX + 1]; /* may be empty */
};

struct m4h_load {
    uint32_t tunnels;
    uint32_t channels;
    uint32_t capacity;
    enum m4h_slave_state state;
    uint64_t digest; /* see lib/base/digest.h */
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
    uint32_t cpu_permille;
    uint32_t open_files;
    uint32_t open_files_limit;
    uint32_t handshakes;
    uint64_t drain_deadline_wall_ms; /* 0: not draining */
};

/* Said when a drain begins, and again while it goes on. */
struct m4h_drain {
    uint64_t deadline_wall_ms;
    uint32_t tunnels;              /* that are left */
    uint32_t channels;             /* operator connections that are left */
    char actor[M4H_ACTOR_MAX + 1]; /* may be empty: a signal */
};

struct m4h_refuse {
    enum m4h_refuse_reason reason;
    char detail[M4H_DETAIL_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1]; /* may be empty */
    char client_key[M4H_CLIENT_KEY_MAX + 1];       /* may be empty */
};

/* Live devices with one key throw each other out. */
struct m4h_flapping {
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint32_t evictions; /* in the last `window_ms` */
    uint32_t window_ms;
    uint32_t hold_ms;                          /* for so long the newcomer has to wait */
    char remote_address[M4H_ADDRESS_TEXT_MAX]; /* of the newcomer */
    char owner_address[M4H_ADDRESS_TEXT_MAX];  /* may be empty: not known here */
};

enum m4h_access_phase {
    M4H_ACCESS_OPENED = 1,
    M4H_ACCESS_CLOSED,
    M4H_ACCESS_REFUSED,
};

/* One connection of an operator to a device by its name. */
struct m4h_access {
    enum m4h_access_phase phase;
    uint64_t access_id; /* never 0 */
    char operator_name[M4H_CLIENT_KEY_MAX + 1];
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* as the operator named it */
    uint16_t port;                           /* likewise */
    uint64_t tunnel_id;                      /* 0: not found */
    char device_slave_id[M4H_ID_MAX + 1];    /* empty: not found */
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
    uint64_t duration_ms;
    char detail[M4H_DETAIL_MAX + 1];
};

#define M4H_RELOAD_SETTINGS_MAX 64
#define M4H_SETTING_NAME_MAX    63 /* "section.key" */

struct m4h_reload {
    char actor[M4H_ACTOR_MAX + 1];
    char settings[M4H_RELOAD_SETTINGS_MAX][M4H_SETTING_NAME_MAX + 1];
    uint8_t setting_count;
    char error[M4H_DETAIL_MAX + 1]; /* empty: they were taken */
};

struct m4h_event {
    char event_id[M4H_EVENT_ID_MAX + 1];
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    uint64_t epoch;
    uint64_t seq;
    uint64_t wall_ms;
    enum m4h_event_type type;
    union {
        struct m4h_tunnel connect;
        struct m4h_disconnect disconnect;
        struct m4h_load load;
        struct m4h_slave_info start;
        struct m4h_drain drain;
        struct m4h_refuse refuse;
        struct m4h_flapping flapping;
        struct m4h_access access;
        struct m4h_reload reload;
    } as;
    bool without_master; /* of a connect event: an earlier decision was good enough */
};

/* ---- requests and their answers ------------------------------------------ */

enum m4h_problem_code {
    M4H_PROBLEM_INVALID = 1,
    M4H_PROBLEM_NOT_FOUND,
    M4H_PROBLEM_NO_CAPACITY,
    M4H_PROBLEM_THROTTLED,
    M4H_PROBLEM_UNAVAILABLE,
    M4H_PROBLEM_INTERNAL,
    M4H_PROBLEM_CONFLICT,
};

/* Why a request got no result. `code` 0: there is no problem. */
struct m4h_problem {
    enum m4h_problem_code code;
    char detail[M4H_DETAIL_MAX + 1];
    uint32_t retry_after_ms; /* 0: no advice */
};

struct m4h_dispatch_request {
    char request_id[M4H_REQUEST_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];             /* empty: any */
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* empty: not known */
};

struct m4h_slot {
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    char host[M4H_HOST_MAX + 1];
    uint16_t port;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
    uint8_t host_key_count;
    uint64_t expires_wall_ms;
};

/* Slots of one WebSocket that are told of at a time. */
#define M4H_DRAIN_NOTICE_MAX 16

/* The slave begins to drain that the answers to these requests named. */
struct m4h_drain_notice {
    char slave_id[M4H_ID_MAX + 1];
    size_t count;
    char request_ids[M4H_DRAIN_NOTICE_MAX][M4H_REQUEST_ID_MAX + 1];
};

struct m4h_authorize_request {
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    char username[M4H_USERNAME_MAX + 1]; /* untrusted, yet valid text */
    uint8_t public_key[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t public_key_len;
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    bool recheck; /* it is connected already: may it stay? */
};

#define M4H_OPERATOR_NETWORKS_MAX 16
#define M4H_PORT_RANGES_MAX       8
#define M4H_OPERATOR_RULES_MAX    8
#define M4H_OPERATOR_PORTS_MAX    4
#define M4H_VALIDATOR_MAX         31 /* of the name of a validator */

struct m4h_port_range {
    uint16_t first; /* 1 or more */
    uint16_t last;  /* at least `first` */
};

/* What a master allows one device; 0 or empty: as the slave's own setting says. */
struct m4h_device_limits {
    /* From where operators may reach it: each as m4h_network_parse takes it. */
    char operator_networks[M4H_OPERATOR_NETWORKS_MAX][M4H_NETWORK_TEXT_MAX];
    uint8_t operator_network_count;
    struct m4h_port_range ports[M4H_PORT_RANGES_MAX]; /* that it may have */
    uint8_t port_range_count;
    uint32_t forwards_max;
    uint32_t channels_max;
    uint32_t idle_ms;
    uint64_t bytes_per_second; /* each way */
};

/* Which devices an operator may reach, and at which ports. All that is said must fit. */
struct m4h_operator_rule {
    char client_key_pattern[M4H_CLIENT_KEY_MAX + 1];     /* * and ?; empty: any */
    char labels[M4H_LABELS_TEXT_MAX + 1];                /* that the device must have */
    struct m4h_port_range ports[M4H_OPERATOR_PORTS_MAX]; /* as the operator asks for them */
    uint8_t port_range_count;                            /* 0: any */
};

struct m4h_operator {
    char name[M4H_CLIENT_KEY_MAX + 1];                      /* empty: the key is no operator's */
    struct m4h_operator_rule rules[M4H_OPERATOR_RULES_MAX]; /* one that fits is enough */
    uint8_t rule_count;                                     /* 0: it may reach no device */
    uint32_t channels_max;                                  /* 0: as the slave's setting says */
};

struct m4h_authorize_reply {
    bool allowed;
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* when allowed */
    uint64_t owner_stamp;                    /* when allowed; 0: no owner */
    char detail[M4H_DETAIL_MAX + 1];         /* when denied */
    uint32_t valid_for_ms;
    struct m4h_device_limits limits; /* when allowed, like all below */
    uint16_t last_port; /* its first port, now or when it was last here; 0: not known */
    uint32_t evictions; /* of live tunnels of this client key, as the master has lately seen them */
    uint32_t evicted_ago_ms;               /* since the last of them; 0 where there is none */
    char master_id[M4H_ID_MAX + 1];        /* that answers, also with a problem; empty: not said */
    char validator[M4H_VALIDATOR_MAX + 1]; /* that decided; empty: none knows the key */
    bool pending;                          /* when denied: it waits for approval */
    char labels[M4H_LABELS_TEXT_MAX + 1];  /* when allowed, like all below */
    uint16_t fixed_port;                   /* 0: none in particular */
    char preferred_region[M4H_ID_MAX + 1]; /* empty: none */
    uint64_t expires_wall_ms;              /* 0: no end is known */
    struct m4h_operator operator_;         /* then client_key is empty */
    char slave_id[M4H_ID_MAX + 1];         /* a slave's host key: then client_key is empty */
};

struct m4h_locate_request {
    char slave_id[M4H_ID_MAX + 1]; /* that asks */
    char client_key[M4H_CLIENT_KEY_MAX + 1];
};

/* Where a device hangs. */
struct m4h_located {
    struct m4h_tunnel tunnel;
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    char host[M4H_HOST_MAX + 1]; /* of the slave's device listener */
    uint16_t port;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
    uint8_t host_key_count;
};

struct m4h_slave_status {
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    enum m4h_slave_state state;
    struct m4h_slave_info info;
    uint64_t epoch;
    uint32_t tunnels;
    uint32_t reservations;
    uint32_t channels;
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
    uint32_t cpu_permille;
    uint64_t last_seen_wall_ms;
    bool synced;
    uint64_t drain_deadline_wall_ms; /* 0: not draining, or not known */
};

struct m4h_tunnel_status {
    struct m4h_tunnel tunnel;
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    char host[M4H_HOST_MAX + 1];
    bool flapping; /* live devices with its key throw each other out */
};

struct m4h_region_status {
    char region[M4H_ID_MAX + 1];
    uint32_t slaves;
    uint32_t slaves_ready;
    uint32_t tunnels;
    uint32_t capacity;
};

#define M4H_REGIONS_MAX 256

#define M4H_MASTERS_MAX 64

struct m4h_master_status {
    char master_id[M4H_ID_MAX + 1];
    char version[M4H_VERSION_MAX + 1];
    uint64_t started_wall_ms;
    uint64_t last_seen_wall_ms;
};

/* The totals; the regions go beside it, as an array. */
struct m4h_cluster_status {
    char master_id[M4H_ID_MAX + 1];
    char version[M4H_VERSION_MAX + 1];
    uint64_t started_wall_ms;
    uint32_t slaves;
    uint32_t slaves_ready;
    uint64_t tunnels;
    uint64_t capacity;
    uint64_t channels;
    bool synced;
    uint32_t flapping;                                 /* client keys */
    struct m4h_master_status masters[M4H_MASTERS_MAX]; /* that are heard, by id */
    uint32_t master_count;
};

/* A page of a list: of tunnels in order of client_key, or of slaves in order of slave_id. */
struct m4h_page_request {
    char region[M4H_ID_MAX + 1];   /* empty: all */
    char slave_id[M4H_ID_MAX + 1]; /* empty: all */
    uint32_t page_size;            /* 1 to M4H_PAGE_SIZE_MAX */
    /* Of tunnels: how the client key begins; empty: all. Valid text. */
    char client_key_prefix[M4H_CLIENT_KEY_MAX + 1];
    /* The last name of the page before, empty for the first page. */
    char page_token[M4H_PAGE_TOKEN_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1]; /* for the master's log; may be empty */
    char labels[M4H_LABELS_TEXT_MAX + 1];    /* of tunnels: all of these; empty: any */
};

struct m4h_kick_request {
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint64_t tunnel_id; /* 0: whichever the device has there */
    enum m4h_disconnect_reason reason;
    char actor[M4H_ACTOR_MAX + 1];
};

struct m4h_drain_request {
    char actor[M4H_ACTOR_MAX + 1];
};

struct m4h_snapshot_request {
    uint64_t snapshot_id; /* 0: make a new one */
    uint32_t page;
    uint64_t epoch; /* the latest that who asks knows of; 0: he does not say */
};

/* All of a page but its tunnels, which go beside it, as an array. */
struct m4h_snapshot_page {
    uint64_t snapshot_id;
    uint32_t page;
    bool last;
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    uint64_t epoch;
    uint64_t seq;
    struct m4h_slave_info info;
    enum m4h_slave_state state;
};

/* Tunnels in one page of a snapshot: a page stays well under the largest message. */
#define M4H_SNAPSHOT_PAGE_TUNNELS 300

/* What was decided about a key before `stamp` is void. */
struct m4h_revoke {
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* one of the two is empty */
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    uint64_t stamp; /* see lib/base/stamp.h; 0: now, and it is not remembered */
    bool banned;    /* nor is it let in from now on */
    char actor[M4H_ACTOR_MAX + 1];
    char reason[M4H_DETAIL_MAX + 1];
};

struct m4h_revoke_request {
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* one of the two is empty */
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    bool banned;
    char actor[M4H_ACTOR_MAX + 1];
    char reason[M4H_DETAIL_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1];
    bool lifts_only; /* of the name there must be a ban */
};

/* Of a page of revocations. */
#define M4H_REVOCATIONS_PAGE_MAX 200
/* "device:" and a client key, or "key:" and a fingerprint. */
#define M4H_REVOCATION_NAME_MAX (7 + M4H_CLIENT_KEY_MAX)

struct m4h_revocations_request {
    uint32_t page_size; /* 1 to M4H_REVOCATIONS_PAGE_MAX */
    /* The name that the page before ended with, empty for the first. */
    char page_token[M4H_REVOCATION_NAME_MAX + 1];
    bool banned_only;
    char request_id[M4H_REQUEST_ID_MAX + 1];
};

/* ---- records of devices ---------------------------------------------------- */

enum m4h_device_state {
    M4H_DEVICE_ENABLED = 1,
    M4H_DEVICE_DISABLED,
    M4H_DEVICE_PENDING, /* it came, nobody knew it, and it waits for approval */
    M4H_DEVICE_REMOVED, /* kept for masters that have not heard of it */
};

/* What a master keeps of one key, a device's or an operator's: see proto/mas4h/v1/device.proto. */
struct m4h_device_record {
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    uint8_t public_key[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t public_key_len;
    enum m4h_device_state state;
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    char labels[M4H_LABELS_TEXT_MAX + 1];
    struct m4h_device_limits limits;
    uint16_t fixed_port;
    char preferred_region[M4H_ID_MAX + 1];
    uint64_t expires_wall_ms; /* 0: never */
    struct m4h_operator operator_;
    char comment[M4H_DETAIL_MAX + 1];
    uint64_t created_wall_ms;
    uint64_t stamp;
    char actor[M4H_ACTOR_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    char username[M4H_USERNAME_MAX + 1];
    uint32_t attempts;
};

#define M4H_DEVICES_PAGE_MAX 50

struct m4h_devices_request {
    enum m4h_device_state state; /* 0: all that are not pending */
    uint32_t page_size;          /* 1 to M4H_DEVICES_PAGE_MAX */
    char page_token[M4H_PAGE_TOKEN_MAX + 1];
    char client_key_prefix[M4H_CLIENT_KEY_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1];
    bool with_removed;
};

/* To get (`name`) or to remove one. */
struct m4h_device_request {
    char name[M4H_CLIENT_KEY_MAX + 1]; /* a fingerprint or a client key */
    char actor[M4H_ACTOR_MAX + 1];
    char reason[M4H_DETAIL_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1];
};

#define M4H_DEVICE_LINE_MAX 8192

struct m4h_device_put {
    struct m4h_device_record device;
    /* Of authorized_keys, instead of `device`; "": none. */
    char authorized_keys_line[M4H_DEVICE_LINE_MAX + 1];
    bool create_only;
    char actor[M4H_ACTOR_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1];
};

/* ---- what people and masters change ---------------------------------------- */

#define M4H_ACTION_MAX 31

struct m4h_audit_record {
    char record_id[M4H_EVENT_ID_MAX + 1];
    uint64_t wall_ms;
    char service_id[M4H_ID_MAX + 1];
    char actor[M4H_ACTOR_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX]; /* may be empty, like all below but target */
    char action[M4H_ACTION_MAX + 1];           /* "device.add" */
    char target[M4H_DETAIL_MAX + 1];
    char reason[M4H_DETAIL_MAX + 1];
    char error[M4H_DETAIL_MAX + 1];
    char detail[M4H_DETAIL_MAX + 1];
};

/* ---- among masters -------------------------------------------------------- */

struct m4h_master_hello {
    char master_id[M4H_ID_MAX + 1];
    char version[M4H_VERSION_MAX + 1];
    uint64_t started_wall_ms;
    uint64_t instance; /* of this start; never 0 */
    bool stopping;
    bool learning;               /* it does not answer for the cluster yet */
    uint64_t revocations_digest; /* see lib/base/revocations.h */
    uint64_t devices_digest;
    uint32_t validators_ms; /* for so long they may have a key */
};

/* A slot that a master gave, or took back. One of the two names may be empty. */
struct m4h_shared_reservation {
    char slave_id[M4H_ID_MAX + 1];           /* empty: the device has none any more */
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* empty: not known */
    uint32_t remaining_ms;                   /* 0: the room is not kept */
};

/* In one message. */
#define M4H_SHARED_RESERVATIONS_MAX 1000

/* ---- names ---------------------------------------------------------------- */

/* As REST, logs and metrics write them: "ready", "client_closed", "key_denied",
 * "connect", "no_capacity". Static; "unknown" for a value that has no name. */
const char *m4h_slave_state_name(enum m4h_slave_state state);
const char *m4h_disconnect_reason_name(enum m4h_disconnect_reason reason);
const char *m4h_refuse_reason_name(enum m4h_refuse_reason reason);
const char *m4h_event_type_name(enum m4h_event_type type);
const char *m4h_access_phase_name(enum m4h_access_phase phase);
const char *m4h_problem_code_name(enum m4h_problem_code code);

/* A tunnel id as text, and back; false where the text is not 16 lower-case hex
 * digits or is 0. Format returns `text`. */
const char *m4h_tunnel_id_format(uint64_t tunnel_id, char text[M4H_TUNNEL_ID_TEXT_MAX]);
bool m4h_tunnel_id_parse(const char *text, uint64_t *tunnel_id);

/* Its weight in percent, at least 1. */
uint32_t m4h_slave_info_weight(const struct m4h_slave_info *info);

/* Whether there is any limit at all. */
bool m4h_device_limits_are_any(const struct m4h_device_limits *limits);

/* The name that a revocation of this key may go by: the device's, or the operator's; "" for a
 * slave. Borrowed. */
const char *m4h_authorize_reply_name(const struct m4h_authorize_reply *reply);

/* Fills a problem; `detail` is made valid text that fits: m4h_ident_text_clean. */
void m4h_problem_set(struct m4h_problem *problem, enum m4h_problem_code code, const char *detail);

/* Copies a string into an array of `size` bytes. False: it did not fit, and
 * `out` is empty. */
bool m4h_text_copy(char *out, size_t size, const char *text);

#endif
