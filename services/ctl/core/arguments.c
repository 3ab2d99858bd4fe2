/* Two tables, of commands and of options; options may stand anywhere. What an
 * option belongs to is in its row, so that one that would do nothing is refused. */
#include "services/ctl/core/arguments.h"

#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *words[2];
    const char *operand; /* what it needs behind it, or in [] may have; or NULL */
    enum m4h_ctl_command command;
    const char *help;
} commands[] = {
    {{"status"}, NULL, M4H_CTL_STATUS, "the cluster as a whole: regions and masters"},
    {{"slaves"}, NULL, M4H_CTL_SLAVES, "the slaves, and how full they are"},
    {{"slave"}, "SLAVE", M4H_CTL_SLAVE, "all of one slave"},
    {{"tunnels"}, NULL, M4H_CTL_TUNNELS, "the devices that are connected"},
    {{"tunnel"}, "KEY", M4H_CTL_TUNNEL, "all of one device's tunnel, and how to reach it"},
    {{"slot"}, NULL, M4H_CTL_SLOT, "ask where a device should connect"},
    {{"kick"}, "KEY", M4H_CTL_KICK, "disconnect a device; it may come back"},
    {{"drain"}, "SLAVE", M4H_CTL_DRAIN, "send all devices of a slave elsewhere, for good"},
    {{"events"}, NULL, M4H_CTL_EVENTS, "what happens, as it happens"},
    {{"audit"}, NULL, M4H_CTL_AUDIT, "who did what: read back, newest first"},
    {{"top"}, NULL, M4H_CTL_TOP, "the cluster on a screen that keeps itself up to date"},
    {{"token", "new"},
     NULL,
     M4H_CTL_TOKEN_NEW,
     "make an access token and its line for the gateway"},
    {{"device", "list"}, NULL, M4H_CTL_DEVICE_LIST, "the masters' records of keys"},
    {{"device", "show"},
     "NAME",
     M4H_CTL_DEVICE_SHOW,
     "one of them; NAME: a client key or SHA256:..."},
    {{"device", "add"}, "FILE", M4H_CTL_DEVICE_ADD, "a public key, a device's or an operator's"},
    {{"device", "import"},
     "[FILE]",
     M4H_CTL_DEVICE_IMPORT,
     "many: lines of authorized_keys, or of device list --json"},
    {{"device", "disable"}, "NAME", M4H_CTL_DEVICE_DISABLE, "not let in until it is enabled"},
    {{"device", "enable"}, "NAME", M4H_CTL_DEVICE_ENABLE, "let in again"},
    {{"device", "remove"}, "NAME", M4H_CTL_DEVICE_REMOVE, "forget its record, and cut it"},
    {{"device", "pending"}, NULL, M4H_CTL_DEVICE_PENDING, "keys that wait for approval"},
    {{"device", "approve"}, "NAME", M4H_CTL_DEVICE_APPROVE, "let it in, as --client-key"},
    {{"device", "reject"}, "NAME", M4H_CTL_DEVICE_REJECT, "it waits no more; it may ask again"},
    {{"revoke"},
     "NAME",
     M4H_CTL_REVOKE,
     "cut it, forget all decisions about it; --ban: keep it out"},
    {{"lift"}, "NAME", M4H_CTL_LIFT, "end its ban"},
    {{"revocations"}, NULL, M4H_CTL_REVOCATIONS, "what is revoked or banned, by whom and why"},
    {{"ssh"}, "KEY", M4H_CTL_SSH, "ssh to a device by its name; -- and words for ssh may follow"},
    {{"ssh-config"}, NULL, M4H_CTL_SSH_CONFIG, "settings with which ssh, scp, rsync find devices"},
};

enum kind {
    FLAG,
    TEXT,
    NUMBER,
    SECONDS, /* a decimal fraction is fine; kept in milliseconds */
};

#define AT(member)  offsetof(struct m4h_ctl_arguments, member)
#define OF(command) (1u << (command))
#define LISTS       (OF(M4H_CTL_SLAVES) | OF(M4H_CTL_TUNNELS))
#define WAYS        (OF(M4H_CTL_SSH) | OF(M4H_CTL_SSH_CONFIG))
#define GIVEN       (OF(M4H_CTL_DEVICE_ADD) | OF(M4H_CTL_DEVICE_APPROVE))
#define RECORDS     (OF(M4H_CTL_DEVICE_LIST) | OF(M4H_CTL_DEVICE_PENDING))
#define REASONED                                                                                   \
    (OF(M4H_CTL_DEVICE_REMOVE) | OF(M4H_CTL_DEVICE_REJECT) | OF(M4H_CTL_REVOKE) | OF(M4H_CTL_LIFT))
