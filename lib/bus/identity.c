/* The library reads passwords and certificates when options are made, not when it connects. */
#include "lib/bus/identity.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/options.h"
#include "lib/crypto/crypto.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The texts of a configuration that options are made of. The files come first. */
static const size_t members[M4H_IDENTITY_TEXTS] = {
    offsetof(struct m4h_bus_config, password_file), offsetof(struct m4h_bus_config, credentials),
    offsetof(struct m4h_bus_config, nkey),          offsetof(struct m4h_bus_config, tls_ca),
    offsetof(struct m4h_bus_config, tls_cert),      offsetof(struct m4h_bus_config, tls_key),
    offsetof(struct m4h_bus_config, url),           offsetof(struct m4h_bus_config, name),
    offsetof(struct m4h_bus_config, user),          offsetof(struct m4h_bus_config, password),
    offsetof(struct m4h_bus_config, inbox_prefix),
};

static int copy_texts(struct m4h_identity *identity, const struct m4h_bus_config *config)
{
    for (size_t i = 0; i < M4H_IDENTITY_TEXTS; i++) {
        const char *text;

        memcpy(&text, (const char *)config + members[i], sizeof(text));
        if (text == NULL)
            continue;
        identity->texts[i] = strdup(text);
        if (identity->texts[i] == NULL)
            return M4H_ENOMEM;
        memcpy((char *)&identity->config + members[i], &identity->texts[i], sizeof(text));
    }
    return 0;
}

/* True: one of the files is another than when it was looked at last, or has other permissions.
 * So a file that cannot be used is tried once, and complained of once, until it is another. */
static bool look_at_files(struct m4h_identity *identity)
{
    bool has_changed = false;

    for (size_t i = 0; i < M4H_IDENTITY_FILES; i++) {
        struct m4h_file_mark mark;

        if (identity->texts[i] == NULL || identity->texts[i][0] == '\0')
            continue;
        mark = m4h_file_mark_of(identity->texts[i]);
        has_changed = has_changed || !m4h_file_mark_equals(&mark, &identity->marks[i]);
        identity->marks[i] = mark;
    }
    return has_changed;
}

int m4h_identity_init(struct m4h_identity *identity, const struct m4h_bus_config *config)
{
    int error = copy_texts(identity, config);

    if (error != 0)
        return error;
    look_at_files(identity);
    return m4h_bus_options_create(&identity->options, &identity->config);
}

void m4h_identity_free(struct m4h_identity *identity)
{
    natsOptions_Destroy(identity->options);
    for (size_t i = 0; i < M4H_IDENTITY_TEXTS; i++) {
        if (identity->texts[i] != NULL) /* one is the password */
            m4h_crypto_wipe(identity->texts[i], strlen(identity->texts[i]));
        free(identity->texts[i]);
    }
}

void m4h_identity_refresh(struct m4h_identity *identity)
{
    natsOptions *fresh;

    if (!look_at_files(identity) || m4h_bus_options_create(&fresh, &identity->config) != 0)
        return;
    natsOptions_Destroy(identity->options);
    identity->options = fresh;
    m4h_log(M4H_LOG_INFO, "bus", "the files of [nats] have changed and are read again");
}
