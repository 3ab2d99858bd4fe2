/* The cores of a slave under messages in any order: sessions on the workers' side,
 * roster and ports on the hub's, letters on their way between them, as io/device.c
 * and io/tunnels.c carry them. After every step: no port is two devices', a client
 * key has one owner at most, and whoever folds the events sees what the roster
 * says, by count and digest. It must not know anything but the cores. */
#include "lib/base/digest.h"
#include "services/slave/core/ports.h"
#include "services/slave/core/roster.h"
#include "services/slave/core/session.h"
#include "tests/fuzz/target.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEVICES     6
#define KEYS        3
#define PORT_FIRST  20000
#define PORT_LAST   20006
#define LEASE_MS    20000
#define LETTERS_MAX 256
#define STEPS_MAX   600

enum kind {
    KEY,
    FORWARD,
    CANCEL,
    GONE,
    JUDGED,
    FORWARDED,
    CLOSE
};

struct letter {
    enum kind kind;
    uint64_t session_id;
    uint16_t port;
    bool yes;
};

struct queue {
    struct letter letters[LETTERS_MAX];
    size_t first, count;
};

/* What a worker knows of a device. */
struct device {
    uint64_t session_id; /* 0: there is none */
    struct m4h_session session;
    int key;
    bool held; /* a question is open */
    bool asked_about;
    uint64_t heard_ms;
    uint16_t ports[M4H_TUNNEL_PORTS_MAX];
    size_t port_count;
};

/* What a master makes of the events. */
struct announced {
    uint64_t tunnel_id;
    uint16_t ports[M4H_TUNNEL_PORTS_MAX];
    uint8_t port_count;
};

struct world {
    const uint8_t *data;
    size_t left;
    uint64_t now_ms, next_id;
    struct device devices[DEVICES];
    struct queue to_hub, to_worker;
    struct m4h_roster *roster;
    struct m4h_ports *ports;
    struct announced master[DEVICES + LETTERS_MAX];
    size_t announced_count;
};

static const struct m4h_session_limits limits = {.authenticate_ms = 5000,
                                                 .forward_ms = 5000,
                                                 .keepalive_ms = 1000,
                                                 .keepalive_misses = 3,
                                                 .keys_max = 3,
                                                 .forwards_max = 3};

static uint8_t next(struct world *world)
{
    if (world->left == 0)
        return 0;
    world->left--;
    return *world->data++;
}

static void post(struct queue *queue, struct letter letter)
{
    assert(queue->count < LETTERS_MAX);
    queue->letters[(queue->first + queue->count++) % LETTERS_MAX] = letter;
}

static struct letter take(struct queue *queue)
{
    struct letter letter = queue->letters[queue->first];

    queue->first = (queue->first + 1) % LETTERS_MAX;
    queue->count--;
    return letter;
}

/* ---- the hub ------------------------------------------------------------------------- */

static void order(struct world *world, uint64_t session_id, enum kind kind, uint16_t port, bool yes)
{
    post(&world->to_worker, (struct letter){kind, session_id, port, yes});
}

static void publish_connect(struct world *world, const struct m4h_tunnel *tunnel)
{
    struct announced *at = world->master;

    while (at < world->master + world->announced_count && at->tunnel_id != tunnel->tunnel_id)
        at++;
    if (at == world->master + world->announced_count)
        world->announced_count++;
    at->tunnel_id = tunnel->tunnel_id;
    at->port_count = tunnel->port_count;
    memcpy(at->ports, tunnel->ports, sizeof(at->ports));
}

static void publish_disconnect(struct world *world, uint64_t tunnel_id)
{
    size_t i = 0;

    while (i < world->announced_count && world->master[i].tunnel_id != tunnel_id)
        i++;
    assert(i < world->announced_count);
    world->master[i] = world->master[--world->announced_count];
}

/* Whether another program has the port is the input's to say. */
static uint16_t open_port(struct world *world, const char *client_key, uint16_t asked)
{
    const struct m4h_port_wish wish = {
        .client_key = client_key, .port = asked, .lease_ms = LEASE_MS};
    uint16_t port = asked;

    if (asked == 0)
        port = m4h_ports_take(world->ports, &wish, world->now_ms);
    else if (m4h_ports_take_exactly(world->ports, &wish, world->now_ms) != 0)
        return 0;
    if (port != 0 && next(world) % 8 == 7) {
        m4h_ports_shun(world->ports, port, world->now_ms);
        return 0;
    }
    assert(port == 0 || (port >= PORT_FIRST && port <= PORT_LAST));
    assert(asked == 0 || port == asked);
    return port;
}

