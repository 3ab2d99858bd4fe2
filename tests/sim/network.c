/* Letters on their way: each is an item of the agenda. */
#include "tests/sim/network.h"

#include "lib/base/error.h"
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

/* A link that is silent is found lost after so long: lib/bus/link.h. */
#define NOTICED_AFTER_MS 15000u
#define RECONNECT_MIN_MS 60u
#define RECONNECT_MAX_MS 1500u
#define REORDERED_MAX_MS 800u
#define LATENCY_MAX_MS   3u

struct question {
    struct question *next;
    uint64_t request;
    struct node *node;
    network_on_reply on_reply;
    void *context; /* owned */
};

/* ---- links ---------------------------------------------------------------- */

bool network_reaches(const struct sim *sim, const struct node *from, const struct node *to)
{
    const struct network_faults *faults = &sim->network.faults;

    return !faults->out && from->link == LINK_UP && to->link == LINK_UP && from->lives &&
           to->lives && !faults->cut[from->number][to->number];
}

bool network_is_up(const struct sim *sim, const struct node *node)
{
    (void)sim;
    return node->link != LINK_DOWN;
}

static void notice(struct sim *sim, struct node *node, uint64_t cut_ms, void *owned)
{
    (void)owned;
    if (node->link != LINK_BLACK || node->cut_until_ms != cut_ms)
        return;
    node->link = LINK_DOWN;
    sim_say(sim, "%s notices that its link is lost", node->id);
    node->role->linked(sim, node, false);
}

void network_cut(struct sim *sim, struct node *node, enum node_link link)
{
    if (node->link != LINK_UP)
        return;
    node->link = link;
    node->cut_until_ms = sim->now_ms; /* names this cut */
    if (link == LINK_BLACK)
        sim_later(sim, NOTICED_AFTER_MS, node, notice, sim->now_ms, NULL);
    else
        node->role->linked(sim, node, false);
}

static void relink(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    if (node->link != LINK_DOWN || sim->network.faults.out)
        return;
    node->link = LINK_UP;
    sim_say(sim, "%s is connected again", node->id);
    node->role->linked(sim, node, true);
}

void network_heal(struct sim *sim, struct node *node)
{
    if (node->link == LINK_BLACK)
        node->link = LINK_UP;
    else if (node->link == LINK_DOWN)
        sim_later(sim, sim_between(sim, RECONNECT_MIN_MS, RECONNECT_MAX_MS), node, relink, 0, NULL);
}

/* ---- letters -------------------------------------------------------------- */

static void arrive(struct sim *sim, struct node *node, uint64_t argument, void *owned);

static uint64_t arrival_ms(struct sim *sim, const struct letter *letter)
{
    const struct network_faults *faults = &sim->network.faults;
    uint64_t *last = &sim->network.last_arrival_ms[letter->from->number][letter->to->number];
    uint64_t at_ms = sim->now_ms + sim_pick(sim, LATENCY_MAX_MS + 1);

    if (faults->delay_max_ms > 0)
        at_ms += sim_pick(sim, faults->delay_max_ms);
    if (sim_chance(sim, faults->reorder))
        return at_ms + sim_pick(sim, REORDERED_MAX_MS);
    if (at_ms < *last)
        at_ms = *last;
    *last = at_ms;
    return at_ms;
}

static struct letter *copy_of(const struct letter *letter)
{
    struct letter *copy = malloc(sizeof(*copy) + letter->len);

    if (copy == NULL)
        abort();
    memcpy(copy, letter, sizeof(*copy) + letter->len);
    return copy;
}

/* Sends a letter on its way, once, twice or not. Owns it. */
static void post(struct sim *sim, struct letter *letter)
{
    const struct network_faults *faults = &sim->network.faults;
    unsigned loss = letter->is_reply ? faults->loss_of_replies : faults->loss[letter->topic];

    if (!network_reaches(sim, letter->from, letter->to) || sim_chance(sim, loss)) {
        free(letter);
        return;
    }
    if (sim_chance(sim, faults->duplicate)) {
        struct letter *copy = copy_of(letter);

        agenda_put(&sim->agenda, arrival_ms(sim, copy) + sim_pick(sim, REORDERED_MAX_MS), copy->to,
                   arrive, 0, copy);
    }
    agenda_put(&sim->agenda, arrival_ms(sim, letter), letter->to, arrive, 0, letter);
}

static struct letter *make_letter(enum topic topic, struct node *from, struct node *to,
                                  const void *data, size_t len)
{
    struct letter *letter = malloc(sizeof(*letter) + len);

    if (letter == NULL)
        abort();
    *letter =
        (struct letter){.topic = topic, .from = from, .life = from->life, .to = to, .len = len};
    if (len > 0)
        memcpy(letter->data, data, len);
    return letter;
}

