/* The B+ tree. In a leaf are entries; in an inner node children, each with the first entry
 * below it, so that one search serves both.
 *
 * All client keys of a node begin with the same `prefix` bytes; of each, the four bytes after
 * those are its hint, which a search goes by. Equal hints need the client keys themselves, and
 * so does the answer: whether what is looked for has that prefix at all.
 *
 * Insertion splits full nodes on its way down, so that it changes nothing that it has left
 * behind, and may fail at any of them without harm. */
#include "services/master/core/order.h"

#include "lib/base/error.h"
#include "services/master/core/tunnel_index.h"

#include <stdlib.h>
#include <string.h>

#define PLACES     64u
#define SMALL      (PLACES / 4)     /* a node of fewer looks for a neighbour to become one with */
#define JOINED_MAX (PLACES * 3 / 4) /* that has few enough */
#define HEIGHT_MAX 16u

struct m4h_order_node {
    uint16_t count;
    uint16_t prefix;
    uint16_t level; /* 0: a leaf */
    uint32_t hints[PLACES];
    struct m4h_entry *entries[PLACES];
    struct m4h_order_node *links[]; /* of a leaf its neighbours, else PLACES children */
};

enum {
    NEXT,
    PREVIOUS,
    NEIGHBOURS
};

/* What is looked for: the first place that is not before it. */
struct target {
    const char *client_key;
    uint64_t tunnel_id;
};

static struct target target_of(const struct m4h_entry *entry)
{
    return (struct target){m4h_entry_client_key(entry), entry->tunnel_id};
}

/* ---- in one node ---------------------------------------------------------- */

static size_t common_prefix(const char *a, const char *b)
{
    size_t len = 0;

    while (a[len] != '\0' && a[len] == b[len])
        len++;
    return len;
}

/* Of the text after `prefix` bytes, which it has. */
static uint32_t hint_of(const char *client_key, size_t prefix)
{
    const unsigned char *at = (const unsigned char *)client_key + prefix;
    uint32_t hint = 0;

    for (unsigned i = 0; i < sizeof(hint); i++) {
        hint = hint << 8 | *at;
        at += *at != '\0';
    }
    return hint;
}

static int compare(const struct m4h_entry *entry, const struct target *target)
{
    int order = strcmp(m4h_entry_client_key(entry), target->client_key);

    if (order != 0)
        return order;
    return (entry->tunnel_id > target->tunnel_id) - (entry->tunnel_id < target->tunnel_id);
}

