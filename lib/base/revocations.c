/* Revocations: a hash by name to judge with, an array in order of names for pages, and a heap of
 * those that ban nobody, the oldest first. An entry has its texts as long as they are: a struct
 * m4h_revoke for each of 65,536 would take 47 MB. */
#define HASH_NONFATAL_OOM 1
#include "lib/base/revocations.h"

#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/heap.h"
#include "lib/base/ident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEY    "key:"
#define DEVICE "device:"

struct entry {
    UT_hash_handle hh;
    struct m4h_heap_node node; /* where it bans nobody */
    uint64_t stamp;
    uint64_t void_before; /* what was decided here before that is void */
    uint64_t change;      /* when it came, in changes of the set */
    bool banned;
    char *words;      /* owned: actor, NUL, reason, NUL */
    size_t reason_at; /* in `words` */
    char name[];
};

struct m4h_revocations {
    struct entry *by_name;
    struct entry **sorted; /* owned array; the entries are owned, too */
    size_t allocated;
    size_t max;
    struct m4h_heap passing; /* those that may be pushed out */
    uint64_t digest;
    uint64_t changes;
};

static bool is_older(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    const struct entry *first = M4H_CONTAINER_OF(a, const struct entry, node);
    const struct entry *second = M4H_CONTAINER_OF(b, const struct entry, node);

    if (first->stamp != second->stamp)
        return first->stamp < second->stamp;
    return strcmp(first->name, second->name) < 0;
}

int m4h_revocations_create(struct m4h_revocations **revocations, size_t max)
{
    *revocations = calloc(1, sizeof(**revocations));
    if (*revocations == NULL)
        return M4H_ENOMEM;
    (*revocations)->max = max;
    m4h_heap_init(&(*revocations)->passing, is_older);
    return 0;
}

size_t m4h_revocations_count(const struct m4h_revocations *revocations)
{
    return HASH_COUNT(revocations->by_name);
}

static void discard(struct entry *entry)
{
    free(entry->words);
    free(entry);
}

void m4h_revocations_destroy(struct m4h_revocations *revocations)
{
    if (revocations == NULL)
        return;
    for (size_t i = m4h_revocations_count(revocations); i-- > 0;) {
        HASH_DEL(revocations->by_name, revocations->sorted[i]);
        discard(revocations->sorted[i]);
    }
    m4h_heap_free(&revocations->passing);
    free(revocations->sorted);
    free(revocations);
}

/* ---- entries ------------------------------------------------------------------- */

void m4h_revocation_name(char name[M4H_REVOCATION_NAME_MAX + 1], const char *key_fingerprint,
                         const char *client_key)
{
    bool is_key = key_fingerprint[0] != '\0';

    snprintf(name, M4H_REVOCATION_NAME_MAX + 1, "%s%s", is_key ? KEY : DEVICE,
             is_key ? key_fingerprint : client_key);
}

bool m4h_revocation_name_parse(const char *name, char key_fingerprint[M4H_FINGERPRINT_MAX + 1],
                               char client_key[M4H_CLIENT_KEY_MAX + 1])
{
    key_fingerprint[0] = client_key[0] = '\0';
    if (strncmp(name, KEY, strlen(KEY)) == 0)
        return m4h_text_copy(key_fingerprint, M4H_FINGERPRINT_MAX + 1, name + strlen(KEY)) &&
               key_fingerprint[0] != '\0';
    return strncmp(name, DEVICE, strlen(DEVICE)) == 0 &&
           m4h_text_copy(client_key, M4H_CLIENT_KEY_MAX + 1, name + strlen(DEVICE)) &&
           m4h_ident_client_key_is_valid(client_key);
}

static struct entry *find(const struct m4h_revocations *revocations, const char *name)
{
    struct entry *entry;

    HASH_FIND_STR(revocations->by_name, name, entry);
    return entry;
}

static struct entry *find_either(const struct m4h_revocations *revocations,
                                 const char *key_fingerprint, const char *client_key)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];

    m4h_revocation_name(name, key_fingerprint, client_key);
    return find(revocations, name);
}

/* The number of an entry in the digest. */
static uint64_t number_of(const struct entry *entry)
{
    return m4h_digest_of(m4h_ident_hash(entry->name) ^ m4h_digest_of(entry->stamp) ^
                         (entry->banned ? 1 : 0));
}

/* Actor and reason in one block; NULL: no memory. */
static char *make_words(const struct m4h_revoke *revoke, size_t *reason_at)
{
    size_t actor_size = strlen(revoke->actor) + 1, reason_size = strlen(revoke->reason) + 1;
    char *words = malloc(actor_size + reason_size);

    if (words == NULL)
        return NULL;
    memcpy(words, revoke->actor, actor_size);
    memcpy(words + actor_size, revoke->reason, reason_size);
    *reason_at = actor_size;
    return words;
}

