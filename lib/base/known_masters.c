/* Which master to ask. A handful, in an array. */
#include "lib/base/known_masters.h"

#include <stdio.h>
#include <string.h>

#define REST_FIRST_MS 1000u
#define REST_DOUBLED  5u /* up to 32 s */
/* What a near master may take, and in how many of its usual times a far one answers. */
#define PATIENCE_MS    200u
#define PATIENCE_TRIPS 4u
/* Who takes no longer than twice the time of the fastest, and this, is as fast. */
#define AS_FAST_MS 10u
/* How long it counts that the queue group took one. Gateways ask it every 2 s. */
#define NEAR_MS       20000u
#define GROUP_EACH    10u
#define GROUP_EACH_MS 10000u
#define EIGHTHS       8u
/* How long others are asked before one whose validators failed. */
#define UNABLE_MS 1000u
/* The most that validators can be set to take, whatever a hello says. */
#define VALIDATORS_MS_MAX 60000u

static struct m4h_known_master *find(struct m4h_known_masters *masters, const char *id)
{
    for (size_t i = 0; i < masters->count; i++)
        if (strcmp(masters->list[i].id, id) == 0)
            return &masters->list[i];
    return NULL;
}

static void forget(struct m4h_known_masters *masters, struct m4h_known_master *master)
{
    *master = masters->list[--masters->count];
}

static void forget_silent(struct m4h_known_masters *masters, uint64_t now_ms)
{
    for (size_t i = masters->count; i-- > 0;)
        if (now_ms - masters->list[i].seen_ms >= M4H_KNOWN_MASTERS_GONE_MS)
            forget(masters, &masters->list[i]);
}

/* A master that starts anew under the same id has nothing to answer for. */
static void begin(struct m4h_known_master *master, const struct m4h_master_hello *hello)
{
    *master = (struct m4h_known_master){.instance = hello->instance};
    memcpy(master->id, hello->master_id, sizeof(master->id));
}

void m4h_known_masters_heard(struct m4h_known_masters *masters,
                             const struct m4h_master_hello *hello, uint64_t now_ms)
{
    struct m4h_known_master *master;

    forget_silent(masters, now_ms);
    master = find(masters, hello->master_id);
    if (hello->stopping) {
        if (master != NULL && master->instance == hello->instance)
            forget(masters, master);
        return;
    }
    if (master == NULL && masters->count == M4H_COUNT(masters->list))
        return;
    if (master == NULL)
        begin(master = &masters->list[masters->count++], hello);
    else if (master->instance != hello->instance)
        begin(master, hello);
    master->seen_ms = now_ms;
    master->is_learning = hello->learning;
    master->validators_ms =
        hello->validators_ms < VALIDATORS_MS_MAX ? hello->validators_ms : VALIDATORS_MS_MAX;
}

void m4h_known_masters_forget(struct m4h_known_masters *masters)
{
    *masters = (struct m4h_known_masters){0};
}

/* ---- the choice -------------------------------------------------------------- */

static bool rests(const struct m4h_known_master *master, uint64_t now_ms)
{
    return master->failures > 0 &&
           (now_ms < master->rests_until_ms || master->seen_ms <= master->failed_ms);
}

static bool may_be_asked(const struct m4h_known_master *master, uint64_t now_ms)
{
    return !master->is_learning && !rests(master, now_ms) &&
           now_ms - master->seen_ms < M4H_KNOWN_MASTERS_GONE_MS;
}

static bool is_late(const struct m4h_known_master *master, uint64_t now_ms)
{
    return now_ms - master->seen_ms >= M4H_KNOWN_MASTERS_LATE_MS;
}

static bool is_able(const struct m4h_known_master *master, uint64_t now_ms)
{
    return now_ms >= master->unable_until_ms;
}

/* Those that may be asked; those that are late, or said that they cannot, only where all are. */
static size_t collect(struct m4h_known_masters *masters, uint64_t now_ms,
                      struct m4h_known_master *out[M4H_MASTERS_MAX])
{
    size_t count = 0, good = 0;

    for (size_t i = 0; i < masters->count; i++)
        if (may_be_asked(&masters->list[i], now_ms))
            out[count++] = &masters->list[i];
    for (size_t i = 0; i < count; i++)
        if (!is_late(out[i], now_ms) && is_able(out[i], now_ms))
            out[good++] = out[i];
    return good > 0 ? good : count;
}

/* Those that the queue group took lately, to the front. */
static size_t keep_taken(struct m4h_known_master *list[M4H_MASTERS_MAX], size_t count,
                         uint64_t now_ms)
{
    size_t near = 0;

    for (size_t i = 0; i < count; i++)
        if (now_ms < list[i]->near_until_ms)
            list[near++] = list[i];
    return near;
}

/* Those that are as fast as the fastest. One that has not answered yet may be. */
static size_t keep_fast(struct m4h_known_master *list[M4H_MASTERS_MAX], size_t count)
{
    uint32_t fastest = UINT32_MAX / 4;
    size_t near = 0;

    for (size_t i = 0; i < count; i++)
        if (list[i]->has_answered && list[i]->trip_eighths < fastest)
            fastest = list[i]->trip_eighths;
    for (size_t i = 0; i < count; i++)
        if (list[i]->trip_eighths <= 2 * fastest + AS_FAST_MS * EIGHTHS)
            list[near++] = list[i];
    return near;
}

