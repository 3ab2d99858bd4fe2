/* cluster-load: a cluster's slaves without devices, and those who ask it for slots. This file
 * knows the command line and nothing else. */
#include "echo.h"
#include "fleet.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: cluster-load slaves --url nats://HOST:PORT [--slaves N] [--tunnels N]\n"
    "                    [--capacity N,M] [--regions a,b] [--gateway HOST:PORT]\n"
    "       cluster-load ask --url URL --in-flight K [--seconds S] [--subject SUBJECT]\n"
    "                    [--region R] [--devices N]\n"
    "       cluster-load echo --url URL [--subject SUBJECT]\n"
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
    "echo:   answers each request with its own bytes until stdin ends: the peer of `ask`.\n";

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value > 100000000) {
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

int main(int argc, char **argv)
{
    const char *url = option(argc, argv, "url", NULL);

    if (argc < 3 || argc % 2 != 0 || url == NULL) {
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
    if (strcmp(argv[1], "ask") == 0)
        return requests_run(&(struct requests_options){
            .url = url,
            .subject = option(argc, argv, "subject", "mas4h.v1.rpc.dispatch"),
            .region = option(argc, argv, "region", ""),
            .in_flight = number(option(argc, argv, "in-flight", "64")),
            .seconds = number(option(argc, argv, "seconds", "3")),
            .devices = number(option(argc, argv, "devices", "0")),
        });
    if (strcmp(argv[1], "echo") == 0)
        return echo_run(url, option(argc, argv, "subject", "bench.echo"));
    fputs(usage, stderr);
    return 2;
}
