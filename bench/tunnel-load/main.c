/*
 * tunnel-load: thousands of devices in one process, each a real SSH client with
 * its own key that holds one reverse tunnel. This file knows the command line and
 * nothing else.
 */
#include "fleet.h"
#include "keys.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 1000000

static const char usage[] =
    "Usage: tunnel-load keys --count N --dir DIR\n"
    "       tunnel-load run --port P --keys DIR --count N [options]\n"
    "\n"
    "keys: make N ed25519 keys: DIR/authorized_keys for the server (the comment names\n"
    "      the device: bench-00001 ...) and DIR/keys, the private ones, for `run`.\n"
    "\n"
    "run:  N devices connect, log in by key and ask for one reverse port each.\n"
    "      When all have been answered it prints `up=N failed=F seconds=S`, then the\n"
    "      rest of the report. Exit code 0 only if every tunnel came up and stayed.\n"
    "      The server's host key is not checked.\n"
    "  --host HOST              default 127.0.0.1\n"
    "  --port PORT\n"
    "  --keys DIR               as `keys` made it\n"
    "  --count N\n"
    "  --user USER              default device\n"
    "  --bind-address ADDRESS   asked of the server for the reverse port; default localhost\n"
    "  --in-flight K            set-ups at a time; default 64\n"
    "  --timeout SECONDS        for one set-up; default 30\n"
    "  --hold SECONDS           keep the tunnels up that long after the report\n"
    "  --hold-until-stdin-eof   keep them up until stdin ends; then, as after --hold,\n"
    "                           prints `lost=L channels=C bytes=B`\n"
    "  --reconnect MS           while they are held, who is cut comes back within MS, and after a\n"
    "                           failure again, each time later, as a client's backoff has it.\n"
    "                           SIGUSR1 cuts all. Prints `back=N seconds=S failed=F` when all\n"
    "                           are back, F attempts having failed, and why they failed\n"
    "  --verify                 accept operators' connections and echo every byte\n"
    "  --ports FILE             write `device port` lines before the report\n"
    "  --json                   the rest of the report as one line of JSON\n";

enum option_id {
    OPTION_COUNT = 1,
    OPTION_DIR,
    OPTION_HOST,
    OPTION_PORT,
    OPTION_KEYS,
    OPTION_USER,
    OPTION_BIND_ADDRESS,
    OPTION_IN_FLIGHT,
    OPTION_TIMEOUT,
    OPTION_HOLD,
    OPTION_HOLD_UNTIL_STDIN_EOF,
    OPTION_RECONNECT,
    OPTION_VERIFY,
    OPTION_PORTS,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option keys_options[] = {
    {"count", required_argument, NULL, OPTION_COUNT},
    {"dir", required_argument, NULL, OPTION_DIR},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static const struct option run_options[] = {
    {"count", required_argument, NULL, OPTION_COUNT},
    {"host", required_argument, NULL, OPTION_HOST},
    {"port", required_argument, NULL, OPTION_PORT},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"user", required_argument, NULL, OPTION_USER},
    {"bind-address", required_argument, NULL, OPTION_BIND_ADDRESS},
    {"in-flight", required_argument, NULL, OPTION_IN_FLIGHT},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"hold", required_argument, NULL, OPTION_HOLD},
    {"hold-until-stdin-eof", no_argument, NULL, OPTION_HOLD_UNTIL_STDIN_EOF},
    {"reconnect", required_argument, NULL, OPTION_RECONNECT},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"ports", required_argument, NULL, OPTION_PORTS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr, "tunnel-load: %s\nTry `tunnel-load --help`.\n", what);
    exit(2);
}

static _Noreturn void help(void)
{
    fputs(usage, stdout);
    exit(0);
}

static unsigned number(const char *text, const char *option, unsigned min, unsigned max)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end || text[0] == '-' || value < min || value > max) {
        fprintf(stderr, "tunnel-load: %s %s: expected a whole number from %u to %u\n", option, text,
                min, max);
        exit(2);
    }
    return (unsigned)value;
}

static int make_keys(int argc, char **argv)
{
    const char *dir = NULL;
    unsigned count = 0;
    int id;

    while ((id = getopt_long(argc, argv, "", keys_options, NULL)) != -1) {
        if (id == OPTION_COUNT)
            count = number(optarg, "--count", 1, DEVICES_MAX);
        else if (id == OPTION_DIR)
            dir = optarg;
        else if (id == OPTION_HELP)
            help();
        else
            refuse("unknown option");
    }
    if (optind < argc || count == 0 || !dir)
        refuse("keys needs --count and --dir");
    return keys_write(dir, count) == 0 ? 0 : 1;
}

static void set_run_option(struct fleet_options *options, int id)
{
    switch (id) {
    case OPTION_COUNT:
        options->device_count = number(optarg, "--count", 1, DEVICES_MAX);
        break;
    case OPTION_HOST:
        options->host = optarg;
        break;
    case OPTION_PORT:
        number(optarg, "--port", 1, UINT16_MAX);
        options->port = optarg;
        break;
    case OPTION_KEYS:
        options->keys_dir = optarg;
        break;
    case OPTION_USER:
        options->user = optarg;
        break;
    case OPTION_BIND_ADDRESS:
        options->bind_address = optarg;
        break;
    case OPTION_IN_FLIGHT:
        options->in_flight_max = number(optarg, "--in-flight", 1, DEVICES_MAX);
        break;
    case OPTION_TIMEOUT:
        options->setup_timeout_seconds = number(optarg, "--timeout", 1, 3600);
        break;
    case OPTION_HOLD:
        options->hold_seconds = number(optarg, "--hold", 0, 30 * 24 * 3600);
        break;
    case OPTION_HOLD_UNTIL_STDIN_EOF:
        options->hold_until_stdin_eof = true;
        break;
    case OPTION_RECONNECT:
        options->reconnect_ms = number(optarg, "--reconnect", 1, 3600 * 1000);
        break;
    case OPTION_VERIFY:
        options->echo = true;
        break;
    case OPTION_PORTS:
        options->ports_file = optarg;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_HELP:
        help();
    default:
        refuse("unknown option");
    }
}

static int run(int argc, char **argv)
{
    struct fleet_options options = {
        .host = "127.0.0.1",
        .user = "device",
        .bind_address = "localhost",
        .in_flight_max = 64,
        .setup_timeout_seconds = 30,
    };
    int id;

    while ((id = getopt_long(argc, argv, "", run_options, NULL)) != -1)
        set_run_option(&options, id);
    if (optind < argc || !options.port || !options.keys_dir || options.device_count == 0)
        refuse("run needs --port, --keys and --count");
    return fleet_run(&options);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        refuse("what to do is missing: keys or run");
    if (strcmp(argv[1], "keys") == 0)
        return make_keys(argc - 1, argv + 1);
    if (strcmp(argv[1], "run") == 0)
        return run(argc - 1, argv + 1);
    if (strcmp(argv[1], "--help") == 0)
        help();
    refuse("unknown command: it is keys or run");
}
