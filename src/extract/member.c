/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A large member: its local header by a GET, an upload at its key, parts by
 * copies inside the store (or by stream.c, from bytes that pass through),
 * Complete under the CRC-32 that the directory promises.  Called by unpack.c;
 * calls s3/upload.h and s3/sync.h.
 */
#include "extract/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crc/crc.h"

enum { LOOK_MS = 500, UNCLEAR_MAX = 5 };

/* The store refused what its own CRCs were good for, or tells others than
 * the archive: which of the two is wrong?  The body is read before it is
 * copied again. */
static int
distrust(struct member *m)
{
    if (!m->job->no_crc)
        log_info("extract: the store's CRC-32 of copies is not that of the "
                 "archive's entries: it is not used");
    m->job->no_crc = true;
    m->doubted = true;
    return MEMBER_AGAIN;
}

static int
read_body(struct member *m)
{
    struct unpack *j = m->job;
    struct s3_get_args a = {
        .at = source_where(&j->source),
        .etag = j->source.etag,
        .first = m->body,
        .length = m->z->size,
    };
    struct s3_error e;
    uint32_t crc;

    if (existing_read(j, &a, m->z->size, &crc, &e) < 0)
        return unpack_fail_s3(j, "GET", NULL, &e);
    if (crc != m->z->crc)
        return unpack_fail_crc(j, m->entry, crc);
    m->checked = true;
    return 0;
}

/* ----------------------------------------------------------------- copy */

/* Bytes of a part: more than usual for a member of too many parts. */
static uint64_t
copy_range(const struct member *m)
{
    const struct extract_limits *l = m->job->limits;
    uint64_t least = ceil_div_u64(m->z->size, l->parts_max);

    return least <= l->copy_range ? l->copy_range
                                  : ceil_div_u64(least, MIB(1)) * MIB(1);
}

/* A copy was refused: does this store copy no parts, or none into an upload
 * with a CRC?  Or is the archive another one now?  A store may look at the
 * range before it looks at the condition. */
static int
copy_refused(struct member *m, const struct s3_error *e)
{
    struct unpack *j = m->job;
    struct s3_head_args head = {.at = source_where(&j->source)};
    struct s3_error why = *e;
    struct s3_reply now;

    if (e->http == 501 || e->http == 405) {
        log_info("extract: this store copies no parts: %s", e->code);
        j->no_copy = true;
        return MEMBER_AGAIN;
    }
    if (m->up.crc32 && e->http == 400 && strcasestr(e->message, "checksum")) {
        log_info("extract: no copies into uploads with a CRC-32: %s", e->code);
        j->no_crc = true;
        return MEMBER_AGAIN;
    }
    if ((e->http == 400 || e->http == 416) &&
        s3_head_wait(j->d->s3, j->scope, &head, &now) == 0 &&
        strcmp(now.etag, j->source.etag) != 0)
        why.err = -ESTALE;
    return unpack_fail_s3(j, "COPY", NULL, &why);
}

static int
copy_part(void *user, uint64_t i)
{
    struct member *m = user;
    struct unpack *j = m->job;
    uint64_t range = copy_range(m);
    /* A range may be copied of more than 5 MiB only: the archive is larger
     * than this member, which has that. */
    struct s3_copy_args a = {
        .number = (uint32_t)i + 1,
        .source = source_where(&j->source),
        .source_etag = j->source.etag,
        .first = m->body + i * range,
        .length = min_u64(range, m->z->size - i * range),
        .source_size = j->source.size,
    };
    struct s3_reply reply;
    int r;

    budget_take(&j->copies, 1);
    r = upload_copy(&m->up, &a, &reply);
    budget_give(&j->copies, 1);
    if (r < 0)
        return copy_refused(m, &reply.e);
    unpack_moved(j, a.length, 0);
    if (m->up.crc32 && !reply.have_crc32) {
        log_info("extract: a part that was copied has no CRC-32");
        j->no_crc = true;
        return MEMBER_AGAIN;
    }
    return member_part(m, a.number, &reply);
}

static int
copy_parts(struct member *m)
{
    uint64_t range = copy_range(m);
    uint32_t crc = 0, i;
    int r = side_each(m->parts, UNPACK_MEMBER_COPIES, copy_part, m);

    for (i = 0; r == 0 && i < m->parts; i++)
        crc = crc_join(crc, m->part[i].crc32,
                       min_u64(range, m->z->size - i * range));
    if (r == 0 && m->up.crc32 && crc != m->z->crc)
        r = distrust(m);
    return r;
}

/* ------------------------------------------------------------- complete */

/* Complete had no clear answer: is the object there after all?  What was to
 * be replaced may have its size. */
static bool
has_arrived(struct member *m)
{
    struct unpack *j = m->job;
    struct s3_head_args head = {.at = m->up.at, .checksum = true};
    struct s3_get_args get = {.at = m->up.at, .expect = m->z->size};
    struct s3_reply o;
    struct s3_error e;
    uint32_t crc;

    /* A stop does not change what became of it. */
    if (s3_head_wait(j->d->s3, NULL, &head, &o) < 0 || o.size != m->z->size)
        return false;
    if (o.have_crc32)
        return o.crc32 == m->z->crc;
    get.etag = o.etag;
    return m->z->size == 0 ||
           (existing_read(j, &get, o.size, &crc, &e) == 0 && crc == m->z->crc);
}

