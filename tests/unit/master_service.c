/* The whole master over a real nats-server: what slaves and gateways see of it.
 * The tests are one story, in order, since a master takes 3 s to be ready. */
#include "tests/unit/master_stage.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/stamp.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static int begin(void **state)
{
    *state = stage_create();
    return 0;
}

static int end(void **state)
{
    stage_destroy(*state);
    return 0;
}

/* ---- questions --------------------------------------------------------------- */

static struct m4h_cluster_status ask_cluster(struct stage *stage, struct m4h_problem *problem)
{
    struct m4h_cluster_status status;
    struct m4h_region_status *regions;
    size_t count;

    assert_int_equal(m4h_wire_cluster_request_encode("", &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.status.cluster");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(m4h_wire_cluster_reply_decode(stage->reply.data, stage->reply.len, &status,
                                                   &regions, &count, problem),
                     0);
    free(regions);
    return status;
}

/* Where the tunnel of a client key is; "" for nowhere. */
static const char *ask_tunnel(struct stage *stage, const char *client_key)
{
    static struct m4h_tunnel_status tunnel;
    struct m4h_problem problem;

    assert_int_equal(m4h_wire_tunnel_request_encode(client_key, "", &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.status.tunnel");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(
        m4h_wire_tunnel_reply_decode(stage->reply.data, stage->reply.len, &tunnel, &problem), 0);
    return problem.code == 0 ? tunnel.slave_id : "";
}

static struct m4h_authorize_reply ask_authorize_of(struct stage *stage, const char *key)
{
    struct m4h_authorize_request request = {
        .slave_id = "s1", .region = "eu", .username = "root", .remote_address = "192.0.2.1:5000"};
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    snprintf(request.key_fingerprint, sizeof(request.key_fingerprint), "SHA256:%043d", 7);
    assert_int_equal(m4h_base64_decode(key, strlen(key), request.public_key,
                                       sizeof(request.public_key), &request.public_key_len),
                     0);
    assert_int_equal(m4h_wire_authorize_request_encode(&request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.authorize");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(
        m4h_wire_authorize_reply_decode(stage->reply.data, stage->reply.len, &reply, &problem), 0);
    assert_int_equal(problem.code, 0);
    return reply;
}

static struct m4h_authorize_reply ask_authorize(struct stage *stage)
{
    return ask_authorize_of(stage, KEY);
}

static struct m4h_problem ask_dispatch_for(struct stage *stage, const char *region,
                                           const char *client_key, struct m4h_slot *slot)
{
    struct m4h_dispatch_request request = {.request_id = "r1"};
    struct m4h_problem problem;

    m4h_text_copy(request.region, sizeof(request.region), region);
    m4h_text_copy(request.client_key, sizeof(request.client_key), client_key);
    assert_int_equal(m4h_wire_dispatch_request_encode(&request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.dispatch");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(
        m4h_wire_dispatch_reply_decode(stage->reply.data, stage->reply.len, slot, &problem), 0);
    return problem;
}

static struct m4h_problem ask_dispatch(struct stage *stage, const char *region,
                                       struct m4h_slot *slot)
{
    return ask_dispatch_for(stage, region, "", slot);
}

/* Asks again and again, for as long as anything is waited for here. */
#define ask_until(stage, condition)                                                                \
    do {                                                                                           \
        uint64_t limit_ms = m4h_loop_now_ms((stage)->loop) + STAGE_WAIT_MS;                        \
        while (!(condition))                                                                       \
            if (m4h_loop_now_ms((stage)->loop) > limit_ms)                                         \
                fail_msg("not in %d ms: %s", STAGE_WAIT_MS, #condition);                           \
    } while (0)

static bool cluster_answers(struct stage *stage)
{
    assert_int_equal(m4h_wire_cluster_request_encode("", &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.status.cluster");
    return stage->reply_error == 0;
}

/* ---- the story ---------------------------------------------------------------- */

/* Slaves that run since long: 25 tunnels and 1. */
static void a_master_that_is_not_ready_says_so(void **state)
{
    struct stage *stage = *state;
    struct m4h_problem problem;
    struct m4h_slot slot;
    char key[16];

    fake_start(&stage->slaves[0]);
    fake_start(&stage->slaves[1]);
    for (unsigned i = 0; i < 25; i++) {
        snprintf(key, sizeof(key), "dev-%02u", i);
        fake_connect(&stage->slaves[0], key, i + 1, i + 1);
    }
    fake_connect(&stage->slaves[1], "far", 1000, 1000);
    stage_start_master(stage);
    ask_until(stage, cluster_answers(stage));
    ask_cluster(stage, &problem);
    assert_int_equal(problem.code, M4H_PROBLEM_UNAVAILABLE);
    assert_true(problem.retry_after_ms > 0);
    assert_int_equal(ask_dispatch(stage, "eu", &slot).code, M4H_PROBLEM_UNAVAILABLE);
    assert_int_not_equal(access(stage->ready_path, F_OK), 0);
    assert_true(stage->hello.learning);
}

static void a_ready_master_knows_what_the_slaves_have(void **state)
{
    struct stage *stage = *state;
    struct m4h_cluster_status status;
    struct m4h_problem problem;

    stage_wait(stage, stage_master_is_ready);
    status = ask_cluster(stage, &problem);
    assert_int_equal(problem.code, 0);
    assert_int_equal(status.tunnels, 26);
    assert_int_equal(status.slaves_ready, 2);
    assert_true(status.synced);
    assert_string_equal(status.master_id, "master-1");
    assert_int_equal(stage->snapshots, 4);
    assert_string_equal(ask_tunnel(stage, "dev-24"), "s1");
    assert_string_equal(ask_tunnel(stage, "nobody"), "");
    assert_false(stage->hello.learning);
}

static void one_master_is_asked_by_its_id(void **state)
{
    struct stage *stage = *state;
    struct m4h_cluster_status status;
    struct m4h_region_status *regions;
    struct m4h_problem problem;
    char subject[128];
    size_t count;

    snprintf(subject, sizeof(subject), "mas4h.v1.master.%s.status.cluster", stage->config.id);
    assert_int_equal(m4h_wire_cluster_request_encode("", &stage->out), 0);
    stage_ask(stage, subject);
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(m4h_wire_cluster_reply_decode(stage->reply.data, stage->reply.len, &status,
                                                   &regions, &count, &problem),
                     0);
    free(regions);
    assert_string_equal(status.master_id, stage->config.id);
}

static void the_ready_file_names_the_http_port(void **state)
{
    struct stage *stage = *state;
    char text[200] = "", expected[200];
    FILE *file = fopen(stage->ready_path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    snprintf(expected, sizeof(expected), "pid=%ld\nhttp=127.0.0.1:%u\n", (long)getpid(),
             m4h_master_http_port(stage->master));
    assert_string_equal(text, expected);
}

static void tunnels_come_in_pages(void **state)
{
    struct stage *stage = *state;
    struct m4h_page_request request = {.region = "eu", .page_size = 10};
    struct m4h_tunnel_status *tunnels;
    struct m4h_problem problem;
    size_t count, all = 0;

    do {
        assert_int_equal(m4h_wire_tunnels_request_encode(&request, &stage->out), 0);
        stage_ask(stage, "mas4h.v1.rpc.status.tunnels");
        assert_int_equal(m4h_wire_tunnels_reply_decode(stage->reply.data, stage->reply.len,
                                                       &tunnels, &count, request.page_token,
                                                       &problem),
                         0);
        assert_int_equal(problem.code, 0);
        all += count;
        free(tunnels);
    } while (request.page_token[0] != '\0');
    assert_int_equal(all, 25);
}

static void a_slave_is_known_by_its_host_key(void **state)
{
    struct stage *stage = *state;
    struct m4h_authorize_reply reply = ask_authorize_of(stage, "AAAAs1QQ");

    assert_true(reply.allowed);
    assert_string_equal(reply.slave_id, "s1");
    assert_string_equal(reply.client_key, "");
    assert_string_equal(reply.operator_.name, "");
    assert_true(reply.valid_for_ms <= 10000);
    assert_string_equal(ask_authorize_of(stage, "AAAAs9QQ").slave_id, "");
}

static void a_device_is_located(void **state)
{
    struct stage *stage = *state;
    struct m4h_locate_request request = {.slave_id = "s2", .client_key = "nobody"};
    struct m4h_located located;
    struct m4h_problem problem;
    char master_id[M4H_ID_MAX + 1];

    assert_int_equal(m4h_wire_locate_request_encode(&request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.locate");
    assert_int_equal(m4h_wire_locate_reply_decode(stage->reply.data, stage->reply.len, &located,
                                                  master_id, &problem),
                     0);
    assert_int_equal(problem.code, M4H_PROBLEM_NOT_FOUND);
    assert_string_equal(master_id, stage->config.id);
}

static void slaves_are_listed(void **state)
{
    struct stage *stage = *state;
    struct m4h_page_request request = {.page_size = 10};
    struct m4h_slave_status *slaves;
    struct m4h_problem problem;
    size_t count;

    assert_int_equal(m4h_wire_slaves_request_encode(&request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.status.slaves");
    assert_int_equal(m4h_wire_slaves_reply_decode(stage->reply.data, stage->reply.len, &slaves,
                                                  &count, request.page_token, &problem),
                     0);
    assert_int_equal(count, 2);
    assert_string_equal(slaves[0].slave_id, "s1");
    assert_int_equal(slaves[0].tunnels, 25);
    free(slaves);
}

static void a_slot_is_given(void **state)
{
    struct stage *stage = *state;
    struct m4h_slot slot;

    assert_int_equal(ask_dispatch(stage, "us", &slot).code, 0);
    assert_string_equal(slot.slave_id, "s2");
    assert_string_equal(slot.host, "s2.example");
    assert_int_equal(ask_dispatch(stage, "mars", &slot).code, M4H_PROBLEM_NO_CAPACITY);
}

static bool has_shared_two(struct stage *stage)
{
    return stage->shared_count >= 2;
}

static void what_is_given_and_taken_back_is_told_to_other_masters(void **state)
{
    struct m4h_master_hello other = {.master_id = "master-2", .version = "5", .instance = 5};
    struct stage *stage = *state;
    struct m4h_slot slot;

    assert_int_equal(m4h_wire_hello_encode(&other, &stage->out), 0);
    assert_int_equal(m4h_bus_publish(stage->bus, "mas4h.v1.master.hello", M4H_BUS_FRESH, NULL,
                                     stage->out.data, stage->out.len),
                     0);
    m4h_buffer_clear(&stage->out);
    assert_int_equal(stage->shared_count, 0);
    assert_int_equal(ask_dispatch_for(stage, "mars", "roamer", &slot).code,
                     M4H_PROBLEM_NO_CAPACITY);
    assert_int_equal(ask_dispatch_for(stage, "us", "roamer", &slot).code, 0);
    assert_int_equal(ask_dispatch_for(stage, "mars", "roamer", &slot).code,
                     M4H_PROBLEM_NO_CAPACITY);
    stage_wait(stage, has_shared_two);
    assert_string_equal(stage->shared.slave_id, "");
    assert_string_equal(stage->shared.client_key, "roamer");
    assert_int_equal(stage->shared.remaining_ms, 0);
    assert_int_equal(ask_dispatch_for(stage, "mars", "roamer", &slot).code,
                     M4H_PROBLEM_NO_CAPACITY);
    assert_int_equal(stage->shared_count, 2);
}

static void a_key_is_allowed_as_soon_as_its_file_has_it(void **state)
{
    struct stage *stage = *state;
    struct m4h_authorize_reply reply = ask_authorize(stage);

    assert_false(reply.allowed);
    assert_string_equal(reply.detail, "the key is not in authorized_keys");
    stage_write_keys(stage, "ssh-ed25519 " KEY " far\n");
    ask_until(stage, (reply = ask_authorize(stage)).allowed);
    assert_string_equal(reply.client_key, "far");
    assert_string_equal(reply.master_id, "master-1");
    assert_int_equal(reply.owner_stamp, 1000);
    assert_int_equal(reply.valid_for_ms, 60000);
    assert_int_equal(reply.last_port, 11000);
    assert_false(m4h_device_limits_are_any(&reply.limits));
    stage_write_keys(stage,
                     "permitlisten=\"8080\",operators-from=\"10.0.0.0/8\" ssh-ed25519 " KEY "\n");
    m4h_master_reload(stage->master);
    ask_until(stage, (reply = ask_authorize(stage)).limits.port_range_count == 1);
    assert_int_equal(reply.limits.ports[0].first, 8080);
    assert_string_equal(reply.limits.operator_networks[0], "10.0.0.0/8");
    stage_write_keys(stage, "ssh-ed25519 " KEY "\n");
    m4h_master_reload(stage->master);
    ask_until(stage, (reply = ask_authorize(stage)).limits.port_range_count == 0);
    assert_int_equal(strncmp(reply.client_key, "SHA256:", 7), 0);
}

static void a_key_file_that_goes_away_leaves_the_keys_that_were_there(void **state)
{
    struct stage *stage = *state;

    unlink(stage->keys_path);
    m4h_master_reload(stage->master);
    assert_true(ask_authorize(stage).allowed);
}

static struct m4h_revoke ask_revoke(struct stage *stage, const struct m4h_revoke_request *request)
{
    struct m4h_revoke revoked;
    struct m4h_problem problem;

    assert_int_equal(m4h_wire_revoke_request_encode(request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.rpc.revoke");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(
        m4h_wire_revoke_reply_decode(stage->reply.data, stage->reply.len, &revoked, &problem), 0);
    assert_int_equal(problem.code, 0);
    return revoked;
}

/* How many there are, and the digest of all. */
static size_t ask_revocations(struct stage *stage, uint64_t *digest)
{
    const struct m4h_revocations_request request = {.page_size = 10};
    char token[M4H_REVOCATION_NAME_MAX + 1];
    struct m4h_revoke *page;
    struct m4h_problem problem;
    size_t count;

    assert_int_equal(m4h_wire_revocations_request_encode(&request, &stage->out), 0);
    stage_ask(stage, "mas4h.v1.master.master-1.revocations");
    assert_int_equal(stage->reply_error, 0);
    assert_int_equal(m4h_wire_revocations_reply_decode(stage->reply.data, stage->reply.len, &page,
                                                       &count, token, digest, &problem),
                     0);
    assert_int_equal(problem.code, 0);
    free(page);
    return count;
}

static void a_key_that_is_another_devices_now_is_void(void **state)
{
    struct stage *stage = *state;
    uint64_t before, digest;

    assert_int_equal(ask_revocations(stage, &before), 1); /* it was "far" at first */
    stage_write_keys(stage, "client-key=\"near\" ssh-ed25519 " KEY "\n");
    m4h_master_reload(stage->master);
    ask_until(stage, strcmp(ask_authorize(stage).client_key, "near") == 0);
    assert_int_equal(ask_revocations(stage, &digest), 1);
    assert_true(digest != before);
    m4h_master_reload(stage->master); /* nothing has changed */
    ask_until(stage, strcmp(ask_authorize(stage).client_key, "near") == 0);
    ask_revocations(stage, &before);
    assert_true(digest == before);
}

static bool has_said_its_digest(struct stage *stage)
{
    return stage->hello.revocations_digest != 0;
}

static void what_is_banned_is_refused_whatever_its_file_says_until_that_is_lifted(void **state)
{
    struct stage *stage = *state;
    struct m4h_authorize_reply reply = ask_authorize(stage);
    struct m4h_revoke_request request = {.banned = true, .actor = "ann", .reason = "stolen"};
    struct m4h_revoke ban;
    uint64_t digest;

    assert_true(reply.allowed);
    m4h_text_copy(request.client_key, sizeof(request.client_key), reply.client_key);
    ban = ask_revoke(stage, &request); /* the device */
    reply = ask_authorize(stage);
    assert_false(reply.allowed);
    assert_string_equal(reply.detail, "banned: stolen");
    request.banned = false;
    assert_true(ask_revoke(stage, &request).stamp > ban.stamp);
    assert_true(ask_authorize(stage).allowed);

    request = (struct m4h_revoke_request){.banned = true};
    snprintf(request.key_fingerprint, sizeof(request.key_fingerprint), "SHA256:%043d", 7);
    ask_revoke(stage, &request); /* the key */
    assert_string_equal(ask_authorize(stage).detail, "banned");
    request.banned = false;
    ask_revoke(stage, &request);
    assert_true(ask_authorize(stage).allowed);
    assert_int_equal(ask_revocations(stage, &digest), 3);
    stage_wait(stage, has_said_its_digest);
}

/* A revocation as another master tells it. */
static void tell_revoke(struct stage *stage, const struct m4h_revoke *revoke)
{
    assert_int_equal(m4h_wire_revoke_encode(revoke, &stage->out), 0);
    assert_int_equal(m4h_bus_publish(stage->bus, "mas4h.v1.control.revoke", M4H_BUS_FRESH, NULL,
                                     stage->out.data, stage->out.len),
                     0);
    m4h_buffer_clear(&stage->out);
}

static void another_masters_ban_holds_here_but_not_one_of_a_far_future(void **state)
{
    struct stage *stage = *state;
    struct m4h_revoke ban = {.banned = true, .client_key = "elsewhere"};
    uint64_t digest, wall_ms = m4h_walltime_now_ms();

    ban.stamp = (wall_ms + 2 * M4H_STAMP_LEAD_MAX_MS) << 16;
    tell_revoke(stage, &ban);
    ban.stamp = 0; /* of an earlier version: it is for slaves alone */
    tell_revoke(stage, &ban);
    assert_int_equal(ask_revocations(stage, &digest), 3);
    ban.stamp = wall_ms << 16;
    tell_revoke(stage, &ban);
    ask_until(stage, ask_revocations(stage, &digest) == 4);
}

static bool has_kicked(struct stage *stage)
{
    return stage->kicks > 0;
}

static void the_older_connection_of_a_device_is_kicked(void **state)
{
    struct stage *stage = *state;

    stage_publish(stage, fake_connect(&stage->slaves[0], "far", 2000, 2000));
    stage_wait(stage, has_kicked);
    assert_string_equal(stage->kicked.client_key, "far");
    assert_int_equal(stage->kicked.tunnel_id, 1000);
    assert_int_equal(stage->kicked.reason, M4H_DISCONNECT_REPLACED);
    assert_string_equal(stage->kicked.actor, "master-1");
    assert_string_equal(ask_tunnel(stage, "far"), "s1");
    stage_publish(stage, fake_disconnect(&stage->slaves[1], "far", 1000));
    assert_string_equal(ask_tunnel(stage, "far"), "s1");
}

static void an_event_under_the_subject_of_another_slave_is_ignored(void **state)
{
    struct stage *stage = *state;
    struct m4h_event event = fake_connect(&stage->slaves[0], "forged", 3000, 3000);

    snprintf(event.event_id, sizeof(event.event_id), "x");
    event.wall_ms = 1790000000000;
    stage_publish_as(stage, "mas4h.v1.events.us.s2.connect", &event);
    assert_string_equal(ask_tunnel(stage, "forged"), "");
    /* And s1 has one event more than was heard: a snapshot heals that. */
    ask_until(stage, strcmp(ask_tunnel(stage, "forged"), "s1") == 0);
}

static bool is_cut_off(struct stage *stage)
{
    return !stage->is_connected && !m4h_master_is_ready(stage->master);
}

static bool is_back(struct stage *stage)
{
    return stage->is_connected && m4h_master_is_ready(stage->master);
}

static void an_outage_of_the_bus_loses_nothing(void **state)
{
    struct stage *stage = *state;

    m4h_nats_server_kill(stage->nats);
    stage_wait(stage, is_cut_off);
    fake_connect(&stage->slaves[1], "meanwhile", 4000, 4000);
    assert_true(m4h_nats_server_restart(stage->nats));
    stage_wait(stage, is_back);
    assert_string_equal(ask_tunnel(stage, "dev-07"), "s1");
    ask_until(stage, strcmp(ask_tunnel(stage, "meanwhile"), "s2") == 0);
    assert_string_equal(ask_tunnel(stage, "dev-07"), "s1");
}

static void on_left(void *context)
{
    bool *has_left = context;

    *has_left = true;
}

static bool is_stopping(struct stage *stage)
{
    return stage->hello.stopping;
}

static void a_master_that_leaves_says_so_answers_on_and_then_leaves_the_group(void **state)
{
    struct stage *stage = *state;
    struct m4h_problem problem;
    bool has_left = false;

    m4h_master_leave(stage->master, on_left, &has_left);
    stage_wait(stage, is_stopping);
    ask_cluster(stage, &problem);
    assert_int_equal(problem.code, 0);
    assert_false(has_left);
    ask_until(stage, !cluster_answers(stage));
    assert_int_equal(stage->reply_error, M4H_EUNAVAILABLE);
    ask_until(stage, has_left || cluster_answers(stage));
    assert_true(has_left);
}

static void a_master_that_ends_takes_its_ready_file_with_it(void **state)
{
    struct stage *stage = *state;

    stage_stop_master(stage);
    assert_int_not_equal(access(stage->ready_path, F_OK), 0);
}

static void a_new_master_learns_it_all_again(void **state)
{
    struct stage *stage = *state;
    struct m4h_problem problem;

    stage_write_keys(stage, "");
    stage_start_master(stage);
    stage_wait(stage, stage_master_is_ready);
    assert_int_equal(ask_cluster(stage, &problem).tunnels, 28);
}

/* What a slave of full size says when all its devices come back at once. */
static void nine_thousand_tunnels_at_once_leave_no_gap(void **state)
{
    struct stage *stage = *state;
    unsigned pages = stage->snapshots;
    struct m4h_problem problem;
    char key[16];

    for (unsigned i = 0; i < 9500; i++) {
        snprintf(key, sizeof(key), "back-%u", i);
        stage_publish(stage, fake_connect(&stage->slaves[0], key, 10000 + i, 10000 + i));
    }
    ask_until(stage, cluster_answers(stage)); /* it works through them first, however slowly */
    ask_until(stage, ask_cluster(stage, &problem).tunnels == 28 + 9500);
    stage_publish(stage, fake_load(&stage->slaves[0]));
    assert_true(ask_cluster(stage, &problem).synced);
    assert_int_equal(stage->snapshots, pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_that_is_not_ready_says_so),
        cmocka_unit_test(a_ready_master_knows_what_the_slaves_have),
        cmocka_unit_test(one_master_is_asked_by_its_id),
        cmocka_unit_test(the_ready_file_names_the_http_port),
        cmocka_unit_test(tunnels_come_in_pages),
        cmocka_unit_test(slaves_are_listed),
        cmocka_unit_test(a_device_is_located),
        cmocka_unit_test(a_slave_is_known_by_its_host_key),
        cmocka_unit_test(a_slot_is_given),
        cmocka_unit_test(what_is_given_and_taken_back_is_told_to_other_masters),
        cmocka_unit_test(a_key_is_allowed_as_soon_as_its_file_has_it),
        cmocka_unit_test(a_key_that_is_another_devices_now_is_void),
        cmocka_unit_test(a_key_file_that_goes_away_leaves_the_keys_that_were_there),
        cmocka_unit_test(what_is_banned_is_refused_whatever_its_file_says_until_that_is_lifted),
        cmocka_unit_test(another_masters_ban_holds_here_but_not_one_of_a_far_future),
        cmocka_unit_test(the_older_connection_of_a_device_is_kicked),
        cmocka_unit_test(an_event_under_the_subject_of_another_slave_is_ignored),
        cmocka_unit_test(an_outage_of_the_bus_loses_nothing),
        cmocka_unit_test(a_master_that_leaves_says_so_answers_on_and_then_leaves_the_group),
        cmocka_unit_test(a_master_that_ends_takes_its_ready_file_with_it),
        cmocka_unit_test(a_new_master_learns_it_all_again),
        cmocka_unit_test(nine_thousand_tunnels_at_once_leave_no_gap),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