static void give_port_back(struct world *world, uint16_t port)
{
    m4h_ports_give_back(world->ports, port, world->now_ms);
}

static void open_for(struct world *world, struct m4h_resident *resident)
{
    struct m4h_tunnel *tunnel = &resident->tunnel;
    uint16_t port = 0;

    if (tunnel->port_count < M4H_TUNNEL_PORTS_MAX)
        port = open_port(world, tunnel->client_key, (uint16_t)resident->asked_port);
    if (port != 0)
        tunnel->ports[tunnel->port_count++] = port;
    order(world, resident->session_id, FORWARDED, port, port != 0);
    if (port == 0)
        return;
    if (resident->state != M4H_RESIDENT_UP) {
        tunnel->tunnel_id = resident->session_id * 7919;
        m4h_roster_up(world->roster, resident, world->now_ms);
    }
    publish_connect(world, tunnel);
}

static void hub_close(struct world *world, struct m4h_resident *resident)
{
    m4h_roster_leave(world->roster, resident);
    order(world, resident->session_id, CLOSE, 0, false);
}

static void hub_key(struct world *world, uint64_t session_id, int key, bool allowed)
{
    struct m4h_tunnel tunnel = {0};
    struct m4h_resident *resident;

    snprintf(tunnel.client_key, sizeof(tunnel.client_key), "device-%d", key);
    if (allowed)
        assert(m4h_roster_add(world->roster, session_id, 0, &tunnel, &resident) == 0);
    order(world, session_id, JUDGED, 0, allowed);
}

static void hub_forward(struct world *world, struct m4h_resident *resident, uint16_t port)
{
    struct m4h_resident *loser = NULL;
    bool now = true;

    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return;
    resident->asked_port = port;
    if (resident->state == M4H_RESIDENT_KNOWN)
        now = m4h_roster_claim(world->roster, resident, &loser);
    if (loser != NULL)
        order(world, loser->session_id, CLOSE, 0, false);
    if (now)
        open_for(world, resident);
}

static void hub_cancel(struct world *world, struct m4h_resident *resident, uint16_t port)
{
    struct m4h_tunnel *tunnel;
    uint8_t kept = 0;

    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return;
    tunnel = &resident->tunnel;
    if (tunnel->port_count <= 1) {
        hub_close(world, resident);
        return;
    }
    give_port_back(world, port);
    for (uint8_t i = 0; i < tunnel->port_count; i++) {
        if (tunnel->ports[i] != port)
            tunnel->ports[kept++] = tunnel->ports[i];
    }
    assert(kept == tunnel->port_count - 1);
    tunnel->port_count = kept;
    publish_connect(world, tunnel);
}

static void hub_gone(struct world *world, struct m4h_resident *resident)
{
    struct m4h_resident *successor;

    if (resident == NULL)
        return;
    for (uint8_t i = 0; i < resident->tunnel.port_count; i++)
        give_port_back(world, resident->tunnel.ports[i]);
    if (resident->was_up)
        publish_disconnect(world, resident->tunnel.tunnel_id);
    m4h_roster_remove(world->roster, resident, &successor);
    if (successor != NULL)
        open_for(world, successor);
}

static void hub_reads(struct world *world)
{
    struct letter letter;
    struct m4h_resident *resident;

    if (world->to_hub.count == 0 || world->to_worker.count > LETTERS_MAX - 4)
        return;
    letter = take(&world->to_hub);
    resident = m4h_roster_find(world->roster, letter.session_id);
    if (letter.kind == KEY)
        hub_key(world, letter.session_id, letter.port, next(world) % 4 != 3);
    else if (letter.kind == FORWARD)
        hub_forward(world, resident, letter.port);
    else if (letter.kind == CANCEL)
        hub_cancel(world, resident, letter.port);
    else
        hub_gone(world, resident);
}

