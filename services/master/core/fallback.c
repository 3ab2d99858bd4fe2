/* The fallback regions: parsing and looking up. */
#include "services/master/core/fallback.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <string.h>

/* Copies the text from `at` to `len` without blanks around it. */
static bool copy_trimmed(char out[M4H_ID_MAX + 1], const char *at, size_t len)
{
    while (len > 0 && *at == ' ') {
        at++;
        len--;
    }
    while (len > 0 && at[len - 1] == ' ')
        len--;
    if (len > M4H_ID_MAX)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return m4h_ident_id_is_valid(out);
}

/* Reads "eu>us>ap" into the chain. Returns what is wrong, or NULL. */
static const char *parse_chain(struct m4h_fallback_chain *chain, const char *at, size_t len)
{
    const char *end = at + len;

    chain->count = 0;
    for (;;) {
        size_t word = strcspn(at, ">");

        if (word > (size_t)(end - at))
            word = (size_t)(end - at);
        if (chain->count == M4H_FALLBACK_CHAIN_MAX)
            return "at most 8 regions in one chain";
        if (!copy_trimmed(chain->regions[chain->count++], at, word))
            return "regions are [a-z0-9-]{1,63}, as in eu>us,us>eu";
        if (at + word == end)
            break;
        at += word + 1;
    }
    return chain->count >= 2 ? NULL : "a chain needs at least two regions, as in eu>us";
}

int m4h_fallback_parse(struct m4h_fallback *fallback, const char *text, char *message,
                       size_t message_size)
{
    const char *wrong = NULL;

    fallback->count = 0;
    while (*text != '\0' && wrong == NULL) {
        size_t len = strcspn(text, ",");
        struct m4h_fallback_chain *chain = &fallback->chains[fallback->count];

        if (fallback->count == M4H_FALLBACK_CHAINS_MAX) {
            wrong = "at most 64 chains";
            break;
        }
        wrong = parse_chain(chain, text, len);
        if (wrong == NULL && m4h_fallback_of(fallback, chain->regions[0]) != NULL)
            wrong = "two chains begin with the same region";
        fallback->count++;
        text += len;
        if (*text == ',')
            text++;
    }
    if (wrong != NULL)
        snprintf(message, message_size, "%s", wrong);
    return wrong == NULL ? 0 : M4H_EINVALID;
}

const struct m4h_fallback_chain *m4h_fallback_of(const struct m4h_fallback *fallback,
                                                 const char *region)
{
    for (size_t i = 0; i < fallback->count; i++)
        if (strcmp(fallback->chains[i].regions[0], region) == 0)
            return &fallback->chains[i];
    return NULL;
}