static int
refused(struct member *m, const struct s3_error *e)
{
    if (e->err == -EEXIST)
        return existing_settle(m->job, m->entry, m->key);
    if (e->err == -EBUSY && m->busy++ < UNPACK_BUSY_MAX)
        return MEMBER_AGAIN;
    if (m->up.crc32 && s3_error_is_checksum(e))
        return distrust(m);
    return unpack_fail_s3(m->job, "POST", m->key, e);
}

static int
complete(struct member *m, bool streamed)
{
    struct unpack *j = m->job;
    unsigned unclear = 0;
    struct s3_reply reply;

    for (;;) {
        struct s3_complete_args a = {
            .part = m->part,
            .count = m->parts,
            .crc32 = m->up.crc32,
            .whole_crc32 = m->z->crc,
            .send_size = !j->no_size,
            .size = m->z->size,
            .if_none_match = !j->d->conf->overwrite,
        };
        int r = upload_complete(&m->up, &a, &reply);

        if (r == 0 || (m->up.unclear && has_arrived(m)))
            break;
        if (m->up.unclear) {
            reply.e.err = -EIO;
            if (++unclear > UNCLEAR_MAX ||
                scope_sleep(j->scope, LOOK_MS << unclear) < 0)
                return unpack_fail_s3(j, "POST", m->key, &reply.e);
        } else if (reply.e.http == 501 && a.send_size) {
            log_info("extract: no x-amz-mp-object-size here");
            j->no_size = true;
        } else {
            return refused(m, &reply.e);
        }
    }
    if (!m->up.crc32 && !m->checked && !streamed)
        unpack_unchecked(j);
    unpack_done(j, m->entry, false);
    return 0;
}

/* ----------------------------------------------------------------- once */

int
member_part(struct member *m, uint32_t number, const struct s3_reply *reply)
{
    struct s3_done_part *p = &m->part[number - 1];

    p->number = number;
    p->have_crc32 = reply->have_crc32;
    p->crc32 = reply->crc32;
    p->etag = strdup(reply->etag); /* Complete needs it */
    return p->etag ? 0 : unpack_no_memory(m->job);
}

static void
forget_parts(struct member *m)
{
    uint32_t i;

    for (i = 0; m->part && i < m->parts; i++)
        free((char *)m->part[i].etag);
    free(m->part);
    m->part = NULL;
}

/* An upload for so many parts. */
static int
create(struct member *m, uint64_t parts)
{
    struct unpack *j = m->job;
    const struct journal_new row = {.kind = JOURNAL_EXTRACT};
    struct upload_args a = {
        .s3 = j->d->s3,
        .scope = j->scope,
        .create = {.at = unpack_where(j, m->key),
                   .crc32 = !j->no_crc,
                   .fresh = true},
        .state = j->d->state,
        .row = &row,
    };
    struct s3_reply reply;
    int r;

    m->parts = (uint32_t)parts;
    m->part = calloc(parts, sizeof(*m->part));
    if (!m->part)
        return unpack_no_memory(j);
    r = upload_create(&m->up, &a, &reply);
    if (r < 0 && a.create.crc32 &&
        (reply.e.http == 400 || reply.e.http == 501 || reply.e.http == 405)) {
        log_info("extract: uploads with a CRC-32 are refused: %s",
                 reply.e.code);
        j->no_crc = true;
        return MEMBER_AGAIN;
    }
    return r < 0 ? unpack_fail_s3(j, "POST", m->key, &reply.e) : 0;
}

/* One upload, from its begin to its end. */
static int
try_once(struct member *m)
{
    struct unpack *j = m->job;
    bool streams = m->z->method != ZDIR_STORED || j->no_copy;
    bool full = j->no_crc && j->d->conf->verify == CONF_VERIFY_FULL;
    struct stream *s = NULL;
    int r = 0;

    if (streams)
        r = stream_open(&s, m);
    else if (!m->checked && (full || m->doubted))
        r = read_body(m);
    if (r == 0)
        r = create(m, s ? stream_parts(s)
                        : ceil_div_u64(m->z->size, copy_range(m)));
    if (r == 0)
        r = s ? stream_send(s) : copy_parts(m);
    stream_close(s);
    if (r == 0)
        r = complete(m, streams);
    upload_end(&m->up);
    forget_parts(m);
    return r;
}

static int
find_body(struct member *m, uint64_t k)
{
    struct unpack *j = m->job;
    size_t n = ZDIR_LOCAL_LEN + (size_t)m->z->name_len;
    CLEANUP_FREE uint8_t *header = malloc(n);
    struct s3_error e;
    struct err words;

    if (!header)
        return unpack_no_memory(j);
    if (source_get(&j->source, m->z->offset, header, n, &e) < 0)
        return unpack_fail_s3(j, "GET", NULL, &e);
    if (zdir_check_any(&j->dir, m->entry, header, unpack_limit(j, k), &m->body,
                       &words) < 0)
        return unpack_fail(j, words.num, "%s: %s", j->source.name, words.text);
    return 0;
}

int
member_extract(struct unpack *j, uint64_t k)
{
    struct member m = {
        .job = j,
        .entry = j->order[k],
        .z = unpack_entry(j, j->order[k]),
        .key = unpack_key(j, j->order[k]),
    };
    int r = m.key ? find_body(&m, k) : -ENOMEM;

    if (r == 0)
        do
            r = try_once(&m);
        while (r == MEMBER_AGAIN);
    free(m.key);
    return r;
}
