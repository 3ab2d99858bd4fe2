/* The form of tokens and of their lines: docs/OPERATIONS.md has it for people. */
#include "services/ctl/core/token_line.h"

#include "lib/base/attributes.h"
#include "lib/base/ident.h"
#include "lib/base/walltime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The gateway takes no more. */
#define RATE_MAX 1000000u

static bool is_scope(const char *text, size_t len)
{
    static const char *const scopes[] = {"slot", "read", "operate"};

    for (size_t i = 0; i < M4H_COUNT(scopes); i++) {
        if (strlen(scopes[i]) == len && memcmp(scopes[i], text, len) == 0)
            return true;
    }
    return false;
}

static bool are_scopes(const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ",");

        if (!is_scope(text, len))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* As the gateway takes it: it goes into its logs as it is. */
static bool is_name(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");

    return len > 0 && len <= M4H_ID_MAX && text[len] == '\0';
}

bool m4h_ctl_token_wish_is_valid(const struct m4h_ctl_token_wish *wish, uint64_t wall_ms,
                                 char message[M4H_CTL_MESSAGE_MAX])
{
    uint64_t expires_ms;

    message[0] = '\0';
    if (!is_name(wish->name))
        snprintf(message, M4H_CTL_MESSAGE_MAX, "--name is 1 to 63 letters, digits and . _ @ -");
    else if (!are_scopes(wish->scopes))
        snprintf(message, M4H_CTL_MESSAGE_MAX,
                 "--scope is slot, read or operate, or several of them with commas between");
    else if (wish->expires != NULL && m4h_walltime_parse(wish->expires, &expires_ms) != 0)
        snprintf(message, M4H_CTL_MESSAGE_MAX, "--expires is a time such as 2027-01-31T00:00:00Z");
    else if (wish->expires != NULL && expires_ms <= wall_ms)
        snprintf(message, M4H_CTL_MESSAGE_MAX, "--expires %.32s is over already", wish->expires);
    else if (wish->rate > RATE_MAX)
        snprintf(message, M4H_CTL_MESSAGE_MAX, "--rate is at most %u", RATE_MAX);
    return message[0] == '\0';
}

const char *m4h_ctl_token_text(const uint8_t secret[M4H_CTL_TOKEN_BYTES],
                               char out[M4H_CTL_TOKEN_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned bit_count = 0;
    char *end = out;

    memcpy(end, "m4h_", 4);
    end += 4;
    for (size_t i = 0; i < M4H_CTL_TOKEN_BYTES; i++) {
        bits = (bits << 8) | secret[i];
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            *end++ = digits[(bits >> (bit_count - 6)) & 63];
    }
    *end++ = digits[(bits << (6 - bit_count)) & 63]; /* 32 bytes leave 4 bits */
    *end = '\0';
    return out;
}

void m4h_ctl_token_line(struct m4h_ctl_page *page, const struct m4h_ctl_token_wish *wish,
                        const char *hash)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s %s sha256:%s", wish->name, wish->scopes, hash);
    if (wish->expires != NULL)
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " expires=%s", wish->expires);
    if (wish->rate != 0)
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " rate=%" PRIu32, wish->rate);
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
}
