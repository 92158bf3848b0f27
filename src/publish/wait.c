/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * For threads that may wait: callbacks of other rooms as plain calls.  Called
 * by the steps of a job.
 */
#include <errno.h>
#include <string.h>

#include "publish/job.h"

/* ----------------------------------------------------------------- CRCs */

struct crc_call {
    struct scope_wait w;
    struct crc_set *set;
    uint64_t id;
    int r;
    uint32_t value;
    struct err e;
};

static void
crc_answered(void *user, int r, uint32_t value, const struct err *e)
{
    struct crc_call *c = user;

    c->r = r;
    c->value = value;
    if (r < 0 && e)
        c->e = *e;
    scope_wait_done(&c->w);
}

static void
crc_stopped(void *user)
{
    struct crc_call *c = user;

    if (!c->id || !crc_cancel(c->set, c->id))
        return;
    c->r = -ECANCELED;
    scope_wait_done(&c->w);
}

int
crc_wait(struct scope *sc, struct crc_set *set, size_t member, unsigned flags,
         uint32_t *ret, struct err *e)
{
    struct crc_call c = {.set = set};
    int r = scope_wait_begin(&c.w, sc, crc_stopped, &c);

    if (r < 0)
        return r;
    c.id = crc_get(set, member, flags, crc_answered, &c);
    scope_wait_end(&c.w);
    if (c.r == 0)
        *ret = c.value;
    else
        *e = c.e;
    return c.r;
}

/* -------------------------------------------------------------- permits */

struct permit_call {
    struct scope_wait w;
    struct permits *p;
    uint64_t id;
    bool given_up;
};

static void
permit_granted(void *user)
{
    struct permit_call *c = user;

    scope_wait_done(&c->w);
}

static void
permit_stopped(void *user)
{
    struct permit_call *c = user;

    if (!permits_cancel(c->p, c->id))
        return;
    c->given_up = true;
    scope_wait_done(&c->w);
}

int
permits_wait(struct scope *sc, struct permits *p, uint64_t n)
{
    struct permit_call c = {.p = p};
    int r = scope_wait_begin(&c.w, sc, permit_stopped, &c);

    if (r < 0)
        return r;
    c.id = permits_take(p, n, permit_granted, &c);
    if (c.id == 0)
        scope_wait_done(&c.w);
    scope_wait_end(&c.w);
    return c.given_up ? -ECANCELED : 0;
}
