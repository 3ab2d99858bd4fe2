/* The table of slaves: a sorted array, since there are few and they rarely come. */
#include "services/master/core/slaves.h"

#include "lib/base/error.h"
#include "services/master/core/host_keys.h"

#include <stdlib.h>
#include <string.h>

/* The first place whose id is `slave_id` or later. */
static size_t place_of(const struct m4h_slaves *slaves, const char *slave_id)
{
    size_t low = 0, high = slaves->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(slaves->sorted[middle]->id, slave_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct m4h_slaves *slaves, size_t place, const char *slave_id)
{
    return place < slaves->count && strcmp(slaves->sorted[place]->id, slave_id) == 0;
}

struct m4h_slave *m4h_slaves_find(const struct m4h_slaves *slaves, const char *slave_id)
{
    size_t place = place_of(slaves, slave_id);

    return is_at(slaves, place, slave_id) ? slaves->sorted[place] : NULL;
}

size_t m4h_slaves_after(const struct m4h_slaves *slaves, const char *slave_id)
{
    size_t place = place_of(slaves, slave_id);

    return is_at(slaves, place, slave_id) ? place + 1 : place;
}

static int make_room(struct m4h_slaves *slaves)
{
    size_t size = slaves->allocated > 0 ? slaves->allocated * 2 : 16;
    struct m4h_slave **sorted;

    if (slaves->count == M4H_MASTER_SLAVES_MAX)
        return M4H_EFULL;
    if (slaves->count < slaves->allocated)
        return 0;
    sorted = realloc(slaves->sorted, size * sizeof(*sorted));
    if (sorted == NULL)
        return M4H_ENOMEM;
    slaves->sorted = sorted;
    slaves->allocated = size;
    return 0;
}

int m4h_slaves_add(struct m4h_slaves *slaves, const char *slave_id, struct m4h_slave **slave)
{
    size_t place = place_of(slaves, slave_id);
    int error = make_room(slaves);

    if (error != 0)
        return error;
    *slave = calloc(1, sizeof(**slave));
    if (*slave == NULL)
        return M4H_ENOMEM;
    m4h_text_copy((*slave)->id, sizeof((*slave)->id), slave_id);
    (*slave)->held.slave_id = (*slave)->id;
    memmove(slaves->sorted + place + 1, slaves->sorted + place,
            (slaves->count - place) * sizeof(slaves->sorted[0]));
    slaves->sorted[place] = *slave;
    slaves->count++;
    while (slaves->by_number[(*slave)->number] != NULL)
        (*slave)->number++;
    slaves->by_number[(*slave)->number] = *slave;
    return 0;
}

void m4h_slaves_remove(struct m4h_slaves *slaves, struct m4h_slave *slave)
{
    size_t place = place_of(slaves, slave->id);

    slaves->count--;
    memmove(slaves->sorted + place, slaves->sorted + place + 1,
            (slaves->count - place) * sizeof(slaves->sorted[0]));
    slaves->by_number[slave->number] = NULL;
    free(slave);
}

void m4h_slaves_free(struct m4h_slaves *slaves)
{
    for (size_t i = 0; i < slaves->count; i++) {
        m4h_holder_free(&slaves->sorted[i]->held);
        free(slaves->sorted[i]);
    }
    free(slaves->sorted);
    *slaves = (struct m4h_slaves){0};
}

void m4h_slaves_set_info(struct m4h_slaves *slaves, struct m4h_slave *slave,
                         const struct m4h_slave_info *info)
{
    slave->info = *info;
    slave->has_info = true;
    m4h_host_key_hashes(info, slaves->host_key_hashes[slave->number]);
}

static bool has_host_key(const struct m4h_slave *slave, const struct m4h_host_key_name *name)
{
    return slave != NULL && slave->has_info && !slave->lost &&
           m4h_host_key_is_of(&slave->info, name);
}

const struct m4h_slave *m4h_slaves_find_host_key(const struct m4h_slaves *slaves,
                                                 const uint8_t *key, size_t len)
{
    struct m4h_host_key_name name;

    if (!m4h_host_key_name_of(key, len, &name))
        return NULL;
    for (size_t number = 0; number < M4H_MASTER_SLAVES_MAX; number++)
        for (size_t i = 0; i < M4H_HOST_KEYS_MAX; i++)
            if (slaves->host_key_hashes[number][i] == name.hash &&
                has_host_key(slaves->by_number[number], &name))
                return slaves->by_number[number];
    return NULL;
}
