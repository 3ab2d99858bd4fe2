/* The queue of effects: a ring that grows. */
#include "services/master/core/effects.h"

#include <stdlib.h>

#define FIRST_ALLOCATION 64u

void m4h_effects_free(struct m4h_effects *effects)
{
    free(effects->ring);
    *effects = (struct m4h_effects){.refused = effects->refused};
}

/* Doubles the ring and straightens it. */
static bool grow(struct m4h_effects *effects)
{
    size_t size = effects->allocated > 0 ? effects->allocated * 2 : FIRST_ALLOCATION;
    struct m4h_effect *ring;

    if (size > M4H_EFFECTS_MAX)
        return false;
    ring = calloc(size, sizeof(*ring));
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < effects->count; i++)
        ring[i] = effects->ring[(effects->first + i) % effects->allocated];
    free(effects->ring);
    effects->ring = ring;
    effects->allocated = size;
    effects->first = 0;
    return true;
}

struct m4h_effect *m4h_effects_add(struct m4h_effects *effects, enum m4h_effect_type type)
{
    struct m4h_effect *effect;

    if (effects->count == effects->allocated && !grow(effects)) {
        effects->refused++;
        return NULL;
    }
    effect = &effects->ring[(effects->first + effects->count) % effects->allocated];
    *effect = (struct m4h_effect){.type = type};
    effects->count++;
    return effect;
}

bool m4h_effects_take(struct m4h_effects *effects, struct m4h_effect *effect)
{
    if (effects->count == 0)
        return false;
    *effect = effects->ring[effects->first];
    effects->first = (effects->first + 1) % effects->allocated;
    effects->count--;
    if (effects->count == 0 && effects->allocated > FIRST_ALLOCATION)
        m4h_effects_free(effects);
    return true;
}
