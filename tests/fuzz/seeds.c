/* Writes the first files of the corpora, from real encodings: `fuzz_seeds FOLDER`.
 * What the fuzzers found since stands beside them in tests/fuzz/corpus. */
#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/proxy_header.h"
#include "lib/wire/wire.h"
#include "services/slave/core/leases.h"
#include "tests/unit/wire_kinds_records.h"
#include "tests/unit/wire_models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;

static void make_folder(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

static void put(const char *target, const char *name, const void *data, size_t len)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, target);
    make_folder(path);
    snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void put_text(const char *target, const char *name, const char *text)
{
    put(target, name, text, strlen(text));
}

static void put_encoded(const char *target, const char *name, int error, struct m4h_buffer *bytes)
{
    if (error != 0)
        abort();
    put(target, name, bytes->data, bytes->len);
    m4h_buffer_free(bytes);
}

static void put_replies(void)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;
    int error;

    full_allow(&reply);
    error = m4h_wire_authorize_reply_encode(&reply, NULL, &bytes);
    put_encoded("authorize_reply", "allow", error, &bytes);
    full_allow_operator(&reply);
    error = m4h_wire_authorize_reply_encode(&reply, NULL, &bytes);
    put_encoded("authorize_reply", "operator", error, &bytes);
    full_allow_slave(&reply);
    error = m4h_wire_authorize_reply_encode(&reply, NULL, &bytes);
    put_encoded("authorize_reply", "slave", error, &bytes);
    full_deny(&reply);
    error = m4h_wire_authorize_reply_encode(&reply, NULL, &bytes);
    put_encoded("authorize_reply", "deny", error, &bytes);
    full_problem(&problem);
    error = m4h_wire_authorize_reply_encode(&reply, &problem, &bytes);
    put_encoded("authorize_reply", "problem", error, &bytes);
    error = m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, &bytes);
    put_encoded("snapshot_reply", "problem", error, &bytes);
}

static void put_snapshots(void)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_tunnel tunnels[3];
    struct m4h_snapshot_page page;
    int error;

    full_snapshot_page(&page);
    for (size_t i = 0; i < 3; i++)
        full_tunnel(&tunnels[i]);
    error = m4h_wire_snapshot_reply_encode(&page, tunnels, 3, NULL, &bytes);
    put_encoded("snapshot_reply", "full", error, &bytes);
    error = m4h_wire_snapshot_reply_encode(&page, NULL, 0, NULL, &bytes);
    put_encoded("snapshot_reply", "empty", error, &bytes);
}

static void put_commands(void)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_kick_request kick;
    struct m4h_drain_request drain;
    int error;

    full_kick_request(&kick);
    error = m4h_wire_kick_request_encode(&kick, &bytes);
    put_encoded("kick_request", "kick", error, &bytes);
    full_drain_request(&drain);
    error = m4h_wire_drain_request_encode(&drain, &bytes);
    put_encoded("kick_request", "drain", error, &bytes);
}

static void put_events(void)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_event event;
    char name[24];

    for (int type = M4H_EVENT_CONNECT; type < M4H_EVENT_TYPE_COUNT; type++) {
        int error;

        full_event(&event, (enum m4h_event_type)type);
        error = m4h_wire_event_encode(&event, &bytes);
        snprintf(name, sizeof(name), "type-%d", type);
        put_encoded("event", name, error, &bytes);
    }
}

/* The number of its kind in tests/fuzz/records.c, then the message. */
static void put_records(void)
{
    static const struct {
        const char *name;
        uint8_t kind;
        int (*make)(struct m4h_buffer *out);
    } seeds[] = {
        {"locate_request", 0, make_locate_request},
        {"locate_reply", 1, make_locate_reply},
        {"locate_problem", 1, make_locate_problem},
        {"revoke_request", 2, make_revoke_request},
        {"revoke_reply", 3, make_revoke_reply},
        {"revocations_request", 4, make_revocations_request},
        {"revocations_reply", 5, make_revocations_reply},
        {"devices_request", 6, make_devices_request},
        {"devices_reply", 7, make_devices_reply},
        {"devices_changed", 8, make_devices_changed},
        {"device_get", 9, make_device_get},
        {"device_remove", 10, make_device_remove},
        {"device_put", 11, make_device_put},
        {"device_put_line", 11, make_device_put_line},
        {"device_reply", 12, make_device_reply},
        {"audit_record", 13, make_audit_record},
    };

    for (size_t i = 0; i < M4H_COUNT(seeds); i++) {
        struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
        int error = m4h_buffer_add(&bytes, &seeds[i].kind, 1);

        if (error == 0)
            error = seeds[i].make(&bytes);
        put_encoded("records", seeds[i].name, error, &bytes);
    }
}

