/* Sets of labels by their text, counted. */
#include "services/master/core/label_sets.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct m4h_label_set *set_of(const struct m4h_name_link *link)
{
    return M4H_CONTAINER_OF(link, struct m4h_label_set, by_text);
}

static const char *text_of(const struct m4h_name_link *link)
{
    return M4H_CONTAINER_OF(link, const struct m4h_label_set, by_text)->text;
}

int m4h_label_sets_init(struct m4h_label_sets *sets, uint64_t seed)
{
    return m4h_name_table_init(&sets->names, text_of, seed);
}

void m4h_label_sets_free(struct m4h_label_sets *sets)
{
    assert(sets->names.count == 0);
    m4h_name_table_free(&sets->names);
}

int m4h_label_set_hold(struct m4h_label_sets *sets, const char *labels, struct m4h_label_set **set)
{
    struct m4h_name_link *known;
    size_t size = strlen(labels) + 1;

    *set = NULL;
    if (size == 1)
        return 0;
    known = *m4h_name_table_find(&sets->names, labels);
    if (known != NULL) {
        *set = set_of(known);
        (*set)->holders++;
        return 0;
    }
    *set = calloc(1, sizeof(**set) + size);
    if (*set == NULL)
        return M4H_ENOMEM;
    (*set)->sets = sets;
    (*set)->holders = 1;
    memcpy((*set)->text, labels, size);
    m4h_name_table_add(&sets->names, &(*set)->by_text);
    return 0;
}

void m4h_label_set_let_go(struct m4h_label_set *set)
{
    if (set == NULL || --set->holders > 0)
        return;
    m4h_name_table_remove(&set->sets->names, &set->by_text);
    free(set);
}

const char *m4h_label_set_text(const struct m4h_label_set *set)
{
    return set != NULL ? set->text : "";
}