#define EVERY      0xffffffffu
#define NUMBER_MAX 1000000000u

static const struct option {
    const char *name;
    char letter; /* 0: none */
    enum kind kind;
    size_t offset;
    unsigned commands; /* that take it */
    const char *value; /* of TEXT, NUMBER and SECONDS, in the help */
    const char *help;
} options[] = {
    {"gateway", 'g', TEXT, AT(gateway), EVERY, "URL", "where the gateway is"},
    {"token-file", 't', TEXT, AT(token_file), EVERY, "FILE", "a file that holds the token"},
    {"cacert", 0, TEXT, AT(cacert), EVERY, "FILE", "the authorities that https is checked by"},
    {"config", 0, TEXT, AT(config), EVERY, "FILE", "settings, instead of the usual file"},
    {"timeout", 0, SECONDS, AT(timeout_ms), EVERY, "SECONDS", "wait so long for an answer"},
    {"color", 0, TEXT, AT(color), EVERY, "WHEN", "auto, always or never"},
    {"json", 'j', FLAG, AT(is_json),
     EVERY & ~(OF(M4H_CTL_TOP) | OF(M4H_CTL_TOKEN_NEW) | OF(M4H_CTL_DEVICE_IMPORT) | WAYS), NULL,
     "what the gateway says; lists and events a line each"},
    {"region", 'r', TEXT, AT(region), LISTS | OF(M4H_CTL_SLOT) | OF(M4H_CTL_EVENTS) | WAYS | GIVEN,
     "REGION", "of this region only"},
    {"slave", 's', TEXT, AT(slave), OF(M4H_CTL_TUNNELS) | OF(M4H_CTL_EVENTS) | WAYS, "SLAVE",
     "of this slave only"},
    {"prefix", 'p', TEXT, AT(prefix), OF(M4H_CTL_TUNNELS) | OF(M4H_CTL_DEVICE_LIST), "TEXT",
     "whose client key begins like this"},
    {"label", 'l', TEXT, AT(label), OF(M4H_CTL_TUNNELS) | GIVEN, "NAME=VALUE,...",
     "whose device has these labels, all of them"},
    {"client-key", 'k', TEXT, AT(client_key), OF(M4H_CTL_SLOT) | OF(M4H_CTL_EVENTS) | GIVEN, "KEY",
     "the device"},
    {"type", 0, TEXT, AT(type), OF(M4H_CTL_EVENTS), "TYPE,...",
     "connect, disconnect, start, drain, stop, refuse, flapping, access, reload, load"},
    {"after", 0, TEXT, AT(after), OF(M4H_CTL_EVENTS), "ID",
     "also those since that one, where they are kept"},
    {"follow", 'f', FLAG, AT(follows), OF(M4H_CTL_EVENTS) | OF(M4H_CTL_AUDIT), NULL,
     "go on, and miss nothing when the connection ends"},
    {"since", 0, TEXT, AT(since), OF(M4H_CTL_AUDIT), "TIME",
     "nothing before that: 1h, 7d, 2027-01-31T00:00:00Z"},
    {"until", 0, TEXT, AT(until), OF(M4H_CTL_AUDIT), "TIME", "nothing after that"},
    {"actor", 0, TEXT, AT(actor), OF(M4H_CTL_AUDIT), "NAME",
     "by this token, operator or fingerprint of a key"},
    {"action", 0, TEXT, AT(action), OF(M4H_CTL_AUDIT), "ACTION",
     "this only: connect, kick, access, device, device.add, config.reload"},
    {"device", 0, TEXT, AT(device), OF(M4H_CTL_AUDIT), "KEY",
     "to this device, key (by its fingerprint) or slave"},
    {"limit", 'n', NUMBER, AT(limit),
     LISTS | RECORDS | OF(M4H_CTL_REVOCATIONS) | OF(M4H_CTL_EVENTS) | OF(M4H_CTL_AUDIT), "COUNT",
     "no more than so many"},
    {"quiet", 'q', FLAG, AT(is_quiet), LISTS | RECORDS | OF(M4H_CTL_REVOCATIONS), NULL,
     "names only, a line each"},
    {"yes", 'y', FLAG, AT(has_consent),
     OF(M4H_CTL_KICK) | OF(M4H_CTL_DRAIN) | OF(M4H_CTL_DEVICE_REMOVE) | OF(M4H_CTL_REVOKE), NULL,
     "do not ask whether it is meant"},
    {"wait", 'w', FLAG, AT(waits), OF(M4H_CTL_DRAIN), NULL, "until its last device has left"},
    {"interval", 'i', SECONDS, AT(interval_ms), OF(M4H_CTL_TOP), "SECONDS", "between two looks"},
    {"name", 0, TEXT, AT(name), OF(M4H_CTL_TOKEN_NEW), "NAME", "who will use it"},
    {"scope", 0, TEXT, AT(scope), OF(M4H_CTL_TOKEN_NEW), "SCOPE,...", "slot, read or operate"},
    {"expires", 0, TEXT, AT(expires), OF(M4H_CTL_TOKEN_NEW) | GIVEN, "TIME",
     "until when it counts: 2027-01-31T00:00:00Z"},
    {"rate", 0, NUMBER, AT(rate), OF(M4H_CTL_TOKEN_NEW), "COUNT", "requests a second at most"},
    {"state", 0, TEXT, AT(state), OF(M4H_CTL_DEVICE_LIST), "STATE", "enabled, disabled or pending"},
    {"operator", 0, TEXT, AT(operator_), GIVEN, "NAME", "it is an operator's, not a device's"},
    {"devices", 0, TEXT, AT(devices), GIVEN, "PATTERN,...", "that the operator may reach"},
    {"ports", 0, TEXT, AT(ports), GIVEN, "PORT,...",
     "that it may have, or that the operator may reach"},
    {"port", 0, TEXT, AT(port), GIVEN, "PORT", "the device's first, always"},
    {"comment", 0, TEXT, AT(comment), GIVEN, "TEXT", "for people"},
    {"reason", 0, TEXT, AT(reason), REASONED, "TEXT", "for the records"},
    {"replace", 0, FLAG, AT(replaces), OF(M4H_CTL_DEVICE_IMPORT), NULL,
     "change what is there already"},
    {"ban", 0, FLAG, AT(bans), OF(M4H_CTL_REVOKE), NULL, "nor let it in again"},
    {"banned", 0, FLAG, AT(is_banned), OF(M4H_CTL_REVOCATIONS), NULL, "bans only"},
    {"identity", 0, TEXT, AT(identity), WAYS, "FILE", "the key that the slaves know"},
    {"user", 'u', TEXT, AT(user), OF(M4H_CTL_SSH), "USER", "who to be at the device"},
    {"suffix", 0, TEXT, AT(suffix), WAYS, "NAME", "what ssh calls devices: KEY.NAME"},
    {"write", 0, TEXT, AT(write), OF(M4H_CTL_SSH_CONFIG), "FILE", "into this file"},
};

