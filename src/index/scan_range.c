/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * One range of a scan: its pages, and the rounds of probes that cut it.
 * Sends nothing (scan.c).  Runs with scan.lock held.
 *
 * A range ends at the first key above its end, and what is above is
 * dropped: the range there lists it.  That is right only where keys come in
 * byte order and start-after is honoured.  So once there are borders every
 * page has to ascend from where its range begins; a store that fails in
 * that is listed once more, by one walker, and never split again.
 *
 * A round asks side by side, at several points of what is left, for the
 * first key above.  No key: the range ends at that point.  A key: another
 * range may begin there.
 */
#include "index/index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    FIRST_PAGES = 3, /* of a listing, before it is split */
    LEFT_LEAST = 3,  /* pages that are worth a round */
    PAGES_A_WALKER = 2,
    SLEEP_MAX = 30, /* pages, after rounds that cut nothing */
    SAMPLES = 8,    /* keys of a page that teach the alphabet */
};
#define LEFT_UNKNOWN 100000.0

static struct key_ref
ref(const char *s)
{
    return (struct key_ref){s, s ? strlen(s) : 0};
}

static struct key_ref
entry_ref(const struct s3_entry *s)
{
    return (struct key_ref){s->key, s->key_len};
}

static char *
dup_or_null(const char *s)
{
    return s ? strdup(s) : NULL;
}

struct range *
range_new(const char *after, const char *upto)
{
    struct range *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->after = dup_or_null(after);
    r->upto = dup_or_null(upto);
    if ((after && !r->after) || (upto && !r->upto)) {
        range_free(r);
        return NULL;
    }
    r->ready = true;
    return r;
}

static void
round_free(struct range *r)
{
    unsigned i;

    for (i = 0; r->round && i < r->round->count; i++) {
        free(r->round->probe[i].above);
        free(r->round->probe[i].found);
    }
    free(r->round);
    r->round = NULL;
}

void
range_free(struct range *r)
{
    if (!r)
        return;
    round_free(r);
    pager_free(&r->pager);
    blocks_free(&r->blocks);
    free(r->after);
    free(r->upto);
    free(r->first);
    free(r->last);
    free(r);
}

/* --------------------------------------------------------------- pages */

static struct key_ref
last_of(const struct range *r)
{
    if (r->last)
        return (struct key_ref){r->last, r->last_len};
    return ref(r->after);
}

static bool
ascends(const struct range *r, const struct s3_page *p)
{
    struct key_ref above = last_of(r);
    size_t i;

    for (i = 0; i < p->count; i++) {
        struct key_ref k = entry_ref(&p->entry[i]);

        if (above.p && key_cmp(k, above) <= 0)
            return false;
        above = k;
    }
    return true;
}

void
scan_no_split(struct scan *sc)
{
    sc->serial = true;
    sc->again = sc->was_cut;
    atomic_store(&sc->ix->no_split, true);
}

static int
copy_key(char **to, size_t *to_len, struct key_ref k)
{
    char *p = malloc(k.len + 1);

    if (!p)
        return -ENOMEM;
    memcpy(p, k.p, k.len);
    p[k.len] = '\0';
    free(*to);
    *to = p;
    *to_len = k.len;
    return 0;
}

static struct stretch
stretch_of(const struct scan *sc, const struct range *r)
{
    return (struct stretch){
        .first = {r->first, r->first_len},
        .last = {r->last, r->last_len},
        .upto = ref(r->upto),
        .prefix_len = sc->prefix_len,
    };
}

/* What the next round has to know of the keys. */
static int
note_keys(struct scan *sc, struct range *r, const struct s3_entry *entry,
          size_t n)
{
    size_t i, step = n / SAMPLES + 1;
    struct stretch s;
    int rc;

    if (n == 0)
        return 0;
    for (i = 0; i < n; i += step)
        alphabet_learn(&sc->alphabet, entry_ref(&entry[i]), sc->prefix_len);
    rc = copy_key(&r->last, &r->last_len, entry_ref(&entry[n - 1]));
    if (rc < 0)
        return rc;
    s = stretch_of(sc, r);
    if (!r->first || !split_is_near(&s)) {
        rc = copy_key(&r->first, &r->first_len, entry_ref(&entry[0]));
        r->since_first = 0;
    }
    r->since_first++;
    return rc;
}

/* How many entries of p are in r. */
static size_t
inside(const struct range *r, const struct s3_page *p)
{
    size_t n = p->count;

    while (r->upto && n > 0 &&
           key_cmp(entry_ref(&p->entry[n - 1]), ref(r->upto)) > 0)
        n--;
    return n;
}

int
range_page(struct scan *sc, struct range *r, const struct s3_page *p,
           struct err *e)
{
    size_t n;
    int rc;

    if (!sc->serial && !ascends(r, p)) {
        scan_no_split(sc);
        if (sc->again)
            return 0;
    }
    rc = pager_check(&r->pager, p, e);
    if (rc < 0)
        return rc;
    n = inside(r, p);
    rc = listing_add(sc->listing, p->entry, n, &r->blocks, e);
    if (rc == 0)
        rc = note_keys(sc, r, p->entry, n);
    r->rest++;
    r->done = !p->next || n < p->count;
    r->ready = !r->done;
    if (rc == 0 && r->ready)
        rc = pager_turn(&r->pager, p);
    return rc;
}

