/* The simulation: its clock, its chance, its nodes, and its course. */
#include "tests/sim/sim.h"

#include "tests/sim/faults.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many steps without time passing are a loop without end. */
#define STEPS_AT_ONCE_MAX 100000u

/* ---- chance --------------------------------------------------------------- */

/* xorshift64*: the same from the same seed on every machine. */
static uint64_t next_random(struct sim *sim)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return sim->random * 2685821657736338717u;
}

unsigned sim_pick(struct sim *sim, unsigned below)
{
    return (unsigned)((next_random(sim) >> 33) % below);
}

unsigned sim_between(struct sim *sim, unsigned from, unsigned to)
{
    return from + sim_pick(sim, to - from + 1);
}

bool sim_chance(struct sim *sim, unsigned permille)
{
    return permille > 0 && sim_pick(sim, 1000) < permille;
}

uint64_t sim_random_id(struct sim *sim)
{
    uint64_t id = next_random(sim);

    return id != 0 ? id : 1;
}

/* ---- nodes and clocks ----------------------------------------------------- */

void sim_add_node(struct sim *sim, struct node *node, enum node_kind kind, unsigned index,
                  const struct node_role *role)
{
    node->kind = kind;
    node->number = sim->node_count;
    node->index = index;
    node->role = role;
    node->lives = true;
    node->monotonic_ms = sim_between(sim, 1, 1000000000);
    node->skew_ms = sim_chance(sim, 300) ? (int64_t)sim_pick(sim, 600000) - 300000
                                         : (int64_t)sim_pick(sim, 20) - 10;
    sim->nodes[sim->node_count++] = node;
}

uint64_t sim_now_ms(const struct sim *sim, const struct node *node)
{
    return sim->now_ms + node->monotonic_ms;
}

uint64_t sim_wall_ms(const struct sim *sim, const struct node *node)
{
    return (uint64_t)((int64_t)(SIM_WALL_MS + sim->now_ms) + node->skew_ms);
}

void sim_later(struct sim *sim, uint64_t delay_ms, struct node *node, agenda_run run,
               uint64_t argument, void *owned)
{
    agenda_put(&sim->agenda, sim->now_ms + delay_ms, node, run, argument, owned);
}

/* ---- lines ---------------------------------------------------------------- */

void sim_say(struct sim *sim, const char *format, ...)
{
    char *line = sim->lines[sim->line_count++ % SIM_LINES];
    int len =
        snprintf(line, SIM_LINE_MAX, "%8" PRIu64 " %8" PRIu64 " ms  ", sim->step, sim->now_ms);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + len, SIM_LINE_MAX - (size_t)len, format, arguments);
    va_end(arguments);
    if (sim->options.verbose)
        printf("%s\n", line);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    uint64_t first = sim->line_count > SIM_LINES ? sim->line_count - SIM_LINES : 0;
    va_list arguments;

    for (uint64_t i = first; !sim->options.verbose && i < sim->line_count; i++)
        printf("%s\n", sim->lines[i % SIM_LINES]);
    printf("seed %" PRIu64 " breaks a rule at step %" PRIu64 ", %" PRIu64 " ms: ",
           sim->options.seed, sim->step, sim->now_ms);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nthe same again, with every step: sim --seed %" PRIu64 " -v\n", sim->options.seed);
    fflush(stdout);
    exit(1);
}

/* ---- the course ----------------------------------------------------------- */

/* After the last fault. */
static unsigned heal_ms(const struct sim *sim)
{
    return sim->has_lied ? SIM_FORGIVEN_MS : SIM_HEAL_MS;
}

/* A step, so that it is looked at then. */
static void look(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)node;
    (void)argument;
    (void)owned;
    sim_say(sim, "all should agree");
}

static void become_calm(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)node;
    (void)argument;
    (void)owned;
    sim_say(sim, "the faults are over");
    sim->is_calm = true;
    crowd_calm(sim);
    faults_end(sim);
    sim_later(sim, heal_ms(sim), NULL, look, 0, NULL);
    sim_later(sim, heal_ms(sim) + SIM_UNDER_WAY_MS, NULL, look, 0, NULL);
}