static struct entry *make(const char *name, const struct m4h_revoke *revoke)
{
    size_t name_size = strlen(name) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + name_size);

    if (entry == NULL)
        return NULL;
    memcpy(entry->name, name, name_size);
    entry->stamp = revoke->stamp;
    entry->banned = revoke->banned;
    entry->words = make_words(revoke, &entry->reason_at);
    if (entry->words == NULL) {
        free(entry);
        return NULL;
    }
    return entry;
}

static void copy_out(const struct entry *entry, struct m4h_revoke *out)
{
    *out = (struct m4h_revoke){.stamp = entry->stamp, .banned = entry->banned};
    (void)m4h_revocation_name_parse(entry->name, out->key_fingerprint, out->client_key);
    m4h_text_copy(out->actor, sizeof(out->actor), entry->words);
    m4h_text_copy(out->reason, sizeof(out->reason), entry->words + entry->reason_at);
}

/* ---- the set ------------------------------------------------------------------- */

/* The index of the first whose name comes after `name`, or is it. */
static size_t place_of(const struct m4h_revocations *revocations, const char *name)
{
    size_t low = 0, high = m4h_revocations_count(revocations);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(revocations->sorted[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int make_room(struct m4h_revocations *revocations)
{
    size_t wanted = revocations->allocated > 0 ? 2 * revocations->allocated : 16;
    struct entry **sorted;

    if (m4h_revocations_count(revocations) < revocations->allocated)
        return 0;
    sorted = realloc(revocations->sorted, wanted * sizeof(struct entry *));
    if (sorted == NULL)
        return M4H_ENOMEM;
    revocations->sorted = sorted;
    revocations->allocated = wanted;
    return 0;
}

static void take_out(struct m4h_revocations *revocations, struct entry *entry)
{
    size_t at = place_of(revocations, entry->name);
    size_t behind = m4h_revocations_count(revocations) - at - 1;
    struct entry **place = revocations->sorted + at;

    memmove(place, place + 1, behind * sizeof(struct entry *));
    HASH_DEL(revocations->by_name, entry);
    m4h_heap_remove(&revocations->passing, &entry->node);
    revocations->digest ^= number_of(entry);
    discard(entry);
}

static int put_in(struct m4h_revocations *revocations, struct entry *entry)
{
    size_t count = m4h_revocations_count(revocations);
    size_t at = place_of(revocations, entry->name);
    struct entry **place;
    int error = make_room(revocations);

    if (error == 0 && !entry->banned)
        error = m4h_heap_insert(&revocations->passing, &entry->node);
    if (error != 0)
        return error;
    HASH_ADD_STR(revocations->by_name, name, entry);
    if (entry->hh.tbl == NULL) {
        m4h_heap_remove(&revocations->passing, &entry->node);
        return M4H_ENOMEM;
    }
    place = revocations->sorted + at;
    memmove(place + 1, place, (count - at) * sizeof(struct entry *));
    *place = entry;
    revocations->digest ^= number_of(entry);
    return 0;
}

static struct entry *oldest_passing(const struct m4h_revocations *revocations)
{
    struct m4h_heap_node *node = m4h_heap_first(&revocations->passing);

    return node != NULL ? M4H_CONTAINER_OF(node, struct entry, node) : NULL;
}

/* ---- merging ------------------------------------------------------------------- */

static bool counts_rather(const struct m4h_revoke *revoke, const struct entry *than)
{
    if (revoke->stamp != than->stamp)
        return revoke->stamp > than->stamp;
    return revoke->banned && !than->banned;
}

/* Whether a newcomer has its place; `*error` is M4H_EFULL where one that must not be lost has
 * none. */
static bool has_place(const struct m4h_revocations *revocations, const struct entry *newcomer,
                      int *error)
{
    const struct entry *oldest = oldest_passing(revocations);

    if (m4h_revocations_count(revocations) < revocations->max)
        return true;
    if (oldest == NULL)
        *error = M4H_EFULL;
    else if (newcomer->banned)
        return true;
    return oldest != NULL && is_older(&oldest->node, &newcomer->node);
}

static int add(struct m4h_revocations *revocations, const char *name,
               const struct m4h_revoke *revoke, struct entry **added)
{
    bool is_full = m4h_revocations_count(revocations) >= revocations->max;
    struct entry *oldest = oldest_passing(revocations);
    struct entry *entry = make(name, revoke);
    int error = entry == NULL ? M4H_ENOMEM : 0;

    *added = NULL;
    if (error != 0)
        return error;
    if (!has_place(revocations, entry, &error) || (error = put_in(revocations, entry)) != 0) {
        discard(entry);
        return error;
    }
    if (is_full)
        take_out(revocations, oldest);
    *added = entry;
    return 0;
}

static int change(struct m4h_revocations *revocations, struct entry *entry,
                  const struct m4h_revoke *revoke)
{
    size_t reason_at;
    char *words = make_words(revoke, &reason_at);

    if (words == NULL || (entry->banned && !revoke->banned &&
                          m4h_heap_insert(&revocations->passing, &entry->node) != 0)) {
        free(words);
        return M4H_ENOMEM;
    }
    free(entry->words);
    entry->words = words;
    entry->reason_at = reason_at;
    revocations->digest ^= number_of(entry);
    entry->stamp = revoke->stamp;
    entry->banned = revoke->banned;
    revocations->digest ^= number_of(entry);
    if (entry->banned)
        m4h_heap_remove(&revocations->passing, &entry->node);
    else
        m4h_heap_moved(&revocations->passing, &entry->node);
    return 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

int m4h_revocations_merge(struct m4h_revocations *revocations, const struct m4h_revoke *revoke,
                          uint64_t heard_stamp, enum m4h_revocations_news *news)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];
    struct entry *entry;
    bool was_banned;
    int error;

    *news = M4H_REVOCATIONS_KNOWN;
    if (revoke->stamp == 0 ||
        (revoke->client_key[0] == '\0') == (revoke->key_fingerprint[0] == '\0'))
        return M4H_EINVALID;
    m4h_revocation_name(name, revoke->key_fingerprint, revoke->client_key);
    entry = find(revocations, name);
    if (entry != NULL && !counts_rather(revoke, entry))
        return 0;
    was_banned = entry != NULL && entry->banned;
    error =
        entry != NULL ? change(revocations, entry, revoke) : add(revocations, name, revoke, &entry);
    if (error != 0 || entry == NULL)
        return error;
    entry->void_before = later(entry->void_before, later(revoke->stamp, heard_stamp));
    entry->change = ++revocations->changes;
    *news = revoke->banned || was_banned ? M4H_REVOCATIONS_BAN : M4H_REVOCATIONS_NEW;
    return 0;
}

/* ---- judging ------------------------------------------------------------------- */

static enum m4h_revocations_verdict verdict_of(const struct entry *entry, uint64_t decided,
                                               uint64_t seen)
{
    if (entry == NULL)
        return M4H_REVOCATIONS_STANDS;
    if (entry->banned)
        return M4H_REVOCATIONS_BANNED;
    if (decided <= entry->void_before)
        return M4H_REVOCATIONS_VOID;
    return entry->change > seen ? M4H_REVOCATIONS_UNSURE : M4H_REVOCATIONS_STANDS;
}

enum m4h_revocations_verdict m4h_revocations_judge(const struct m4h_revocations *revocations,
                                                   const char *key_fingerprint,
                                                   const char *client_key, uint64_t decided,
                                                   uint64_t seen, struct m4h_revoke *by)
{
    const struct entry *of_key = NULL, *of_device = NULL;
    enum m4h_revocations_verdict key, device;

    if (revocations->by_name == NULL)
        return M4H_REVOCATIONS_STANDS;
    if (key_fingerprint[0] != '\0')
        of_key = find_either(revocations, key_fingerprint, "");
    if (client_key[0] != '\0')
        of_device = find_either(revocations, "", client_key);
    key = verdict_of(of_key, decided, seen);
    device = verdict_of(of_device, decided, seen);
    if (by != NULL && (key > device ? key : device) >= M4H_REVOCATIONS_VOID)
        copy_out(key >= device ? of_key : of_device, by);
    return key > device ? key : device;
}

bool m4h_revocations_ban(const struct m4h_revocations *revocations, const char *key_fingerprint,
                         const char *client_key, struct m4h_revoke *by)
{
    return m4h_revocations_judge(revocations, key_fingerprint, client_key, UINT64_MAX, UINT64_MAX,
                                 by) == M4H_REVOCATIONS_BANNED;
}

uint64_t m4h_revocations_stamp(const struct m4h_revocations *revocations,
                               const char *key_fingerprint, const char *client_key)
{
    const struct entry *entry = find_either(revocations, key_fingerprint, client_key);

    return entry != NULL ? entry->stamp : 0;
}

uint64_t m4h_revocations_changes(const struct m4h_revocations *revocations)
{
    return revocations->changes;
}

uint64_t m4h_revocations_digest(const struct m4h_revocations *revocations)
{
    return revocations->digest;
}

size_t m4h_revocations_ban_count(const struct m4h_revocations *revocations)
{
    return m4h_revocations_count(revocations) - revocations->passing.count;
}

/* ---- pages --------------------------------------------------------------------- */

size_t m4h_revocations_page(const struct m4h_revocations *revocations,
                            const struct m4h_revocations_request *request, struct m4h_revoke *page,
                            char next_page_token[M4H_REVOCATION_NAME_MAX + 1])
{
    size_t at = place_of(revocations, request->page_token);
    size_t total = m4h_revocations_count(revocations), count = 0;
    const struct entry *last = NULL;

    if (at < total && strcmp(revocations->sorted[at]->name, request->page_token) == 0)
        at++;
    next_page_token[0] = '\0';
    for (; at < total; at++) {
        const struct entry *entry = revocations->sorted[at];

        if (request->banned_only && !entry->banned)
            continue;
        if (count == request->page_size) {
            m4h_text_copy(next_page_token, M4H_REVOCATION_NAME_MAX + 1, last->name);
            break;
        }
        copy_out(entry, &page[count++]);
        last = entry;
    }
    return count;
}
