/* The door of a worker. Guests stand in lists by what they do, the one heard
 * longest ago first: each is put at the end when it is heard, so the lists are in
 * order without being sorted, and who has stalled is at the head. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/door.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

/* Where connections come from that are not known yet. */
struct m4h_source {
    UT_hash_handle hh;
    struct m4h_ip prefix;
    uint32_t guests;
    uint32_t known; /* that left as known ones, while it had guests */
    uint32_t waiting_count;
    uint64_t calm_ms; /* when patience with it comes back */
    struct m4h_guest *waiting;
};

struct m4h_door {
    struct m4h_door_limits limits;
    struct m4h_source *sources; /* uthash, by prefix */
    struct m4h_guest *active;
    struct m4h_guest *hurried; /* active, too */
    struct m4h_guest *waiting;
    struct m4h_guest *trusted_waiting;
    uint32_t active_count;
    uint32_t waiting_count;
    uint32_t guest_count;
    uint64_t calm_ms;       /* when patience with all comes back */
    uint64_t full_until_ms; /* nobody stays too long until then */
};

int m4h_door_create(struct m4h_door **door, const struct m4h_door_limits *limits)
{
    *door = calloc(1, sizeof(**door));
    if (*door == NULL)
        return M4H_ENOMEM;
    (*door)->limits = *limits;
    return 0;
}

void m4h_door_destroy(struct m4h_door *door)
{
    free(door);
}

void m4h_door_set_limits(struct m4h_door *door, const struct m4h_door_limits *limits)
{
    door->limits = *limits;
}

/* ---- lists ------------------------------------------------------------------------ */

static void begin_to_wait(struct m4h_door *door, struct m4h_guest *guest)
{
    guest->state = M4H_GUEST_WAITING;
    door->waiting_count++;
    if (guest->is_trusted)
        DL_APPEND(door->trusted_waiting, guest);
    else
        DL_APPEND(door->waiting, guest);
    if (guest->source != NULL) {
        DL_APPEND2(guest->source->waiting, guest, source_prev, source_next);
        guest->source->waiting_count++;
    }
}

static void stop_waiting(struct m4h_door *door, struct m4h_guest *guest)
{
    door->waiting_count--;
    if (guest->is_trusted)
        DL_DELETE(door->trusted_waiting, guest);
    else
        DL_DELETE(door->waiting, guest);
    if (guest->source != NULL) {
        DL_DELETE2(guest->source->waiting, guest, source_prev, source_next);
        guest->source->waiting_count--;
    }
}

/* Those of a source that may wait. */
static uint32_t waiting_max(const struct m4h_door *door, const struct m4h_source *source)
{
    return door->limits.source_max + source->known;
}

/* There are as many now that wait as should be: it will take time to be over. */
static void note_crowd(struct m4h_door *door, struct m4h_source *source, uint64_t now_ms)
{
    if (door->waiting_count >= door->limits.guests_max / M4H_DOOR_WAITING_PART)
        door->calm_ms = now_ms + M4H_DOOR_CALM_MS;
    if (source != NULL && door->limits.source_max > 0 &&
        source->waiting_count >= waiting_max(door, source))
        source->calm_ms = now_ms + M4H_DOOR_CALM_MS;
}

static bool is_in_a_hurry(const struct m4h_door *door, const struct m4h_guest *guest,
                          uint64_t now_ms)
{
    if (guest->is_trusted)
        return false;
    return now_ms < door->calm_ms || (guest->source != NULL && now_ms < guest->source->calm_ms);
}

static void become_active(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms)
{
    guest->state = M4H_GUEST_ACTIVE;
    guest->heard_ms = now_ms;
    guest->is_hurried = is_in_a_hurry(door, guest, now_ms);
    if (guest->is_hurried)
        DL_APPEND(door->hurried, guest);
    else
        DL_APPEND(door->active, guest);
    door->active_count++;
}

static void stop_being_active(struct m4h_door *door, struct m4h_guest *guest)
{
    if (guest->is_hurried)
        DL_DELETE(door->hurried, guest);
    else
        DL_DELETE(door->active, guest);
    door->active_count--;
}

/* Takes it out of the list of its state, whichever that is. */
static void step_out(struct m4h_door *door, struct m4h_guest *guest)
{
    if (guest->state == M4H_GUEST_WAITING)
        stop_waiting(door, guest);
    else if (guest->state == M4H_GUEST_ACTIVE)
        stop_being_active(door, guest);
}

/* When the first of a list stalls; UINT64_MAX: the list is empty. */
static uint64_t stalls_ms(const struct m4h_guest *first, uint64_t patience_ms)
{
    return first != NULL ? first->heard_ms + patience_ms : UINT64_MAX;
}

static void give_up_on(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms)
{
    step_out(door, guest);
    begin_to_wait(door, guest);
    note_crowd(door, guest->source, now_ms);
}

/* Those that have said nothing for too long wait from now on. */
static void note_stalled(struct m4h_door *door, uint64_t now_ms)
{
    while (stalls_ms(door->active, M4H_DOOR_PATIENCE_MS) <= now_ms)
        give_up_on(door, door->active, now_ms);
    while (stalls_ms(door->hurried, M4H_DOOR_HURRY_MS) <= now_ms)
        give_up_on(door, door->hurried, now_ms);
}

/* At the bound, or so a moment ago: who gives way there makes it less for that moment. */
static bool is_full(struct m4h_door *door, uint64_t now_ms)
{
    if (door->active_count >= door->limits.active_max)
        door->full_until_ms = now_ms + M4H_DOOR_PATIENCE_MS;
    return now_ms < door->full_until_ms;
}

