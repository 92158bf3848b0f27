/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Parts that the store copies out of the archive, under its ETag.  Must not
 * know how an upload begins and ends.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "extract/unpack.h"

static uint64_t
part_range(uint64_t size)
{
    uint64_t least = ceil_div_u64(size, S3_PARTS_MAX);

    return max_u64(UNPACK_COPY_RANGE, ceil_div_u64(least, MIB(1)) * MIB(1));
}

static uint64_t
part_length(const struct member *m, uint64_t n)
{
    return min_u64(m->range,
                   unpack_entry(m->job, m->entry)->size - n * m->range);
}

/* ---------------------------------------------------------------- parts */

/* All are there: is it the body that the directory promises? */
static void
finish(struct member *m)
{
    uint32_t crc = 0, i;

    for (i = 0; m->up.crc && i < m->up.count; i++)
        crc = crc_join(crc, m->up.part[i].crc32, part_length(m, i));
    m->copying = false;
    if (m->up.crc && crc != unpack_entry(m->job, m->entry)->crc)
        member_diagnose(m);
    else
        member_complete(m);
}

/* Does this store copy no parts, or none into an upload with a CRC? */
static bool
learn(struct member *m, const struct s3_error *e)
{
    struct unpack_job *j = m->job;

    if (e->http == 501 || e->http == 405) {
        log_info("extract: this store copies no parts: %s", e->code);
        j->no_copy = true;
        return true;
    }
    if (m->up.crc && e->http == 400 && strcasestr(e->message, "checksum")) {
        log_info("extract: no copies into uploads with a CRC-32: %s", e->code);
        j->no_crc = true;
        return true;
    }
    return false;
}

/* The others end first, then it begins anew. */
static void
give_up(struct member *m)
{
    m->copying = false;
    m->next = m->up.count;
    m->done = 0;
    if (m->running == 0)
        member_again(m);
}

static void
on_archive(struct call *c)
{
    struct member *m = c->owner;
    struct unpack_job *j = m->job;

    m->calls--;
    if (c->e.err == 0 && c->text && strcmp(c->text, j->source.etag) != 0)
        m->up.e.err = -ESTALE;
    if (!j->stop)
        member_fail(m, "COPY", &m->up.e);
}

/* A store may look at the range before it looks at the condition. */
static void
refused(struct member *m, const struct s3_error *e)
{
    struct unpack_job *j = m->job;
    struct s3_where at = unpack_archive(j);
    struct call *c =
        e->http == 400 || e->http == 416 ? call_new(j, on_archive, m) : NULL;

    if (!c) {
        member_fail(m, "COPY", e);
        return;
    }
    m->up.e = *e;
    m->calls++;
    call_head(c, &at);
}

static void
part_copied(struct member *m, struct call *c)
{
    struct s3_done_part *p = &m->up.part[c->index];
    uint64_t n = part_length(m, c->index);

    p->number = (uint32_t)c->index + 1;
    p->etag = c->text;
    p->have_crc32 = c->have_crc;
    p->crc32 = c->crc;
    c->text = NULL;
    m->job->st.copied += n;
    m->done++;
    if (m->up.crc && !c->have_crc) {
        log_info("extract: a part that was copied has no CRC-32");
        m->job->no_crc = true;
        give_up(m);
    } else if (m->done == m->up.count) {
        finish(m);
    } else {
        copy_more(m);
    }
}

static void
on_part(struct call *c)
{
    struct member *m = c->owner;
    struct unpack_job *j = m->job;

    m->calls--;
    m->running--;
    j->copies--;
    m->up.cut |= c->e.err == -ECANCELED;
    if (m->leaving || j->stop)
        member_leave(m);
    else if (!m->copying) /* given up */
        give_up(m);
    else if (c->e.err == 0 && c->text)
        part_copied(m, c);
    else if (c->e.err < 0 && learn(m, &c->e))
        give_up(m);
    else if (c->e.err < 0)
        refused(m, &c->e);
    else
        unpack_fail(j, ENOMEM, "out of memory");
}

static bool
part_start(struct member *m)
{
    struct unpack_job *j = m->job;
    struct call *c = call_new(j, on_part, m);
    struct s3_copy_args a = {
        .at = unpack_where(j, m->key),
        .upload_id = m->up.id,
        .number = m->next + 1,
        .source = unpack_archive(j),
        .source_etag = j->source.etag,
        .first = m->body + m->next * m->range,
        .length = part_length(m, m->next),
        .source_size = j->source.size,
    };

    if (!c)
        return false;
    c->index = m->next++;
    m->calls++;
    m->running++;
    j->copies++;
    call_copy(c, &a);
    return true;
}

void
copy_more(struct member *m)
{
    struct unpack_job *j = m->job;

    while (m->copying && !j->stop && m->next < m->up.count &&
           m->running < UNPACK_MEMBER_COPIES && j->copies < UNPACK_COPIES)
        if (!part_start(m))
            break;
}

/* ---------------------------------------------------------------- begin */

static void
on_created(struct upload *u)
{
    struct member *m = u->owner;

    if (!member_back(m))
        return;
    if (u->e.err < 0) {
        member_fail(m, "POST", &u->e);
    } else {
        m->copying = true;
        copy_more(m);
    }
}

void
copy_begin(struct member *m)
{
    uint64_t size = unpack_entry(m->job, m->entry)->size;

    m->range = part_range(size);
    m->next = m->done = 0;
    m->calls++;
    unpack_upload_create(&m->up, (uint32_t)ceil_div_u64(size, m->range),
                         on_created);
}