static void create_all(struct sim *sim)
{
    sim->may_lie = sim_chance(sim, 300);
    sim->master_count = sim_between(sim, 1, SIM_MASTERS_MAX);
    sim->slave_count = sim_between(sim, 2, SIM_SLAVES_MAX);
    for (unsigned i = 0; i < sim->master_count; i++)
        sim_master_create(sim, i);
    stream_create(sim);
    if (sim_chance(sim, 30))
        sim->slaves[0].bulk = sim_between(sim, 300, 1500);
    for (unsigned i = 0; i < sim->slave_count; i++)
        sim_slave_create(sim, i);
    crowd_create(sim);
    sim->faults_until_ms = sim_between(sim, 10000, 75000);
    sim_later(sim, sim->faults_until_ms, NULL, become_calm, 0, NULL);
    faults_begin(sim);
}

static void free_all(struct sim *sim)
{
    agenda_free(&sim->agenda);
    network_free(&sim->network);
    for (unsigned i = 0; i < sim->master_count; i++) {
        truth_forget_master(sim, &sim->masters[i]);
        sim_master_free(&sim->masters[i]);
    }
    for (unsigned i = 0; i < sim->slave_count; i++)
        sim_slave_free(&sim->slaves[i]);
    crowd_free(&sim->crowd);
    stream_free(&sim->stream);
    truth_free(&sim->truth);
}

/* Whether slaves have given the stream what they can. Nobody looks before `agreed_by_ms`. */
static bool is_stored(struct sim *sim, uint64_t agreed_by_ms)
{
    const struct sim_slave *slave = truth_unsettled(sim);
    uint64_t stored_by_ms = sim->faults_until_ms + SIM_STORED_MS;

    if (stored_by_ms < agreed_by_ms)
        stored_by_ms = agreed_by_ms;
    if (slave != NULL && sim->now_ms > stored_by_ms + SIM_UNDER_WAY_MS)
        sim_fail(sim, "%u ms after the last fault: %s has events that are not in the stream",
                 SIM_STORED_MS, slave->node.id);
    return slave == NULL;
}

/* Whether there is nothing more to see. */
static bool is_over(struct sim *sim)
{
    uint64_t agreed_by_ms = sim->faults_until_ms + heal_ms(sim);
    const char *difference;

    if (!sim->is_calm || sim->now_ms < agreed_by_ms)
        return sim->options.steps_max != 0 && sim->step >= sim->options.steps_max;
    difference = sim->has_agreed ? NULL : truth_disagreement(sim);
    if (difference != NULL && sim->now_ms > agreed_by_ms + SIM_UNDER_WAY_MS)
        sim_fail(sim, "%u ms after the last fault: %s", heal_ms(sim), difference);
    sim->has_agreed |= difference == NULL;
    return sim->has_agreed && is_stored(sim, agreed_by_ms);
}

static void move_clock(struct sim *sim, uint64_t to_ms)
{
    sim->steps_now = to_ms == sim->now_ms ? sim->steps_now + 1 : 0;
    sim->now_ms = to_ms;
    if (sim->steps_now > STEPS_AT_ONCE_MAX)
        sim_fail(sim, "somebody has something to do again and again, and never gets on");
}

void sim_run(const struct sim_options *options, struct sim_coverage *coverage)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    if (sim == NULL)
        abort();
    sim->options = *options;
    sim->random = (options->seed + 1) * 0x9e3779b97f4a7c15u;
    sim->coverage = *coverage;
    create_all(sim);
    while (!is_over(sim)) {
        move_clock(sim, agenda_next_ms(&sim->agenda));
        sim->step++;
        agenda_run_next(&sim->agenda, sim);
        truth_check(sim);
    }
    sim->coverage.steps += sim->step;
    free_all(sim);
    *coverage = sim->coverage;
    free(sim);
}