/* ---- questions ------------------------------------------------------------ */

static void end_question(struct sim *sim, struct node *node, uint64_t request, int error,
                         const struct letter *reply)
{
    struct question **link = &sim->network.questions, *question;

    while (*link != NULL && (*link)->request != request)
        link = &(*link)->next;
    question = *link;
    if (question == NULL)
        return;
    *link = question->next;
    question->on_reply(sim, node, question->context, error, reply != NULL ? reply->data : NULL,
                       reply != NULL ? reply->len : 0);
    free(question->context);
    free(question);
}

static void time_out(struct sim *sim, struct node *node, uint64_t request, void *owned)
{
    (void)owned;
    end_question(sim, node, request, M4H_ETIMEOUT, NULL);
}

static void no_responders(struct sim *sim, struct node *node, uint64_t request, void *owned)
{
    (void)owned;
    end_question(sim, node, request, M4H_EUNAVAILABLE, NULL);
}

/* One of the masters that nats-server would choose; NULL: there is none. */
static struct node *any_master(struct sim *sim, const struct node *from)
{
    struct node *found[SIM_MASTERS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < sim->master_count; i++) {
        struct node *node = &sim->masters[i].node;

        if (network_reaches(sim, from, node) && !sim->masters[i].has_left_queues)
            found[count++] = node;
    }
    return count > 0 ? found[sim_pick(sim, count)] : NULL;
}

void network_ask(struct sim *sim, struct node *from, struct node *to, enum topic topic,
                 const struct m4h_buffer *data, unsigned timeout_ms, network_on_reply on_reply,
                 void *context)
{
    struct question *question = calloc(1, sizeof(*question));
    struct letter *letter;

    if (question == NULL)
        abort();
    *question = (struct question){.next = sim->network.questions,
                                  .request = ++sim->network.last_request,
                                  .node = from,
                                  .on_reply = on_reply,
                                  .context = context};
    sim->network.questions = question;
    if (to == NULL)
        to = any_master(sim, from);
    if (from->link == LINK_DOWN ||
        (from->link == LINK_UP && (to == NULL || !network_reaches(sim, from, to)))) {
        sim_later(sim, 1, from, no_responders, question->request, NULL);
        return;
    }
    sim_later(sim, timeout_ms, from, time_out, question->request, NULL);
    if (to == NULL)
        return;
    letter = make_letter(topic, from, to, data->data, data->len);
    letter->request = question->request;
    post(sim, letter);
}

void network_reply(struct sim *sim, const struct letter *asked, const void *data, size_t len)
{
    struct letter *letter = make_letter(asked->topic, asked->to, asked->from, data, len);

    letter->is_reply = true;
    letter->request = asked->request;
    post(sim, letter);
}

void network_forget(struct sim *sim, struct node *node)
{
    struct question **link = &sim->network.questions;

    while (*link != NULL) {
        struct question *question = *link;

        if (question->node != node) {
            link = &question->next;
            continue;
        }
        *link = question->next;
        free(question->context);
        free(question);
    }
}

void network_free(struct network *network)
{
    while (network->questions != NULL) {
        struct question *question = network->questions;

        network->questions = question->next;
        free(question->context);
        free(question);
    }
}

/* ---- arrival -------------------------------------------------------------- */

static void arrive(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    const struct letter *letter = owned;

    (void)argument;
    if (node->link != LINK_UP || sim->network.faults.out)
        return;
    if (letter->is_reply)
        end_question(sim, node, letter->request, 0, letter);
    else
        node->role->receive(sim, node, letter);
}

void network_publish(struct sim *sim, struct node *from, const void *data, size_t len,
                     uint64_t number)
{
    struct letter *letter;

    for (unsigned i = 0; i < sim->master_count; i++)
        post(sim, make_letter(TOPIC_EVENT, from, &sim->masters[i].node, data, len));
    if (number == 0)
        return;
    letter = make_letter(TOPIC_EVENT, from, &sim->stream.node, data, len);
    letter->request = number;
    post(sim, letter);
}

void network_acknowledge(struct sim *sim, const struct letter *event, int error)
{
    struct letter *letter;

    if (event->life != event->from->life)
        return;
    letter = make_letter(TOPIC_ACK, event->to, event->from, NULL, 0);
    letter->request = event->request;
    letter->error = error;
    post(sim, letter);
}

void network_tell_masters(struct sim *sim, struct node *from, enum topic topic,
                          const struct m4h_buffer *message)
{
    for (unsigned i = 0; i < sim->master_count; i++)
        if (&sim->masters[i].node != from)
            post(sim, make_letter(topic, from, &sim->masters[i].node, message->data, message->len));
}