static unsigned first_not_below(const struct m4h_order_node *node, uint32_t hint)
{
    unsigned low = 0, high = node->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (node->hints[middle] < hint)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first place whose entry is not before the target; `count`: all are. */
static unsigned search(const struct m4h_order_node *node, const struct target *target)
{
    size_t len = strnlen(target->client_key, node->prefix);
    uint32_t hint = len == node->prefix ? hint_of(target->client_key, len) : 0;
    unsigned low = first_not_below(node, hint), high;
    int order;

    if (node->count == 0)
        return 0;
    order = strncmp(m4h_entry_client_key(node->entries[low < node->count ? low : low - 1]),
                    target->client_key, node->prefix);
    if (order != 0)
        return order > 0 ? 0 : node->count;
    high = hint < UINT32_MAX ? first_not_below(node, hint + 1) : node->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (compare(node->entries[middle], target) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The child that the target is in, or would be. */
static unsigned search_child(const struct m4h_order_node *node, const struct target *target)
{
    unsigned at = search(node, target);

    if (at < node->count && compare(node->entries[at], target) == 0)
        return at;
    return at > 0 ? at - 1 : 0;
}

static size_t prefix_of(const struct m4h_order_node *node)
{
    return common_prefix(m4h_entry_client_key(node->entries[0]),
                         m4h_entry_client_key(node->entries[node->count - 1]));
}

static void set_hints(struct m4h_order_node *node)
{
    size_t prefix = prefix_of(node);

    node->prefix = (uint16_t)prefix;
    for (unsigned i = 0; i < node->count; i++)
        node->hints[i] = hint_of(m4h_entry_client_key(node->entries[i]), prefix);
}

/* The others of the node have gone. To read all entries costs more than all else here. */
static void sharpen_hints(struct m4h_order_node *node)
{
    if (prefix_of(node) != node->prefix)
        set_hints(node);
}

/* The entry at this place is new: its hint, or all of them where it has less in common with
 * the others than these have, which only the first and the last one may. */
static void set_hint(struct m4h_order_node *node, unsigned at)
{
    const char *client_key = m4h_entry_client_key(node->entries[at]);
    bool is_outer = at == 0 || at + 1u == node->count;
    const char *other =
        is_outer ? m4h_entry_client_key(node->entries[at > 0 ? 0 : node->count - 1]) : client_key;

    if (node->count == 1 || strncmp(client_key, other, node->prefix) != 0)
        set_hints(node);
    else
        node->hints[at] = hint_of(client_key, node->prefix);
}

static void move_places(struct m4h_order_node *to, unsigned to_at,
                        const struct m4h_order_node *from, unsigned from_at, unsigned count)
{
    memmove(to->hints + to_at, from->hints + from_at, count * sizeof(to->hints[0]));
    memmove(to->entries + to_at, from->entries + from_at, count * sizeof(to->entries[0]));
    if (to->level > 0)
        memmove(to->links + to_at, from->links + from_at, count * sizeof(to->links[0]));
}

/* Makes room for `entry`, and for `child` above leaves. */
static void put(struct m4h_order_node *node, unsigned at, struct m4h_entry *entry,
                struct m4h_order_node *child)
{
    move_places(node, at + 1, node, at, node->count - at);
    node->entries[at] = entry;
    if (node->level > 0)
        node->links[at] = child;
    node->count++;
    set_hint(node, at);
}

static void take(struct m4h_order_node *node, unsigned at)
{
    node->count--;
    move_places(node, at, node, at + 1, node->count - at);
}

/* ---- nodes ---------------------------------------------------------------- */

static struct m4h_order_node *create_node(unsigned level)
{
    size_t links = level > 0 ? PLACES : NEIGHBOURS;
    struct m4h_order_node *node = calloc(1, sizeof(*node) + links * sizeof(node->links[0]));

    if (node != NULL)
        node->level = (uint16_t)level;
    return node;
}

static void link_after(struct m4h_order_node *leaf, struct m4h_order_node *added)
{
    added->links[PREVIOUS] = leaf;
    added->links[NEXT] = leaf->links[NEXT];
    if (added->links[NEXT] != NULL)
        added->links[NEXT]->links[PREVIOUS] = added;
    leaf->links[NEXT] = added;
}

/* Frees a node whose places have gone. */
static void drop_node(struct m4h_order_node *node)
{
    if (node->level == 0) {
        if (node->links[NEXT] != NULL)
            node->links[NEXT]->links[PREVIOUS] = node->links[PREVIOUS];
        if (node->links[PREVIOUS] != NULL)
            node->links[PREVIOUS]->links[NEXT] = node->links[NEXT];
    }
    free(node);
}

/* Moves the upper part of a full child to a new one after it: half of it; but what comes in
 * order, as snapshots do, leaves full nodes behind. */
static int split_child(struct m4h_order_node *node, unsigned at, const struct target *target)
{
    struct m4h_order_node *child = node->links[at], *upper = create_node(child->level);
    unsigned stay = compare(child->entries[PLACES - 1], target) < 0 ? PLACES - 1 : PLACES / 2;

    if (upper == NULL)
        return M4H_ENOMEM;
    if (upper->level == 0)
        link_after(child, upper);
    move_places(upper, 0, child, stay, PLACES - stay);
    upper->count = (uint16_t)(PLACES - stay);
    child->count = (uint16_t)stay;
    upper->prefix = child->prefix;
    sharpen_hints(upper);
    sharpen_hints(child);
    put(node, at + 1, upper->entries[0], upper);
    return 0;
}

/* Puts a root above one that is full. */
static int grow(struct m4h_order *order)
{
    struct m4h_order_node *root = create_node(order->root->level + 1u);

    if (root == NULL)
        return M4H_ENOMEM;
    put(root, 0, order->root->entries[0], order->root);
    order->root = root;
    return 0;
}

/* ---- changes -------------------------------------------------------------- */

/* The first entry below a child is another one now. */
static void set_first(struct m4h_order_node *node, unsigned at, struct m4h_entry *entry)
{
    if (node->entries[at] == entry)
        return;
    node->entries[at] = entry;
    set_hint(node, at);
}

static int prepare(struct m4h_order *order)
{
    if (order->root == NULL)
        order->root = create_node(0);
    if (order->root == NULL)
        return M4H_ENOMEM;
    return order->root->count == PLACES ? grow(order) : 0;
}

int m4h_order_insert(struct m4h_order *order, struct m4h_entry *entry)
{
    struct target target = target_of(entry);
    struct m4h_order_node *path[HEIGHT_MAX], *node;
    unsigned at[HEIGHT_MAX], depth = 0;
    int error = prepare(order);

    if (error != 0)
        return error;
    for (node = order->root; node->level > 0; node = node->links[at[depth++]]) {
        path[depth] = node;
        at[depth] = search_child(node, &target);
        if (node->links[at[depth]]->count < PLACES)
            continue;
        error = split_child(node, at[depth], &target);
        if (error != 0)
            return error;
        at[depth] = search_child(node, &target);
    }
    put(node, search(node, &target), entry, NULL);
    while (depth-- > 0)
        set_first(path[depth], at[depth], path[depth]->links[at[depth]]->entries[0]);
    return 0;
}

/* Makes the child at `at` and the one after it one. */
static void join(struct m4h_order_node *node, unsigned at)
{
    struct m4h_order_node *left = node->links[at], *right = node->links[at + 1];

    move_places(left, left->count, right, 0, right->count);
    left->count = (uint16_t)(left->count + right->count);
    set_hints(left);
    drop_node(right);
    take(node, at + 1);
}

static bool may_join(const struct m4h_order_node *node, unsigned at)
{
    return at + 1 < node->count &&
           node->links[at]->count + node->links[at + 1]->count <= (int)JOINED_MAX;
}

/* Something has gone below the child at `at`. */
static void tidy(struct m4h_order_node *node, unsigned at)
{
    struct m4h_order_node *child = node->links[at];

    if (child->count == 0) {
        drop_node(child);
        take(node, at);
        return;
    }
    set_first(node, at, child->entries[0]);
    if (child->count >= SMALL)
        return;
    if (may_join(node, at))
        join(node, at);
    else if (at > 0 && may_join(node, at - 1))
        join(node, at - 1);
}

/* A root with one child, or with nothing, is not needed. */
static void shrink(struct m4h_order *order)
{
    while (order->root->level > 0 && order->root->count == 1) {
        struct m4h_order_node *child = order->root->links[0];

        free(order->root);
        order->root = child;
    }
    if (order->root->count == 0) {
        free(order->root);
        order->root = NULL;
    }
}

void m4h_order_remove(struct m4h_order *order, struct m4h_entry *entry)
{
    struct target target = target_of(entry);
    struct m4h_order_node *path[HEIGHT_MAX], *node;
    unsigned at[HEIGHT_MAX], depth = 0;

    for (node = order->root; node->level > 0; node = node->links[at[depth++]]) {
        path[depth] = node;
        at[depth] = search_child(node, &target);
    }
    take(node, search(node, &target));
    while (depth-- > 0)
        tidy(path[depth], at[depth]);
    shrink(order);
}

void m4h_order_replace(struct m4h_order *order, struct m4h_entry *old, struct m4h_entry *entry)
{
    struct target target = target_of(old);
    struct m4h_order_node *node = order->root;

    while (node->level > 0) {
        unsigned at = search_child(node, &target);
        struct m4h_order_node *child = node->links[at];

        if (node->entries[at] == old)
            node->entries[at] = entry;
        node = child;
    }
    node->entries[search(node, &target)] = entry;
}

static void free_below(struct m4h_order_node *node)
{
    for (unsigned i = 0; node->level > 0 && i < node->count; i++)
        free_below(node->links[i]);
    free(node);
}

void m4h_order_free(struct m4h_order *order)
{
    if (order->root != NULL)
        free_below(order->root);
    order->root = NULL;
}

/* ---- places --------------------------------------------------------------- */

static struct m4h_order_cursor first_from(const struct m4h_order *order,
                                          const struct target *target)
{
    const struct m4h_order_node *node = order->root;
    struct m4h_order_cursor cursor = {0};

    if (node == NULL)
        return cursor;
    while (node->level > 0)
        node = node->links[search_child(node, target)];
    cursor = (struct m4h_order_cursor){node, search(node, target)};
    if (cursor.at == node->count)
        cursor = (struct m4h_order_cursor){node->links[NEXT], 0};
    return cursor;
}

struct m4h_order_cursor m4h_order_seek(const struct m4h_order *order, const char *client_key,
                                       bool or_equal)
{
    struct target target = {client_key, or_equal ? 0 : UINT64_MAX};
    struct m4h_order_cursor cursor = first_from(order, &target);

    while (!or_equal && cursor.leaf != NULL &&
           strcmp(m4h_entry_client_key(m4h_order_at(&cursor)), client_key) == 0)
        m4h_order_step(&cursor); /* of the last tunnel id that there is */
    return cursor;
}

struct m4h_order_cursor m4h_order_find(const struct m4h_order *order, const struct m4h_entry *entry)
{
    struct target target = target_of(entry);

    return first_from(order, &target);
}

struct m4h_entry *m4h_order_at(const struct m4h_order_cursor *cursor)
{
    return cursor->leaf != NULL ? cursor->leaf->entries[cursor->at] : NULL;
}

void m4h_order_step(struct m4h_order_cursor *cursor)
{
    if (cursor->leaf == NULL || ++cursor->at < cursor->leaf->count)
        return;
    *cursor = (struct m4h_order_cursor){cursor->leaf->links[NEXT], 0};
}