/* -------------------------------------------------------------- rounds */

double
range_left(const struct scan *sc, const struct range *r)
{
    struct stretch s;
    double left;

    if (sc->serial || r->done || r->round || !r->last || r->rest <= r->sleep ||
        r->pager.pages < (r->after ? 1 : FIRST_PAGES))
        return 0;
    s = stretch_of(sc, r);
    left = split_rest(&sc->alphabet, &s);
    if (left < 0) /* the less it shares, the more there may be */
        left = LEFT_UNKNOWN / (double)(split_depth(&s) + 1);
    else
        left *= r->since_first;
    /* One that goes on and on was judged wrongly. */
    if (left < r->rest / 2.0)
        left = r->rest / 2.0;
    return left < LEFT_LEAST ? 0 : left;
}

static size_t
find_points(struct scan *sc, struct range *r, unsigned most, char **ret)
{
    struct stretch s = stretch_of(sc, r);
    enum split_way way = r->by_stem ? SPLIT_STEM : SPLIT_SHARE;
    size_t n = split_points(&sc->alphabet, &s, way, most, ret);

    if (n == 0) {
        r->by_stem = !r->by_stem;
        way = r->by_stem ? SPLIT_STEM : SPLIT_SHARE;
        n = split_points(&sc->alphabet, &s, way, most, ret);
    }
    return n;
}

static void
fall_asleep(struct range *r)
{
    r->sleep = min_u64(2 * r->sleep + 1, SLEEP_MAX);
}

bool
range_round(struct scan *sc, struct range *r, unsigned most)
{
    double left = range_left(sc, r) / PAGES_A_WALKER;
    char *point[SCAN_SLOTS];
    size_t n, i;

    if (left < most)
        most = left < 1 ? 1 : (unsigned)left;
    n = find_points(sc, r, most, point);
    r->rest = 0;
    if (n > 0)
        r->round = calloc(1, sizeof(*r->round) + n * sizeof(struct probe));
    if (!r->round) {
        for (i = 0; i < n; i++)
            free(point[i]);
        fall_asleep(r);
        return false;
    }
    r->round->count = r->round->open = (unsigned)n;
    for (i = 0; i < n; i++)
        r->round->probe[i].above = point[i];
    return true;
}

/* Answers must be above their points and ascend as these do. */
static bool
answers_are_sound(const struct round *d)
{
    unsigned i;

    for (i = 0; i < d->count; i++) {
        const struct probe *p = &d->probe[i], *next = p + 1;

        if (!p->found) {
            if (i + 1 < d->count && next->found)
                return false;
            continue;
        }
        if (key_cmp((struct key_ref){p->found, p->found_len}, ref(p->above)) <=
            0)
            return false;
        if (i + 1 < d->count && next->found &&
            key_cmp((struct key_ref){p->found, p->found_len},
                    (struct key_ref){next->found, next->found_len}) > 0)
            return false;
    }
    return true;
}

static bool
found_upto(const struct probe *p, struct key_ref upto)
{
    return p->found &&
           (!upto.p ||
            key_cmp((struct key_ref){p->found, p->found_len}, upto) <= 0);
}

/* A range of its own above each point that has keys of its own, from the
 * highest down; r keeps what is below. */
static int
cut(struct scan *sc, struct range *r)
{
    struct round *d = r->round;
    unsigned i = d->count;
    bool none = true;

    while (i-- > 0) {
        struct probe *p = &d->probe[i];
        struct range *above;

        if (key_cmp(ref(p->above), last_of(r)) <= 0)
            break; /* the walker is past it */
        if (found_upto(p, ref(r->upto))) {
            none = false;
            above = range_new(p->above, r->upto);
            if (!above)
                return -ENOMEM;
            above->next = r->next;
            r->next = above;
        }
        free(r->upto);
        r->upto = STEAL(p->above);
        sc->was_cut = true;
        r->sleep = 0;
    }
    if (i + 1 == d->count)
        fall_asleep(r);
    r->by_stem = none && !r->by_stem;
    return 0;
}

int
range_probed(struct scan *sc, struct range *r, int probe,
             const struct s3_page *p)
{
    struct round *d = r->round;
    int rc = 0;

    if (!p || (p->count == 0 && p->next)) /* no answer either */
        d->void_ = true;
    else if (p->count > 0)
        rc = copy_key(&d->probe[probe].found, &d->probe[probe].found_len,
                      entry_ref(&p->entry[0]));
    if (--d->open > 0 || rc < 0)
        return rc;
    if (d->void_) {
        sc->serial = !sc->was_cut; /* go on as it is */
        fall_asleep(r);
    } else if (!answers_are_sound(d)) {
        scan_no_split(sc);
    } else if (!r->done && !sc->serial) {
        rc = cut(sc, r);
    }
    round_free(r);
    return rc;
}
