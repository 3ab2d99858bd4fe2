/* Which masters are there, by their hellos. Pure; one thread. */
#ifndef M4H_MASTER_MASTERS_H
#define M4H_MASTER_MASTERS_H

#include "lib/base/model.h"

/* How often each says hello, and how long it is still there when it says it no more. */
#define M4H_MASTERS_HELLO_MS 2000u
#define M4H_MASTERS_GONE_MS  6000u

struct m4h_masters {
    struct m4h_master_hello self;
    struct {
        struct m4h_master_hello hello;
        uint64_t seen_ms;
        uint64_t seen_wall_ms;
    } others[M4H_MASTERS_MAX - 1];
    size_t count; /* of the others */
};

/* What a hello says. */
enum m4h_masters_news {
    M4H_MASTERS_NOTHING,
    M4H_MASTERS_CAME,
    M4H_MASTERS_WENT,
    M4H_MASTERS_SAME_ID, /* a newcomer has our id: one of the two is configured wrong */
    M4H_MASTERS_FULL,    /* it is not remembered */
};

/* Copies `self`, whose `instance` must be random and not 0. */
void m4h_masters_init(struct m4h_masters *masters, const struct m4h_master_hello *self);
/* Our own come back, too: they are nothing. */
enum m4h_masters_news m4h_masters_heard(struct m4h_masters *masters,
                                        const struct m4h_master_hello *hello, uint64_t now_ms,
                                        uint64_t wall_ms);
/* Forgets one that has been silent for too long, and copies it into `*gone`. False:
 * there is none such. */
bool m4h_masters_expire(struct m4h_masters *masters, uint64_t now_ms,
                        struct m4h_master_hello *gone);
/* Fills status->masters: all in order of id, this one too. */
void m4h_masters_status(const struct m4h_masters *masters, uint64_t wall_ms,
                        struct m4h_cluster_status *status);

#endif
