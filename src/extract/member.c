/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A member with an upload of its own: its local header first, then parts,
 * then Complete; and all the ways in which that may end.  Must not know
 * where parts come from (copy.c, stream.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract/unpack.h"

/* ---------------------------------------------------------------- leave */

static void
member_free(struct member *m)
{
    struct unpack_job *j = m->job;

    TAILQ_REMOVE(&j->active, m, link);
    j->members--;
    stream_free(m);
    unpack_upload_free(&m->up);
    free(m->header);
    free(m->key);
    free(m);
}

static void
on_left(struct upload *u)
{
    member_free(u->owner);
}

void
member_leave(struct member *m)
{
    m->leaving = true;
}

bool
member_back(struct member *m)
{
    m->calls--;
    if (!m->leaving && !m->job->stop)
        return true;
    member_leave(m);
    return false;
}

void
members_reap(struct unpack_job *j)
{
    struct member *m, *next;

    for (m = TAILQ_FIRST(&j->active); m; m = next) {
        next = TAILQ_NEXT(m, link);
        m->leaving |= j->stop;
        if (!m->leaving || m->calls > 0)
            continue;
        m->calls++; /* until on_left */
        stream_free(m);
        unpack_upload_abort(&m->up, on_left);
    }
}

void
member_fail(struct member *m, const char *op, const struct s3_error *e)
{
    unpack_fail_s3(m->job, op, m->key, e);
    member_leave(m);
}

void
member_bad_crc(struct member *m, uint32_t crc)
{
    struct unpack_job *j = m->job;
    char what[64];
    struct err e = {0};

    snprintf(what, sizeof(what), "CRC-32 is %08x, not %08x", crc,
             unpack_entry(j, m->entry)->crc);
    zdir_bad(&j->dir, m->entry, what, &e);
    unpack_fail(j, EIO, "%s: %s", j->source.name, e.text);
    member_leave(m);
}

/* ---------------------------------------------------------------- again */

static void
on_gone(struct upload *u)
{
    struct member *m = u->owner;

    if (member_back(m))
        member_begin(m);
}

void
member_again(struct member *m)
{
    m->copying = false;
    stream_free(m);
    m->calls++;
    unpack_upload_abort(&m->up, on_gone);
}

/* ------------------------------------------------------------- diagnose */

static void
on_read(struct call *c)
{
    struct member *m = c->owner;

    if (!member_back(m))
        return;
    if (c->e.err < 0) {
        unpack_fail_s3(m->job, "GET", NULL, &c->e);
    } else if (c->crc != unpack_entry(m->job, m->entry)->crc) {
        member_bad_crc(m, c->crc);
    } else {
        m->checked = true;
        member_begin(m);
    }
}

static void
read_body(struct member *m)
{
    struct call *c = call_new(m->job, on_read, m);

    if (!c) {
        member_leave(m);
        return;
    }
    m->calls++;
    call_get(c, m->body, unpack_entry(m->job, m->entry)->size, NULL);
}

void
member_diagnose(struct member *m)
{
    if (!m->job->no_crc)
        log_info("extract: the store's CRC-32 of copies is not that of the "
                 "archive's entries: it is not used");
    m->job->no_crc = true;
    if (!m->streams && !m->checked)
        m->doubted = true; /* read it before it is copied again */
    member_again(m);
}

/* ------------------------------------------------------------- complete */

static void
on_compared(void *user, int r)
{
    struct member *m = user;

    m->calls--;
    if (r == 0)
        unpack_done(m->job, m->entry, true);
    else if (r == -EEXIST || r == -ENOENT)
        unpack_fail(m->job, EEXIST, "%s: somebody else wrote it meanwhile",
                    m->key);
    member_leave(m);
}

static void
refused(struct member *m, const struct s3_error *e)
{
    if (e->err == -EEXIST) {
        m->calls++;
        there_compare(m->job, m->entry, m->key, on_compared, m);
    } else if (e->err == -EBUSY && m->busy++ < UNPACK_BUSY_MAX) {
        member_again(m);
    } else if (m->up.crc && s3_error_is_checksum(e)) {
        member_diagnose(m);
    } else {
        member_fail(m, "POST", e);
    }
}

static void
on_completed(struct upload *u)
{
    struct member *m = u->owner;
    struct unpack_job *j = m->job;

    m->calls--;
    if (u->e.err == 0) {
        if (!u->crc && !m->checked && !m->streams)
            j->st.unchecked++;
        unpack_done(j, m->entry, false);
        member_leave(m);
    } else if (m->leaving || j->stop) {
        member_leave(m);
    } else {
        refused(m, &u->e);
    }
}

void
member_complete(struct member *m)
{
    const struct zentry *z = unpack_entry(m->job, m->entry);

    m->calls++;
    unpack_upload_complete(&m->up, z->crc, z->size, on_completed);
}

/* ---------------------------------------------------------------- start */

void
member_begin(struct member *m)
{
    struct unpack_job *j = m->job;
    bool full = j->no_crc && j->d->conf->verify == CONF_VERIFY_FULL;

    m->streams |= j->no_copy;
    if (m->streams)
        stream_begin(m);
    else if (!m->checked && (full || m->doubted))
        read_body(m);
    else
        copy_begin(m);
}

static void
on_header(struct call *c)
{
    struct member *m = c->owner;
    struct unpack_job *j = m->job;
    struct err e = {0};

    if (!member_back(m))
        return;
    if (c->e.err < 0) {
        unpack_fail_s3(j, "GET", NULL, &c->e);
    } else if (zdir_check_any(&j->dir, m->entry, m->header,
                              unpack_limit(j, m->at), &m->body, &e) < 0) {
        unpack_fail(j, e.num, "%s: %s", j->source.name, e.text);
        member_leave(m);
    } else {
        member_begin(m);
    }
}

void
member_start(struct unpack_job *j, uint64_t k)
{
    struct member *m = calloc(1, sizeof(*m));
    const struct zentry *z;
    struct call *c;

    if (!m) {
        unpack_fail(j, ENOMEM, "out of memory");
        return;
    }
    m->job = j;
    m->at = k;
    m->entry = j->order[k];
    z = unpack_entry(j, m->entry);
    m->streams = z->method != ZDIR_STORED;
    TAILQ_INSERT_TAIL(&j->active, m, link);
    j->members++;
    m->key = unpack_key(j, m->entry);
    m->up = (struct upload){.job = j, .key = m->key, .owner = m};
    m->header = malloc(ZDIR_LOCAL_LEN + (size_t)z->name_len);
    c = m->key && m->header ? call_new(j, on_header, m) : NULL;
    if (!c) {
        unpack_fail(j, ENOMEM, "out of memory");
        member_leave(m);
        return;
    }
    m->calls++;
    call_get(c, z->offset, ZDIR_LOCAL_LEN + (uint64_t)z->name_len, m->header);
}
