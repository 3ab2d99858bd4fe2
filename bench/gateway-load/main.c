/* gateway-load: those who ask a gateway for slots over WebSocket. This file knows the command
 * line and nothing else. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: gateway-load ask --address HOST:PORT [--connections N] [--in-flight K] [--seconds S]\n"
    "       gateway-load fleet --address HOST:PORT [--connections N] [--slots 0|1]\n"
    "                    [--at-a-time N]\n"
    "\n"
    "ask:    N WebSockets (1) with K requests for a slot in flight on each (1) for S seconds (3);\n"
    "        each request names one of N * K devices. Prints a line of JSON.\n"
    "fleet:  N WebSockets (1), so many at a time on their way (256), each of which asks for one\n"
    "        slot (1) or none (0). Prints how long that took, as a line of JSON, and holds\n"
    "        the connections until stdin ends.\n";

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value > 1000000) {
        fprintf(stderr, "gateway-load: %s: expected a whole number\n", text);
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
    const struct load_options options = {
        .address = option(argc, argv, "address", NULL),
        .connections = number(option(argc, argv, "connections", "1")),
        .in_flight = number(option(argc, argv, "in-flight", "1")),
        .seconds = number(option(argc, argv, "seconds", "3")),
        .at_a_time = number(option(argc, argv, "at-a-time", "256")),
        .slots = number(option(argc, argv, "slots", "1")),
    };

    if (argc >= 4 && argc % 2 == 0 && options.address != NULL && options.in_flight > 0) {
        if (strcmp(argv[1], "ask") == 0)
            return load_ask(&options);
        if (strcmp(argv[1], "fleet") == 0)
            return load_fleet(&options);
    }
    fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
}