static const struct {
    const char *name;
    enum m4h_ctl_notice notice;
    const char *help;
} notices[] = {
    {"--help", M4H_CTL_HELP, "this"},
    {"-h", M4H_CTL_HELP, NULL},
    {"--version", M4H_CTL_VERSION, "its version"},
    {"--print-config", M4H_CTL_SAMPLE, "the settings, as a file to begin with"},
};

/* One reading of a command line. */
struct reading {
    int argc;
    char *const *argv;
    int next;
    struct m4h_ctl_arguments *arguments;
    const struct command *command; /* NULL until it is known */
    const char *words[3];          /* that are no options */
    size_t word_count;
    const struct option *used[M4H_COUNT(options)];
    size_t used_count;
    char *message;
};

static int refuse(struct reading *reading, const char *format, ...) M4H_PRINTF(2, 3);

static int refuse(struct reading *reading, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reading->message, M4H_CTL_MESSAGE_MAX, format, args);
    va_end(args);
    return M4H_EINVALID;
}

/* ---- options -------------------------------------------------------------------------- */

static bool read_number(const char *text, uint32_t unit, uint32_t *out)
{
    uint64_t whole = 0, fraction = 0, scale = unit;

    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9' && whole <= NUMBER_MAX; text++)
        whole = whole * 10 + (uint64_t)(*text - '0');
    if (unit > 1 && *text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            scale /= 10;
            fraction += (uint64_t)(*text - '0') * scale;
        }
    }
    whole = whole * unit + fraction;
    if (*text != '\0' || whole == 0 || whole > NUMBER_MAX)
        return false;
    *out = (uint32_t)whole;
    return true;
}