static uint32_t patience_with(const struct m4h_known_master *master)
{
    uint32_t trips_ms = PATIENCE_TRIPS * master->trip_eighths / EIGHTHS;

    return trips_ms > PATIENCE_MS ? trips_ms : PATIENCE_MS;
}

const char *m4h_known_masters_choose(struct m4h_known_masters *masters, uint64_t now_ms,
                                     uint64_t random, uint32_t *patience_ms)
{
    struct m4h_known_master *list[M4H_MASTERS_MAX];
    size_t count = collect(masters, now_ms, list);
    struct m4h_known_master *chosen;
    size_t near;

    if (count == 0)
        return NULL;
    near = keep_taken(list, count, now_ms);
    if (near == 0)
        near = keep_fast(list, count);
    chosen = list[random % near];
    *patience_ms = count > 1 ? patience_with(chosen) : UINT32_MAX;
    return chosen->id;
}

void m4h_known_masters_near(struct m4h_known_masters *masters, const char *id, uint64_t now_ms)
{
    struct m4h_known_master *master = find(masters, id);

    if (master != NULL)
        master->near_until_ms = now_ms + NEAR_MS;
}

bool m4h_known_masters_ask_group(struct m4h_known_masters *masters, uint64_t now_ms)
{
    struct m4h_known_masters_numbers numbers;

    m4h_known_masters_count(masters, now_ms, &numbers);
    if (numbers.heard < 2 || numbers.resting > 0)
        return false;
    if (++masters->asked_since_group < GROUP_EACH && masters->group_asked_ms != 0 &&
        now_ms - masters->group_asked_ms < GROUP_EACH_MS)
        return false;
    masters->group_asked_ms = now_ms;
    masters->asked_since_group = 0;
    return true;
}

/* ---- what came of it ----------------------------------------------------------- */

void m4h_known_masters_answered(struct m4h_known_masters *masters, const char *id, uint64_t took_ms)
{
    struct m4h_known_master *master = find(masters, id);
    uint32_t took =
        (uint32_t)(took_ms < M4H_KNOWN_MASTERS_GONE_MS ? took_ms : M4H_KNOWN_MASTERS_GONE_MS);

    if (master == NULL)
        return;
    master->failures = 0;
    if (took_ms == UINT64_MAX)
        return;
    if (!master->has_answered)
        master->trip_eighths = took * EIGHTHS;
    else
        master->trip_eighths = master->trip_eighths - master->trip_eighths / EIGHTHS + took;
    master->has_answered = true;
}

/* Of the many questions that one which stands still has, the first to fail counts. */
bool m4h_known_masters_failed(struct m4h_known_masters *masters, const char *id, uint64_t took_ms,
                              uint64_t now_ms)
{
    struct m4h_known_master *master = find(masters, id);

    if (master == NULL || rests(master, now_ms) || took_ms < patience_with(master) / 2)
        return false;
    master->failed_ms = now_ms;
    master->rests_until_ms = now_ms + ((uint64_t)REST_FIRST_MS << master->failures);
    if (master->failures < REST_DOUBLED)
        master->failures++;
    return true;
}

uint32_t m4h_known_masters_validators_ms(const struct m4h_known_masters *masters, const char *id)
{
    uint32_t most_ms = 0;

    for (size_t i = 0; i < masters->count; i++) {
        const struct m4h_known_master *master = &masters->list[i];

        if ((id == NULL || strcmp(master->id, id) == 0) && master->validators_ms > most_ms)
            most_ms = master->validators_ms;
    }
    return most_ms;
}

void m4h_known_masters_unable(struct m4h_known_masters *masters, const char *id, uint64_t now_ms)
{
    struct m4h_known_master *master = find(masters, id);

    if (master == NULL)
        return;
    master->failures = 0;
    master->unable_until_ms = now_ms + UNABLE_MS;
}

bool m4h_known_masters_any_able(const struct m4h_known_masters *masters, uint64_t now_ms)
{
    for (size_t i = 0; i < masters->count; i++)
        if (may_be_asked(&masters->list[i], now_ms) && is_able(&masters->list[i], now_ms))
            return true;
    return false;
}

void m4h_known_masters_count(const struct m4h_known_masters *masters, uint64_t now_ms,
                             struct m4h_known_masters_numbers *numbers)
{
    *numbers = (struct m4h_known_masters_numbers){0};
    for (size_t i = 0; i < masters->count; i++) {
        const struct m4h_known_master *master = &masters->list[i];

        if (now_ms - master->seen_ms >= M4H_KNOWN_MASTERS_GONE_MS)
            continue;
        numbers->heard++;
        numbers->learning += master->is_learning;
        numbers->resting += !master->is_learning && rests(master, now_ms);
    }
}

bool m4h_known_masters_subject(char out[M4H_KNOWN_MASTERS_SUBJECT_MAX], const char *question,
                               const char *id)
{
    static const char prefix[] = "mas4h.v1.rpc.";

    if (strncmp(question, prefix, sizeof(prefix) - 1) != 0)
        return false;
    snprintf(out, M4H_KNOWN_MASTERS_SUBJECT_MAX, "mas4h.v1.master.%s.%s", id,
             question + sizeof(prefix) - 1);
    return true;
}
