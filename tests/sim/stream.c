/* The stream: a set of numbers for each epoch of each slave. */
#include "tests/sim/stream.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stream_part *find(const struct stream *stream, unsigned slave, uint64_t epoch)
{
    struct stream_part *part = stream->parts;

    while (part != NULL && (part->slave != slave || part->epoch != epoch))
        part = part->next;
    return part;
}

static struct stream_part *find_or_make(struct stream *stream, unsigned slave, uint64_t epoch)
{
    struct stream_part *part = find(stream, slave, epoch);

    if (part != NULL)
        return part;
    part = calloc(1, sizeof(*part));
    if (part == NULL)
        abort();
    *part = (struct stream_part){.next = stream->parts, .slave = slave, .epoch = epoch};
    stream->parts = part;
    return part;
}

static void make_room(struct stream_part *part, uint64_t seq)
{
    size_t before = part->allocated;

    if (seq < before)
        return;
    part->allocated = (size_t)seq * 2 + 64;
    part->has = realloc(part->has, part->allocated);
    if (part->has == NULL)
        abort();
    memset(part->has + before, 0, part->allocated - before);
}

static void keep(struct sim *sim, const struct m4h_event *event)
{
    const struct sim_slave *slave = truth_slave(sim, event->slave_id);
    struct stream_part *part = find_or_make(&sim->stream, slave->node.index, event->epoch);

    make_room(part, event->seq);
    sim->coverage.stored_again += part->has[event->seq];
    part->count += !part->has[event->seq];
    part->has[event->seq] = 1;
}

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    const struct stream *stream = &sim->stream;
    struct m4h_event event;

    if (m4h_wire_event_decode(letter->data, letter->len, &event) != 0 ||
        event.seq != letter->request)
        sim_fail(sim, "%s gets an event that is not the number %llu", node->id,
                 (unsigned long long)letter->request);
    if (!stream->exists || stream->mood == STREAM_SILENT)
        return;
    if (stream->mood == STREAM_SAYS_NO) {
        network_acknowledge(sim, letter, M4H_EUNAVAILABLE);
    } else if (event.type == stream->refused) {
        if (!stream->refuses_silently)
            network_acknowledge(sim, letter, M4H_EINVALID);
    } else {
        keep(sim, &event);
        if (stream->mood != STREAM_MUTE)
            network_acknowledge(sim, letter, 0);
    }
}

static void linked(struct sim *sim, struct node *node, bool up)
{
    (void)sim;
    (void)node;
    (void)up;
}

static void resumed(struct sim *sim, struct node *node)
{
    (void)sim;
    (void)node;
}

static const struct node_role role = {receive, linked, resumed};

void stream_create(struct sim *sim)
{
    static const enum m4h_event_type refusable[] = {M4H_EVENT_CONNECT, M4H_EVENT_DISCONNECT,
                                                    M4H_EVENT_REFUSE};
    struct stream *stream = &sim->stream;

    stream->exists = !sim_chance(sim, 100);
    stream->refused = sim_chance(sim, 100) ? refusable[sim_pick(sim, M4H_COUNT(refusable))]
                                           : M4H_EVENT_TYPE_COUNT;
    stream->refuses_silently = sim_chance(sim, 500);
    snprintf(stream->node.id, sizeof(stream->node.id), "stream");
    sim_add_node(sim, &stream->node, NODE_STREAM, 0, &role);
}

void stream_free(struct stream *stream)
{
    while (stream->parts != NULL) {
        struct stream_part *part = stream->parts;

        stream->parts = part->next;
        free(part->has);
        free(part);
    }
}

static void recover(struct sim *sim, struct node *node, uint64_t moods, void *owned)
{
    (void)node;
    (void)owned;
    if (sim->stream.moods != moods)
        return;
    sim_say(sim, "the stream is as it should be");
    sim->stream.mood = STREAM_TAKES;
}

void stream_trouble(struct sim *sim)
{
    static const char *const names[] = {"", "silent", "saying no", "mute"};
    struct stream *stream = &sim->stream;

    stream->mood = (enum stream_mood)sim_between(sim, STREAM_SILENT, STREAM_MUTE);
    sim_say(sim, "the stream is %s", names[stream->mood]);
    sim_later(sim, sim_between(sim, 100, 15000), NULL, recover, ++stream->moods, NULL);
}

void stream_calm(struct sim *sim)
{
    recover(sim, NULL, sim->stream.moods, NULL);
}

uint64_t stream_count(const struct sim *sim, unsigned slave, uint64_t epoch)
{
    const struct stream_part *part = find(&sim->stream, slave, epoch);

    return part != NULL ? part->count : 0;
}