static int store(struct reading *reading, const struct option *option, const char *value)
{
    void *member = (char *)reading->arguments + option->offset;

    if (option->kind == FLAG) {
        *(bool *)member = true;
    } else if (value == NULL || *value == '\0') {
        return refuse(reading, "--%s needs a value: %s", option->name, option->value);
    } else if (option->kind == TEXT) {
        *(const char **)member = value;
    } else if (!read_number(value, option->kind == SECONDS ? 1000 : 1, member)) {
        return refuse(reading, "--%s: \"%s\" is no number of %s above 0", option->name, value,
                      option->kind == SECONDS ? "seconds" : "things");
    }
    if (reading->used_count < M4H_COUNT(reading->used))
        reading->used[reading->used_count++] = option;
    return 0;
}

/* The option that an argument names; `*value` is what follows its "=", or NULL. */
static const struct option *find_option(const char *argument, const char **value)
{
    size_t len = strcspn(argument, "=");

    *value = argument[len] == '=' ? argument + len + 1 : NULL;
    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        const struct option *option = &options[i];

        if (len > 2 && strncmp(argument, "--", 2) == 0 && strlen(option->name) == len - 2 &&
            strncmp(argument + 2, option->name, len - 2) == 0)
            return option;
        if (option->letter != 0 && argument[1] == option->letter && argument[2] == '\0')
            return option;
    }
    return NULL;
}

static int take_option(struct reading *reading, const char *argument)
{
    const struct option *option;
    const char *value;

    for (size_t i = 0; i < M4H_COUNT(notices); i++) {
        if (strcmp(argument, notices[i].name) == 0) {
            reading->arguments->notice = notices[i].notice;
            return 0;
        }
    }
    option = find_option(argument, &value);
    if (option == NULL)
        return refuse(reading, "there is no option %s", argument);
    if (option->kind == FLAG && value != NULL)
        return refuse(reading, "--%s takes no value", option->name);
    if (option->kind != FLAG && value == NULL && reading->next < reading->argc)
        value = reading->argv[reading->next++];
    return store(reading, option, value);
}

/* ---- commands ----------------------------------------------------------------------------- */

static size_t words_of(const struct command *command)
{
    return command->words[1] != NULL ? 2 : 1;
}

static const struct command *find_command(const struct reading *reading)
{
    for (size_t i = 0; i < M4H_COUNT(commands); i++) {
        const struct command *command = &commands[i];

        if (strcmp(reading->words[0], command->words[0]) == 0 &&
            (command->words[1] == NULL ||
             (reading->word_count > 1 && strcmp(reading->words[1], command->words[1]) == 0)))
            return command;
    }
    return NULL;
}

static int refuse_words(struct reading *reading)
{
    for (size_t i = 0; i < M4H_COUNT(commands); i++) {
        const char *const *words = commands[i].words;

        if (words[1] != NULL && strcmp(reading->words[0], words[0]) == 0)
            return refuse(reading, "\"%s\" is no command, \"%s %s\" is", words[0], words[0],
                          words[1]);
    }
    return refuse(reading, "there is no command \"%s\"", reading->words[0]);
}

static int take_words(struct reading *reading)
{
    const struct command *command;
    size_t expected, least;

    if (reading->word_count == 0)
        return refuse(reading, "a command is missing");
    command = find_command(reading);
    if (command == NULL)
        return refuse_words(reading);
    expected = words_of(command) + (command->operand != NULL ? 1 : 0);
    least = command->operand != NULL && command->operand[0] == '[' ? expected - 1 : expected;
    if (reading->word_count < least)
        return refuse(reading, "%s needs a %s", command->words[0], command->operand);
    if (reading->word_count > expected)
        return refuse(reading, "\"%s\" is more than %s takes", reading->words[expected],
                      command->words[0]);
    if (command->operand != NULL && reading->word_count == expected)
        reading->arguments->operand = reading->words[expected - 1];
    reading->arguments->command = command->command;
    reading->command = command;
    return 0;
}

static int check(struct reading *reading)
{
    const struct m4h_ctl_arguments *arguments = reading->arguments;

    for (size_t i = 0; i < reading->used_count; i++) {
        if ((reading->used[i]->commands & OF(arguments->command)) == 0)
            return refuse(reading, "%s takes no --%s", reading->command->words[0],
                          reading->used[i]->name);
    }
    if (arguments->operand != NULL && arguments->operand[0] == '\0')
        return refuse(reading, "%s is empty", reading->command->operand);
    if (arguments->is_json && arguments->is_quiet)
        return refuse(reading, "--json and --quiet exclude each other");
    if (arguments->command == M4H_CTL_TOKEN_NEW &&
        (arguments->name == NULL || arguments->scope == NULL))
        return refuse(reading, "token new needs --name and --scope");
    return 0;
}