static bool has_overstayed(struct m4h_door *door, const struct m4h_guest *guest, uint64_t now_ms)
{
    uint64_t stay_ms =
        is_in_a_hurry(door, guest, now_ms) ? M4H_DOOR_HURRY_STAY_MS : M4H_DOOR_STAY_MS;

    return !guest->is_trusted && is_full(door, now_ms) && now_ms - guest->came_ms >= stay_ms;
}

/* ---- sources ---------------------------------------------------------------------- */

static struct m4h_source *need_source(struct m4h_door *door, const struct m4h_ip *ip)
{
    struct m4h_ip prefix = m4h_ip_prefix(ip, door->limits.prefix_v4, door->limits.prefix_v6);
    struct m4h_source *source;

    HASH_FIND(hh, door->sources, &prefix, sizeof(prefix), source);
    if (source != NULL)
        return source;
    source = calloc(1, sizeof(*source));
    if (source == NULL)
        return NULL;
    source->prefix = prefix;
    HASH_ADD(hh, door->sources, prefix, sizeof(prefix), source);
    if (source->hh.tbl == NULL) {
        free(source);
        return NULL;
    }
    return source;
}

static void leave_source(struct m4h_door *door, struct m4h_source *source)
{
    if (source == NULL || --source->guests > 0)
        return;
    HASH_DEL(door->sources, source);
    free(source);
}

/* ---- what befalls ------------------------------------------------------------------- */

bool m4h_door_is_open(struct m4h_door *door, uint64_t now_ms)
{
    note_stalled(door, now_ms);
    if (is_full(door, now_ms) && door->active_count >= door->limits.active_max)
        return false;
    return door->guest_count < door->limits.guests_max || m4h_door_longest_waiting(door) != NULL;
}

uint64_t m4h_door_next_ms(const struct m4h_door *door)
{
    uint64_t active_ms = stalls_ms(door->active, M4H_DOOR_PATIENCE_MS);
    uint64_t hurried_ms = stalls_ms(door->hurried, M4H_DOOR_HURRY_MS);

    return active_ms < hurried_ms ? active_ms : hurried_ms;
}

void m4h_door_enter(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms)
{
    note_stalled(door, now_ms); /* they were heard before it came */
    *guest = (struct m4h_guest){.came_ms = now_ms, .heard_ms = now_ms};
    door->guest_count++;
    begin_to_wait(door, guest);
}

void m4h_door_name(struct m4h_door *door, struct m4h_guest *guest, const struct m4h_ip *ip,
                   uint64_t now_ms)
{
    if (guest->state != M4H_GUEST_WAITING || guest->source != NULL)
        return;
    stop_waiting(door, guest);
    note_stalled(door, now_ms);
    guest->came_ms = now_ms;
    guest->is_trusted = m4h_networks_contain(door->limits.trusted, ip);
    if (!guest->is_trusted)
        guest->source = need_source(door, ip);
    if (guest->source != NULL)
        guest->source->guests++;
    become_active(door, guest, now_ms);
    if (guest->is_hurried)
        give_up_on(door, guest, now_ms); /* before it has begun */
}

static bool is_crowded(const struct m4h_door *door, const struct m4h_source *source)
{
    return source != NULL && door->limits.source_max > 0 &&
           source->waiting_count > waiting_max(door, source);
}

struct m4h_guest *m4h_door_excess(struct m4h_door *door, const struct m4h_guest *newcomer,
                                  uint64_t now_ms)
{
    note_stalled(door, now_ms);
    if (is_crowded(door, newcomer->source))
        return newcomer->source->waiting;
    return door->guest_count > door->limits.guests_max ? m4h_door_longest_waiting(door) : NULL;
}

struct m4h_guest *m4h_door_longest_waiting(const struct m4h_door *door)
{
    return door->waiting != NULL ? door->waiting : door->trusted_waiting;
}

void m4h_door_heard(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms)
{
    if (guest->state != M4H_GUEST_WAITING && guest->state != M4H_GUEST_ACTIVE)
        return;
    note_stalled(door, now_ms);
    if (has_overstayed(door, guest, now_ms)) {
        give_up_on(door, guest, now_ms);
        return;
    }
    step_out(door, guest);
    become_active(door, guest, now_ms);
}

void m4h_door_asks(struct m4h_door *door, struct m4h_guest *guest)
{
    if (guest->state == M4H_GUEST_OUTSIDE)
        return;
    step_out(door, guest);
    guest->state = M4H_GUEST_ASKING;
}

void m4h_door_answered(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms)
{
    if (guest->state != M4H_GUEST_ASKING)
        return;
    guest->came_ms = now_ms;
    become_active(door, guest, now_ms);
}

void m4h_door_known(struct m4h_door *door, struct m4h_guest *guest)
{
    if (guest->source != NULL)
        guest->source->known++;
    m4h_door_leave(door, guest);
}

void m4h_door_leave(struct m4h_door *door, struct m4h_guest *guest)
{
    if (guest->state == M4H_GUEST_OUTSIDE)
        return;
    step_out(door, guest);
    leave_source(door, guest->source);
    *guest = (struct m4h_guest){.state = M4H_GUEST_OUTSIDE};
    door->guest_count--;
}

uint32_t m4h_door_guest_count(const struct m4h_door *door)
{
    return door->guest_count;
}

uint32_t m4h_door_active_count(const struct m4h_door *door)
{
    return door->active_count;
}
