/* Two devices with one key. The newest connection wins (see tunnels.c), unless
 * the key flaps: then the owner stays for a while, and the newcomer is refused,
 * if the owner lives. When it is about to flap, an owner of this slave is asked
 * for a sign of life, which takes a second; meanwhile the newcomer waits. So a
 * device that comes back to its own dead connection again and again is neither
 * refused nor reported. An owner of another slave lives as long as masters have it.
 *
 * newcomer -> may_claim: yes -> it claims
 *                        no  -> it is refused
 *                        ask -> sign (alive: as the key flaps; silent: it claims),
 *                               or the owner leaves: it claims
 *
 * A device that lost its key to one on another slave is asked likewise before it
 * is closed, since only this slave can tell masters whether it was alive. */
#include "services/slave/io/hub.h"

#include <string.h>

static struct m4h_flaps_limits limits_of(const struct m4h_slave *slave)
{
    return (struct m4h_flaps_limits){
        .evictions = (uint32_t)slave->config->flapping_evictions,
        .window_ms = (uint32_t)slave->config->flapping_window_ms,
        .hold_ms = (uint32_t)slave->config->flapping_hold_ms,
    };
}

static struct m4h_flaps_verdict judge(const struct m4h_slave *slave,
                                      const struct m4h_resident *newcomer)
{
    const struct m4h_flaps_limits limits = limits_of(slave);
    const struct m4h_flaps_seen seen = {newcomer->evictions, newcomer->evicted_ms};

    return m4h_flaps_judge(slave->flaps, &limits, newcomer->tunnel.client_key, &seen,
                           m4h_loop_now_ms(slave->loop));
}

static void tell(struct m4h_slave *slave, const struct m4h_resident *resident,
                 const struct m4h_resident *owner, uint32_t evictions)
{
    const struct m4h_flaps_limits limits = limits_of(slave);
    const struct m4h_tunnel *tunnel = &resident->tunnel;
    struct m4h_event event = {.type = M4H_EVENT_FLAPPING};
    struct m4h_flapping *flapping = &event.as.flapping;
    char client_key[2 * M4H_CLIENT_KEY_MAX];
    uint32_t suppressed;

    slave->counters.flaps++;
    m4h_flaps_reported(slave->flaps, &limits, tunnel->client_key, m4h_loop_now_ms(slave->loop));
    if (!m4h_log_limit_allows(&slave->flap_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        return;
    memcpy(flapping->client_key, tunnel->client_key, sizeof(flapping->client_key));
    flapping->evictions = evictions;
    flapping->window_ms = limits.window_ms;
    flapping->hold_ms = limits.hold_ms;
    memcpy(flapping->remote_address, tunnel->remote_address, sizeof(flapping->remote_address));
    if (owner != NULL)
        memcpy(flapping->owner_address, owner->tunnel.remote_address,
               sizeof(flapping->owner_address));
    m4h_log(
        M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
        "device=%s peer=%s owner=%s evictions=%u window_ms=%u hold_ms=%u suppressed=%u flapping: "
        "live devices with one key throw each other out",
        m4h_log_quote(client_key, sizeof(client_key), tunnel->client_key), tunnel->remote_address,
        owner != NULL ? flapping->owner_address : "elsewhere", evictions, limits.window_ms,
        limits.hold_ms, suppressed);
    m4h_publisher_send(slave, &event);
}

static void refuse(struct m4h_slave *slave, struct m4h_resident *newcomer)
{
    m4h_tunnels_refuse(slave, newcomer, M4H_REFUSE_FLAPPING,
                       "another live device has this key: only one can be connected");
}

/* The owner (NULL: on another slave) lives. Whether it makes room all the same. */
static bool makes_room(struct m4h_slave *slave, const struct m4h_resident *owner,
                       struct m4h_resident *newcomer)
{
    struct m4h_flaps_verdict verdict = judge(slave, newcomer);

    if (verdict.report)
        tell(slave, newcomer, owner, verdict.evictions);
    if (verdict.held)
        refuse(slave, newcomer);
    return !verdict.held;
}

/* The newcomer that waits for word of the owner, or NULL. */
static struct m4h_resident *take_rival(struct m4h_slave *slave, struct m4h_resident *owner)
{
    struct m4h_resident *rival = NULL;

    if (owner->rival != 0)
        rival = m4h_roster_find(slave->roster, owner->rival);
    owner->rival = 0;
    return rival != NULL && rival->state == M4H_RESIDENT_KNOWN ? rival : NULL;
}

/* Asks the owner for a sign of life on behalf of the newcomer. One that waits for
 * it already is the older one. */
static void ask(struct m4h_slave *slave, struct m4h_resident *owner, struct m4h_resident *newcomer)
{
    struct m4h_resident *older = take_rival(slave, owner);

    if (older != NULL && older != newcomer)
        m4h_tunnels_refuse(slave, older, M4H_REFUSE_REPLACED, "a newer connection of the device");
    owner->rival = newcomer->session_id;
    m4h_slave_order(slave,
                    &(struct m4h_order){.kind = M4H_ORDER_PROBE, .session_id = owner->session_id});
}

bool m4h_rivals_may_claim(struct m4h_slave *slave, struct m4h_resident *resident)
{
    struct m4h_resident *owner = m4h_roster_owner(slave->roster, resident->tunnel.client_key);

    if (owner == NULL)
        return resident->owner_stamp == 0 || makes_room(slave, NULL, resident);
    if (owner->state != M4H_RESIDENT_UP || !judge(slave, resident).close)
        return true;
    ask(slave, owner, resident);
    return false;
}

void m4h_rivals_part(struct m4h_slave *slave, struct m4h_resident *resident)
{
    if (resident->state != M4H_RESIDENT_UP) {
        m4h_tunnels_close(slave, resident, M4H_DISCONNECT_REPLACED);
        return;
    }
    resident->parting = true;
    m4h_slave_order(
        slave, &(struct m4h_order){.kind = M4H_ORDER_PROBE, .session_id = resident->session_id});
}

void m4h_rivals_sign(struct m4h_slave *slave, uint64_t session_id, bool alive)
{
    struct m4h_resident *owner = m4h_roster_find(slave->roster, session_id);
    struct m4h_resident *rival;

    if (owner == NULL || owner->state == M4H_RESIDENT_LEAVING)
        return; /* its end lets the rival go on */
    if (owner->parting) {
        m4h_tunnels_close(slave, owner, M4H_DISCONNECT_REPLACED);
        return;
    }
    rival = take_rival(slave, owner);
    if (rival != NULL && (!alive || makes_room(slave, owner, rival)))
        m4h_tunnels_claim(slave, rival);
}

void m4h_rivals_go_on(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_resident *rival = m4h_roster_find(slave->roster, session_id);

    if (m4h_roster_owner(slave->roster, rival->tunnel.client_key) == NULL ||
        m4h_rivals_may_claim(slave, rival))
        m4h_tunnels_claim(slave, rival);
}

uint64_t m4h_rivals_left(struct m4h_slave *slave, struct m4h_resident *resident)
{
    const struct m4h_flaps_limits limits = limits_of(slave);
    struct m4h_resident *rival = take_rival(slave, resident);

    /* A dead one has another reason: see m4h_device_close. */
    if (resident->was_up && resident->farewell.reason == M4H_DISCONNECT_REPLACED)
        m4h_flaps_evicted(slave->flaps, &limits, resident->tunnel.client_key,
                          m4h_loop_now_ms(slave->loop));
    return rival != NULL ? rival->session_id : 0;
}