static void hub_kicks(struct world *world, int key)
{
    char name[24];
    struct m4h_resident *resident;

    snprintf(name, sizeof(name), "device-%d", key);
    resident = m4h_roster_owner(world->roster, name);
    if (resident != NULL && world->to_worker.count < LETTERS_MAX - 4)
        hub_close(world, resident);
}

/* ---- the worker ------------------------------------------------------------------------ */

static void report(struct world *world, const struct device *device, enum kind kind, uint16_t port)
{
    post(&world->to_hub, (struct letter){kind, device->session_id, port, false});
}

static void finish(struct world *world, struct device *device)
{
    if (device->asked_about)
        report(world, device, GONE, 0);
    memset(device, 0, sizeof(*device));
}

static void connect(struct world *world, struct device *device, int key)
{
    if (device->session_id != 0)
        return;
    device->session_id = ++world->next_id;
    device->key = key;
    device->heard_ms = world->now_ms;
    m4h_session_begin(&device->session, world->now_ms);
}

static void offer_key(struct world *world, struct device *device)
{
    if (!m4h_session_key(&device->session, &limits)) {
        finish(world, device);
        return;
    }
    device->held = true;
    device->asked_about = true;
    report(world, device, KEY, (uint16_t)device->key);
}

static void ask_forward(struct world *world, struct device *device, uint16_t port)
{
    if (!m4h_session_forward(&device->session, &limits))
        return;
    device->held = true;
    report(world, device, FORWARD, port);
}

static void cancel(struct world *world, struct device *device)
{
    if (device->port_count == 0)
        return;
    m4h_session_cancelled(&device->session);
    report(world, device, CANCEL, device->ports[--device->port_count]);
}

static void forwarded(struct world *world, struct device *device, uint16_t port)
{
    bool open = port != 0 && next(world) % 8 != 7;

    if (port != 0 && !open)
        report(world, device, CANCEL, port);
    if (open)
        device->ports[device->port_count++] = port;
    device->held = false;
    m4h_session_forwarded(&device->session, open, world->now_ms);
}

static void worker_reads(struct world *world)
{
    struct letter letter;
    struct device *device = world->devices;

    if (world->to_worker.count == 0 || world->to_hub.count > LETTERS_MAX - 4)
        return;
    letter = take(&world->to_worker);
    while (device < world->devices + DEVICES && device->session_id != letter.session_id)
        device++;
    if (device == world->devices + DEVICES)
        return; /* gone meanwhile: GONE is on its way, and the port comes back with it */
    if (letter.kind == JUDGED) {
        device->held = false;
        m4h_session_judged(&device->session, letter.yes, world->now_ms);
    } else if (letter.kind == FORWARDED) {
        forwarded(world, device, letter.port);
    } else {
        finish(world, device);
    }
}

static void pass_time(struct world *world, uint8_t step)
{
    world->now_ms += (uint64_t)step * 50;
    for (int i = 0; i < DEVICES; i++) {
        struct device *device = &world->devices[i];
        enum m4h_session_action action;

        if (device->session_id == 0 || world->to_hub.count > LETTERS_MAX - DEVICES - 4)
            continue;
        action = m4h_session_look(&device->session, &limits, device->heard_ms, world->now_ms);
        assert(action != M4H_SESSION_DEAD || device->session.state == M4H_SESSION_UP);
        if (action == M4H_SESSION_TOO_SLOW || action == M4H_SESSION_DEAD)
            finish(world, device);
        else
            assert(m4h_session_next_look_ms(&device->session, &limits, device->heard_ms) >
                   world->now_ms);
    }
}

static void step(struct world *world)
{
    uint8_t what = next(world), arg = next(world);
    struct device *device = &world->devices[arg % DEVICES];
    bool speaks = device->session_id != 0 && !device->held && world->to_hub.count < LETTERS_MAX - 4;

    switch (what % 12) {
    case 0:
        connect(world, device, arg / DEVICES % KEYS);
        break;
    case 1:
        if (speaks)
            offer_key(world, device);
        break;
    case 2:
        if (speaks)
            ask_forward(world, device, 0);
        break;
    case 3:
        if (speaks)
            ask_forward(world, device, (uint16_t)(PORT_FIRST - 1 + arg / DEVICES % 9));
        break;
    case 4:
        if (speaks)
            cancel(world, device);
        break;
    case 5:
        if (device->session_id != 0 && world->to_hub.count < LETTERS_MAX - 4)
            finish(world, device);
        break;
    case 6:
        pass_time(world, arg);
        break;
    case 7:
        hub_kicks(world, arg % KEYS);
        break;
    case 8:
        device->heard_ms = world->now_ms;
        break;
    case 9:
        worker_reads(world);
        break;
    default:
        hub_reads(world);
        break;
    }
}

