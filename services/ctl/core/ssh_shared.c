/* What of an ssh command line the hop over a slave needs as well. The letters are those of
 * OpenSSH's ssh(1). */
#include "services/ctl/core/ssh_way.h"

#include "lib/base/attributes.h"

#include <string.h>
#include <strings.h>

#define LETTERS_WITH_VALUE "BbcDEeFIiJLlmOopQRSWw"

static const struct {
    char letter;
    const char *word;
} flags[] = {{'4', "-4"}, {'6', "-6"}, {'q', "-q"}, {'v', "-v"}, {'C', "-C"}};

static const char *const settings[] = {
    "AddressFamily",       "BatchMode",      "BindAddress",    "BindInterface",
    "CertificateFile",     "ConnectTimeout", "IdentitiesOnly", "IdentityAgent",
    "IdentityFile",        "LogLevel",       "PKCS11Provider", "PubkeyAcceptedAlgorithms",
    "SecurityKeyProvider",
};

struct sharing {
    const char **shared;
    size_t count;
};

static void share(struct sharing *sharing, const char *word)
{
    if (sharing->count < M4H_CTL_SSH_SHARED_MAX)
        sharing->shared[sharing->count++] = word;
}

static bool is_shared_setting(const char *setting)
{
    size_t len = strcspn(setting, "= \t");

    for (size_t i = 0; i < M4H_COUNT(settings); i++) {
        if (strlen(settings[i]) == len && strncasecmp(settings[i], setting, len) == 0)
            return true;
    }
    return false;
}

static void share_flag(struct sharing *sharing, char letter)
{
    for (size_t i = 0; i < M4H_COUNT(flags); i++) {
        if (flags[i].letter == letter)
            share(sharing, flags[i].word);
    }
}

/* Both words, or none. */
static void share_value(struct sharing *sharing, char letter, const char *value)
{
    const char *option = letter == 'F' ? "-F" : letter == 'i' ? "-i" : letter == 'I' ? "-I" : "-o";

    if (sharing->count + 2 > M4H_CTL_SSH_SHARED_MAX || strchr("FiIo", letter) == NULL ||
        (letter == 'o' && !is_shared_setting(value)))
        return;
    share(sharing, option);
    share(sharing, value);
}

size_t m4h_ctl_ssh_shared(const char *const *words, size_t count,
                          const char *shared[M4H_CTL_SSH_SHARED_MAX])
{
    struct sharing sharing = {.shared = shared};

    for (size_t i = 0; i < count && words[i][0] == '-' && words[i][1] != '\0'; i++) {
        const char *c = words[i] + 1;

        if (strcmp(words[i], "--") == 0)
            break;
        for (; *c != '\0' && strchr(LETTERS_WITH_VALUE, *c) == NULL; c++)
            share_flag(&sharing, *c);
        if (*c != '\0' && c[1] != '\0')
            share_value(&sharing, *c, c + 1);
        else if (*c != '\0' && i + 1 < count)
            share_value(&sharing, *c, words[++i]);
    }
    return sharing.count;
}