/* "ssh KEY" has been read: what follows "--" is for ssh. */
static bool takes_words(const struct reading *reading)
{
    return reading->word_count == 2 && strcmp(reading->words[0], "ssh") == 0;
}

static void take_rest(struct reading *reading)
{
    reading->arguments->words = (const char *const *)&reading->argv[reading->next];
    reading->arguments->word_count = (size_t)(reading->argc - reading->next);
    reading->next = reading->argc;
}

int m4h_ctl_arguments_parse(int argc, char *const *argv, struct m4h_ctl_arguments *arguments,
                            char message[M4H_CTL_MESSAGE_MAX])
{
    struct reading reading = {
        .argc = argc, .argv = argv, .next = 1, .arguments = arguments, .message = message};
    bool has_options_ended = false;
    int error = 0;

    memset(arguments, 0, sizeof(*arguments));
    message[0] = '\0';
    while (error == 0 && reading.next < argc) {
        const char *argument = argv[reading.next++];

        if (!has_options_ended && strcmp(argument, "--") == 0) {
            has_options_ended = true;
            if (takes_words(&reading))
                take_rest(&reading);
        } else if (!has_options_ended && argument[0] == '-' && argument[1] != '\0')
            error = take_option(&reading, argument);
        else if (reading.word_count < M4H_COUNT(reading.words))
            reading.words[reading.word_count++] = argument;
        else
            error = refuse(&reading, "\"%s\" is too much", argument);
    }
    if (error != 0 || arguments->notice != M4H_CTL_NOTHING)
        return error;
    error = take_words(&reading);
    return error != 0 ? error : check(&reading);
}

/* ---- help --------------------------------------------------------------------------------------
 */

static void help_on_command(struct m4h_ctl_page *page, const struct command *command)
{
    char usage[64];

    snprintf(usage, sizeof(usage), "%s%s%s%s%s", command->words[0],
             command->words[1] != NULL ? " " : "",
             command->words[1] != NULL ? command->words[1] : "",
             command->operand != NULL ? " " : "", command->operand != NULL ? command->operand : "");
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "  %-20s %s\n", usage, command->help);
}

static void help_on_option(struct m4h_ctl_page *page, const struct option *option)
{
    char usage[64];

    snprintf(usage, sizeof(usage), "%c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
             option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ",
             option->name, option->value != NULL ? " " : "",
             option->value != NULL ? option->value : "");
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "  %-24s %s", usage, option->help);
    if (option->commands != EVERY && option->kind != FLAG) {
        m4h_ctl_page_add(page, M4H_CTL_FAINT, " (");
        for (size_t i = 0, shown = 0; i < M4H_COUNT(commands); i++) {
            if ((option->commands & OF(commands[i].command)) != 0)
                m4h_ctl_page_add(page, M4H_CTL_FAINT, "%s%s", shown++ > 0 ? ", " : "",
                                 commands[i].words[0]);
        }
        m4h_ctl_page_add(page, M4H_CTL_FAINT, ")");
    }
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
}

void m4h_ctl_arguments_help(struct m4h_ctl_page *page)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "usage: mas4hctl [OPTION]... COMMAND\n\n");
    m4h_ctl_page_add(page, M4H_CTL_STRONG, "Commands\n");
    for (size_t i = 0; i < M4H_COUNT(commands); i++)
        help_on_command(page, &commands[i]);
    m4h_ctl_page_add(page, M4H_CTL_STRONG, "\nOptions\n");
    for (size_t i = 0; i < M4H_COUNT(options); i++)
        help_on_option(page, &options[i]);
    for (size_t i = 0; i < M4H_COUNT(notices); i++) {
        if (notices[i].help != NULL)
            m4h_ctl_page_add(page, M4H_CTL_PLAIN, "      %-20s %s\n", notices[i].name,
                             notices[i].help);
    }
    m4h_ctl_page_add(page, M4H_CTL_PLAIN,
                     "\nThe gateway: --gateway, else $MAS4H_GATEWAY, else ctl.conf, else "
                     "http://127.0.0.1:8080.\n"
                     "The token:   --token-file, else $MAS4H_TOKEN, else ctl.conf, else none.\n"
                     "It ends with 0: done, 1: not there or refused, 2: usage, 3: unreachable, 4: "
                     "not permitted.\n");
}
