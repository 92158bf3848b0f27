/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The published twin: an object of the same bytes as the archive.  To the
 * window it is one more member, behind the last one, whose body is all of
 * the archive; so units, budget and read-ahead know nothing of it.  When
 * it fails it is given up and the reads that wanted it start again from
 * the members.  Must not know how a twin is recognised (index).
 */
#include "read/impl.h"

#include <errno.h>

#include "base/text.h"

/* With pool->lock.  One that was given up once is not tried again. */
void
twin_look(struct reader *r)
{
    const struct layout_twin *w = atomic_load(&r->layout->twin);

    r->twin = w == r->given_up || atomic_load(&r->layout->misread) ? NULL : w;
}

void
reader_piece_at(const struct reader *r, bool twin, uint64_t at,
                struct zip_piece *ret)
{
    const struct zip_layout *l = &r->layout->zip;

    if (twin)
        *ret = (struct zip_piece){ZIP_PIECE_DATA, l->count, 0, l->size};
    else
        zip_piece_at(l, at, ret);
}

uint64_t
reader_body_size(const struct reader *r, size_t member)
{
    const struct zip_layout *l = &r->layout->zip;

    return member == l->count ? l->size : l->member[member].size;
}

uint64_t
reader_body_at(const struct reader *r, size_t member)
{
    const struct zip_layout *l = &r->layout->zip;

    return member == l->count ? 0 : zip_data_offset(l, member);
}

bool
reader_crc_known(const struct reader *r, size_t member)
{
    uint32_t v;

    return member == r->layout->zip.count || crc_peek(r->crcs, member, &v);
}

/* ------------------------------------------------------------ giving up */

/* Its members are to be fetched ahead instead. */
static void
unclaim_all(struct unit *u, struct todo *t)
{
    struct claim *cl;

    u->refs++; /* not freed by the last claim */
    while ((cl = LIST_FIRST(&u->claims))) {
        struct cursor *c = cl->cursor;

        if (c->ahead > c->pos)
            c->ahead = c->pos;
        unit_unclaim(cl, t);
    }
    if (u->state == UNIT_DONE)
        unit_forget(u);
    u->refs--;
    unit_maybe_free(u);
}

static void
drop_units(struct reader *r, struct todo *t)
{
    struct unit *u, *next;

    for (u = LIST_FIRST(&r->units); u; u = next) {
        next = LIST_NEXT(u, of_reader);
        if (u->twin)
            unclaim_all(u, t);
    }
}

/* With pool->lock.  True: say so in the log. */
bool
twin_give_up(struct unit *u, struct todo *t)
{
    struct reader *rd = u->reader;

    if (rd->twin != u->twin)
        return false;
    rd->given_up = rd->twin;
    rd->twin = NULL;
    if (u->wrong) {
        atomic_store(&rd->layout->misread, true);
        rd->wrong_opens = rd->opens;
    }
    drop_units(rd, t);
    return true;
}

/* ---------------------------------------------------------- starting again */

/* In o's place, from the members.  NULL: out of memory. */
static struct op *
successor(const struct op *o)
{
    struct op *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->reader = o->reader;
    n->stream = o->stream;
    n->cursor = o->cursor;
    n->epoch = o->epoch;
    if (n->cursor && n->cursor->epoch == n->epoch)
        n->cursor->waiting++;
    n->id = o->id;
    n->offset = o->offset;
    n->end = o->end;
    n->flags = o->flags;
    n->run_start = o->run_start;
    n->forward = o->forward;
    n->first_of_run = o->first_of_run;
    n->limit = o->limit;
    n->seen = o->seen;
    n->cb = o->cb;
    n->user = o->user;
    n->refs = 2; /* its answer's, and todo's */
    n->reader->refs++;
    return n;
}

void
twin_start_again(struct op *o, int r, struct todo *t)
{
    struct op *n;

    if (r == -ECANCELED || !o->twin || r == -ENOMEM || r == -EFBIG ||
        twin_misled(o->stream))
        return;
    n = successor(o);
    if (!n)
        return;
    TAILQ_INSERT_TAIL(&o->stream->ops, n, link);
    STAILQ_INSERT_TAIL(&t->redo, n, planned);
    o->silent = true;
}

/* ---------------------------------------------------------------- check */

/* What has passed of it, against the CRC-32 that the store has. */
int
twin_check(struct unit *u, struct err *e)
{
    const struct layout_twin *w = u->twin;
    uint64_t size = u->reader->layout->zip.size;
    uint32_t crc = u->crc;
    char name[256];

    if (!w->have_crc32 ||
        (!u->whole && !check_add(u->reader->check, u->member, size, u->first,
                                 u->length, u->crc, &crc)) ||
        crc == w->crc32)
        return 0;
    u->wrong = true;
    text_escape(name, sizeof(name), w->key, w->key_len);
    return err_set(e, EIO,
                   "s3://%s/%s: CRC-32 of what was read is %08x, not %08x",
                   u->reader->layout->bucket, name, crc, w->crc32);
}

/* With pool->lock: a stream that was open while a wrong twin was read may
 * have got wrong bytes already, so its next ones must not look right. */
bool
twin_misled(const struct read_stream *s)
{
    return s->opened <= s->reader->wrong_opens;
}

int
twin_trust(const struct op *o, struct err *ret)
{
    const struct reader *r = o->reader;

    if (twin_misled(o->stream) && !(o->flags & READ_EXACT))
        return err_set(ret, EIO,
                       "the published archive was read, which "
                       "turned out wrong");
    if (o->twin && !r->twin) /* starts again */
        return err_set(ret, ESTALE, "the published archive changed");
    return 0;
}
