/*
 * tunnel-flow: what goes through one tunnel. `serve` is the service behind the
 * device; `to`, `from` and `ping` are operators who connect to the tunnel's port and
 * measure. Blocking sockets, one thread for each connection: nothing here is measured
 * but time and bytes.
 */
#include "operator.h"
#include "service.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: tunnel-flow serve\n"
    "       tunnel-flow to|from|ping --port P [--seconds S]\n"
    "\n"
    "serve: listens on a free port of 127.0.0.1, prints `port=N` and serves for ever.\n"
    "to:    sends to the service as fast as it goes.\n"
    "from:  receives from the service as fast as it goes.\n"
    "ping:  sends one byte, waits until it comes back, and again.\n"
    "\n"
    "  --port P      of the tunnel, on 127.0.0.1\n"
    "  --seconds S   default 3\n"
    "\n"
    "Prints one line of JSON: bytes and seconds, or round trips with p50_us and p99_us.\n"
    "The exit code is 0 only if every byte arrived as it was sent.\n";

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr, "tunnel-flow: %s\n%s", what, usage);
    exit(2);
}

static unsigned number(const char *text, unsigned max)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < 1 || value > max)
        refuse("a whole number was expected");
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    unsigned port = 0, seconds = 3;
    const char *what = argc > 1 ? argv[1] : "";
    int id;

    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id == 'p')
            port = number(optarg, UINT16_MAX);
        else if (id == 's')
            seconds = number(optarg, 3600);
        else
            refuse(id == 'h' ? "help" : "unknown option");
    }
    if (strcmp(what, "serve") == 0)
        return service_run();
    if (port == 0)
        refuse("--port is missing");
    if (strcmp(what, "to") == 0)
        return operator_send((uint16_t)port, seconds);
    if (strcmp(what, "from") == 0)
        return operator_receive((uint16_t)port, seconds);
    if (strcmp(what, "ping") == 0)
        return operator_ping((uint16_t)port, seconds);
    refuse("it is serve, to, from or ping");
}
