/* cluster-load: a cluster's slaves without devices, and those who ask it for slots and whose keys
 * are whose. This file knows the command line and nothing else. */
#include "echo.h"
#include "fleet.h"
#include "keys.h"
#include "slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: cluster-load slaves --url nats://HOST:PORT [--slaves N] [--tunnels N]\n"
    "                    [--capacity N,M] [--regions a,b] [--gateway HOST:PORT]\n"
    "       cluster-load ask --url URL --in-flight K [--seconds S] [--subject SUBJECT]\n"
    "                    [--region R] [--devices N]\n"
    "       cluster-load echo --url URL [--subject SUBJECT]\n"
    "       cluster-load keys --keys N [--first N]\n"
    "       cluster-load authorize --url URL [--keys N] [--first N] [--file FILE] [--in-flight K]\n"
    "                    [--rate R] [--seconds S] [--subject SUBJECT]\n"
    "       cluster-load record --url URL --keys N [--in-flight K]\n"
    "       cluster-load validate --url URL [--subject SUBJECT]\n"
    "\n"
    "slaves: N simulated slaves (1) that hold so many tunnels together (0) from the beginning.\n"
    "        They send load events and answer snapshots and kicks until stdin ends. A line\n"
    "        on stdin is an order: `connect N` (new devices, as fast as a master takes them),\n"
    "        `fold N` (as many events, devices that leave and come), `churn R` (so many\n"
    "        events each second, 0: none), `counts`, `probe N` (so many samples of how long\n"
    "        until the gateway's REST shows a device that connects).\n"
    "        Slaves take capacities and regions in turn.\n"
    "ask:    K requests for a slot in flight for S seconds (3); prints a line of JSON. With\n"
    "        --devices N each names one of N devices.\n"
    "echo:   answers each request with its own bytes until stdin ends: the peer of `ask`.\n"
    "keys:   prints N keys as lines of authorized_keys; they are the same each time.\n"
    "authorize: asks whose they are, K in flight or R each second; prints a line of JSON. With\n"
    "        --file those of a file, certificates too.\n"
    "record: has masters keep a record of each.\n"
    "validate: answers each question with a yes until stdin ends, as a validator on the bus.\n";

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value > 1000000000) {
        fprintf(stderr, "cluster-load: %s: expected a whole number\n", text);
        exit(2);
    }
    return (unsigned)value;
}

/* The value of --NAME, or `otherwise`. */
static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 2; i + 1 < argc; i += 2)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    return otherwise;
}

static int ask(int argc, char **argv, const char *url)
{
    const char *verb = argv[1];
    bool wants_slots = strcmp(verb, "ask") == 0;
    struct requests_options requests = {
        .url = url,
        .subject = option(argc, argv, "subject",
                          wants_slots                      ? "mas4h.v1.rpc.dispatch"
                          : strcmp(verb, "authorize") == 0 ? "mas4h.v1.rpc.authorize"
                                                           : "mas4h.v1.rpc.devices.put"),
        .in_flight = number(option(argc, argv, "in-flight", "64")),
        .rate = number(option(argc, argv, "rate", "0")),
        .seconds = number(option(argc, argv, "seconds", "3")),
    };
    struct slots_options slots = {
        .region = option(argc, argv, "region", ""),
        .devices = number(option(argc, argv, "devices", "0")),
    };
    struct keys_options keys = {
        .keys = number(option(argc, argv, "keys", "1")),
        .first = number(option(argc, argv, "first", "0")),
        .file = option(argc, argv, "file", NULL),
    };

    if (keys.keys == 0)
        keys.keys = 1;
    if (wants_slots)
        return slots_run(&slots, &requests);
    if (strcmp(verb, "authorize") == 0)
        return keys_ask(&keys, &requests);
    if (strcmp(verb, "record") == 0)
        return keys_record(&keys, &requests);
    if (strcmp(verb, "keys") == 0)
        return keys_print(&keys);
    fputs(usage, stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *url = option(argc, argv, "url", NULL);

    if (argc < 3 || argc % 2 != 0 || (url == NULL && strcmp(argv[1], "keys") != 0)) {
        fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    if (strcmp(argv[1], "slaves") == 0)
        return fleet_run(&(struct fleet_options){
            .url = url,
            .slaves = number(option(argc, argv, "slaves", "1")),
            .tunnels = number(option(argc, argv, "tunnels", "0")),
            .capacities = option(argc, argv, "capacity", "60000"),
            .gateway = option(argc, argv, "gateway", NULL),
            .regions = option(argc, argv, "regions", "local"),
        });
    if (strcmp(argv[1], "echo") == 0)
        return echo_run(url, option(argc, argv, "subject", "bench.echo"), NULL);
    if (strcmp(argv[1], "validate") == 0)
        return keys_validate(url, option(argc, argv, "subject", "mas4h.v1.validate"));
    return ask(argc, argv, url);
}
