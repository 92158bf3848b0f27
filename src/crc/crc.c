/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The room's one object: what all sets of a mount share.  Must not know
 * rungs.
 */
#include "crc/impl.h"

#include <errno.h>

struct crc *
crc_ref(struct crc *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void
crc_unref(struct crc *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    crcs_free(c->values);
    pthread_mutex_destroy(&c->rows_lock);
    oracle_free(c);
    pthread_mutex_destroy(&c->flushing);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int
crc_new(struct crc **ret, struct net *n, struct s3 *s, struct state *st,
        enum conf_crc mode, struct err *e)
{
    struct crc *c = calloc(1, sizeof(*c));

    if (!c || crcs_new(&c->values, st) < 0) {
        free(c);
        return err_set(e, ENOMEM, "out of memory");
    }
    atomic_init(&c->refs, 1);
    c->net = n;
    c->s3 = s;
    c->state = st;
    c->mode = mode;
    pthread_mutex_init(&c->flushing, NULL);
    pthread_mutex_init(&c->lock, NULL);
    LIST_INIT(&c->sets);
    STAILQ_INIT(&c->dirty);
    TAILQ_INIT(&c->cheap_queue);
    TAILQ_INIT(&c->read_queue);
    TAILQ_INIT(&c->copied_queue);
    oracle_init(c);
    pthread_mutex_init(&c->rows_lock, NULL);
    *ret = c;
    return 0;
}

void
crc_free(struct crc *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->closed = true; /* no timer is started from now on */
    pthread_mutex_unlock(&c->lock);
    oracle_close(c);
    crc_flush(c);
    /* Late answers may still hold sets: they find the store closed. */
    crcs_close(c->values);
    pthread_mutex_lock(&c->rows_lock);
    c->state = NULL;
    pthread_mutex_unlock(&c->rows_lock);
    crc_unref(c);
}

void
crc_stats_get(struct crc *c, struct crc_stats *ret)
{
    *ret = (struct crc_stats){
        .known = atomic_load(&c->known),
        .from_store = atomic_load(&c->from_store),
        .from_head = atomic_load(&c->from_head),
        .from_attributes = atomic_load(&c->from_attributes),
        .from_oracle = atomic_load(&c->from_oracle),
        .from_read = atomic_load(&c->from_read),
        .proof_bytes = atomic_load(&c->proof_bytes),
    };
}