static void put_proxy_headers(void)
{
    static const uint8_t local[16] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
    uint8_t bytes[M4H_PROXY_HEADER_WRITTEN_MAX];
    struct m4h_ip ip;

    put_text("proxy_header", "v1-tcp4", "PROXY TCP4 192.0.2.1 192.0.2.2 40000 22\r\nSSH-2.0-x\r\n");
    put_text("proxy_header", "v1-tcp6", "PROXY TCP6 2001:db8::1 ::1 65535 1\r\n");
    put_text("proxy_header", "v1-unknown", "PROXY UNKNOWN ffff::1 x 1 2\r\n");
    put("proxy_header", "v2-local", local, sizeof(local));
    if (m4h_ip_parse("192.0.2.1", &ip) != 0)
        abort();
    put("proxy_header", "v2-tcp4", bytes, m4h_proxy_header_write(bytes, &ip, 40000, &ip, 22));
    if (m4h_ip_parse("2001:db8::1", &ip) != 0)
        abort();
    put("proxy_header", "v2-tcp6", bytes, m4h_proxy_header_write(bytes, &ip, 40000, &ip, 22));
}

static void put_texts(void)
{
    put_text("authorized_keys", "plain",
             "# devices\n\n"
             "ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIBEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy router-1\n"
             "ssh-ed25519 AAAA broken\r\n");
    put_text("authorized_keys", "options",
             "restrict,pty,command=\"a \\\"b\\\"\",client-key=\"device 7\",permitopen=\"*:80\" "
             "ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIBEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy x\n"
             "from=\"10.0.0.0/8\" ssh-rsa AAAAB3NzaC1yc2E= y");
    put_text(
        "authorized_keys", "limits",
        "permitlisten=\"20001\",permitlisten=\"localhost:*\",operators-from=\"10.0.0.0/8,::1\","
        "max-forwards=\"2\",max-channels=\"9\",idle-timeout=\"30s\",bandwidth=\"1m\" "
        "ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIBEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy z\n");
    put_text("authorized_keys", "operator",
             "operator=\"alice\",permitopen=\"berlin-*:22,8000-8010\",permitopen=\"lab:*\","
             "permit-labels=\"site=berlin\",from=\"10.0.0.0/8,!10.0.0.66,192.0.2.*\" "
             "ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIBEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy a@b\n"
             "port=\"20022\",region=\"eu\",labels=\"a=1,b=2\",expiry-time=\"20301231Z\" "
             "ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIBEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEz c\n");
    put_text("networks", "several", "10.0.0.0/8,192.0.2.1,::1,2001:db8::/32,0.0.0.0/0");
    put_text("networks", "wrong", "10.0.0.0/33, ,::/129,x");
    put_text("slot_request", "empty", "");
    put_text("slot_request", "region", "{\"region\": \"eu-1\", \"client_key\": \"router-1\"}");
    put_text("slot_request", "message",
             "{\"request_id\": \"1\", \"region\": \"eu\", \"more\": [1]}");
    put_text("slot_request", "escapes", "{\"request_id\": \"\\u00e9\\ud83d\\ude00\\\"\\n\"}");
    put_text("slot_request", "deep", "{\"a\": [[[[[[[[{\"b\": {}}]]]]]]]], \"request_id\": 7}");
}

static void put_leases(void)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(M4H_LEASES_TEXT_MAX);
    struct m4h_leases *leases;
    int error;

    if (m4h_leases_create(&leases, 20000, 20063) != 0)
        abort();
    m4h_leases_grant(leases, 20000, 1);
    m4h_leases_grant(leases, 20063, 1);
    m4h_leases_grant(leases, 20007, UINT64_MAX);
    m4h_leases_leave(leases, 20007, 5000);
    error = m4h_leases_write(leases, 10000, 1700000000000u, &text);
    put_encoded("leases", "three", error, &text);
    m4h_leases_destroy(leases);
}

/* Steps are pairs of bytes: what, and of whom (see slave_core.c). */
static void put_walks(void)
{
    /* connect, key, hub, worker, forward, hub, worker: up; then cancelled and gone */
    static const uint8_t up[] = {0, 0, 1, 0, 10, 0,  0, 9, 0, 2, 0, 10, 0, 0,
                                 9, 0, 0, 4, 0,  10, 0, 9, 0, 5, 0, 10, 0};
    /* a second one of the same key takes over */
    static const uint8_t replaced[] = {0, 0, 1,  0, 10, 0, 0,  9, 0, 2,  0, 10, 0, 0,  9,
                                       0, 0, 0,  1, 1,  1, 10, 0, 0, 9,  0, 2,  1, 10, 0,
                                       9, 0, 10, 0, 0,  9, 0,  0, 6, 90, 8, 1,  6, 30};
    /* the very port of another, and a kick while it waits */
    static const uint8_t exact[] = {0, 0, 1, 0, 10, 0, 0,  9,  0, 3, 12, 10, 0,  0,  9,
                                    0, 0, 0, 7, 1,  1, 10, 0,  0, 9, 0,  3,  13, 10, 0,
                                    0, 9, 0, 2, 1,  7, 1,  10, 0, 0, 9,  0,  9,  0};

    put("slave_core", "up", up, sizeof(up));
    put("slave_core", "replaced", replaced, sizeof(replaced));
    put("slave_core", "exact", exact, sizeof(exact));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    make_folder(folder);
    put_replies();
    put_snapshots();
    put_commands();
    put_events();
    put_records();
    put_proxy_headers();
    put_texts();
    put_leases();
    put_walks();
    return 0;
}
