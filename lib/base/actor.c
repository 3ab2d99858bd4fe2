/* One text for who gave an order, written and read. */
#include "lib/base/actor.h"

#include <stdio.h>
#include <string.h>

static const char by_rest[] = "rest ";

void m4h_actor_format(char actor[M4H_ACTOR_MAX + 1], const char *token, const char *peer,
                      const char *request_id)
{
    snprintf(actor, M4H_ACTOR_MAX + 1, "rest%s%s peer=%s request_id=%s",
             token[0] != '\0' ? " token=" : "", token, peer, request_id);
}

/* The value behind `name`, up to the next space. */
static void read_value(const char *actor, const char *name, char *out, size_t size)
{
    const char *found = strstr(actor, name);
    size_t len;

    out[0] = '\0';
    if (found == NULL)
        return;
    found += strlen(name);
    len = strcspn(found, " ");
    if (len < size) {
        memcpy(out, found, len);
        out[len] = '\0';
    }
}

void m4h_actor_split(const char *actor, char name[M4H_ACTOR_MAX + 1],
                     char address[M4H_ADDRESS_TEXT_MAX])
{
    char whole[M4H_ACTOR_MAX + 1];

    address[0] = '\0';
    snprintf(whole, sizeof(whole), "%s", actor);
    if (strncmp(whole, by_rest, strlen(by_rest)) != 0) {
        memcpy(name, whole, sizeof(whole));
        return;
    }
    read_value(whole, " token=", name, M4H_ACTOR_MAX + 1);
    if (name[0] == '\0')
        memcpy(name, M4H_ACTOR_LOCAL, sizeof(M4H_ACTOR_LOCAL));
    read_value(whole, " peer=", address, M4H_ADDRESS_TEXT_MAX);
}