/* ---- what must hold -------------------------------------------------------------------- */

struct census {
    bool taken[PORT_LAST - PORT_FIRST + 1];
    int owners[KEYS];
    int announced[KEYS];
    uint32_t count;
};

static void take_once(struct census *census, const uint16_t *ports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(ports[i] >= PORT_FIRST && ports[i] <= PORT_LAST);
        assert(!census->taken[ports[i] - PORT_FIRST]);
        census->taken[ports[i] - PORT_FIRST] = true;
    }
}

static void count_resident(void *context, struct m4h_resident *resident)
{
    struct census *census = context;
    int key = resident->tunnel.client_key[strlen("device-")] - '0';

    assert(key >= 0 && key < KEYS);
    census->count++;
    census->owners[key] +=
        resident->state == M4H_RESIDENT_WAITING || resident->state == M4H_RESIDENT_UP;
    census->announced[key] += resident->was_up;
    assert(resident->was_up || resident->tunnel.port_count == 0);
    take_once(census, resident->tunnel.ports, resident->tunnel.port_count);
}

static void check_hub(const struct world *world)
{
    struct census census = {0};
    uint64_t digest = 0;
    char name[24];

    m4h_roster_each(world->roster, count_resident, &census);
    assert(census.count == m4h_roster_count(world->roster));
    for (int key = 0; key < KEYS; key++) {
        snprintf(name, sizeof(name), "device-%d", key);
        assert(census.announced[key] <= 1);
        assert(census.owners[key] == (m4h_roster_owner(world->roster, name) != NULL));
    }
    for (size_t i = 0; i < world->announced_count; i++)
        digest ^= m4h_digest_of(world->master[i].tunnel_id);
    assert(world->announced_count == m4h_roster_tunnel_count(world->roster));
    assert(digest == m4h_roster_digest(world->roster));
}

static void check_worker(const struct world *world)
{
    struct census census = {0};

    for (int i = 0; i < DEVICES; i++) {
        const struct device *device = &world->devices[i];
        bool asks = device->held && device->session.state != M4H_SESSION_ASKING;

        if (device->session_id == 0)
            continue;
        take_once(&census, device->ports, device->port_count);
        assert(device->session.forwards == device->port_count + asks);
        assert(device->session.forwards <= limits.forwards_max);
        assert(device->port_count == 0 || device->session.state == M4H_SESSION_UP);
    }
}

/* When everybody has gone and every letter is read, nothing is left. */
static void close_down(struct world *world)
{
    world->left = 0;
    for (int i = 0; i < DEVICES; i++) {
        while (world->to_hub.count > LETTERS_MAX / 2 || world->to_worker.count > LETTERS_MAX / 2) {
            worker_reads(world);
            hub_reads(world);
        }
        if (world->devices[i].session_id != 0)
            finish(world, &world->devices[i]);
    }
    while (world->to_hub.count > 0 || world->to_worker.count > 0) {
        worker_reads(world);
        hub_reads(world);
        check_hub(world);
    }
    assert(m4h_roster_count(world->roster) == 0 && world->announced_count == 0);
    for (int i = PORT_FIRST; i <= PORT_LAST; i++)
        assert(open_port(world, "the last", 0) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;

    memset(&world, 0, sizeof(world));
    world.data = data;
    world.left = size;
    world.now_ms = 1000;
    assert(m4h_roster_create(&world.roster) == 0);
    assert(m4h_ports_create(&world.ports, PORT_FIRST, PORT_LAST) == 0);
    for (int i = 0; i < STEPS_MAX && world.left > 0; i++) {
        step(&world);
        check_hub(&world);
        check_worker(&world);
    }
    world.now_ms += 3600000; /* so that no port is shunned any more */
    close_down(&world);
    m4h_roster_destroy(world.roster);
    m4h_ports_destroy(world.ports);
    return 0;
}
