/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The CRC of a copied member, as the store's answers for its pieces tell it:
 * kept if it was not known, compared if it was.  If it is another, either it
 * is the known quirk, or the member is read once: then the known value was
 * wrong and is replaced, and the publish begins again; or the store's copy
 * is wrong, and that is an error.  Called by the crew.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32.h"
#include "base/text.h"
#include "publish/crew.h"
#include "publish/task.h"

static int
add_data(void *user, const void *p, size_t n)
{
    uint32_t *crc = user;

    *crc = crc32_add(*crc, p, n);
    return 0;
}

static int
diagnose(struct attempt *at, uint32_t member, uint32_t known)
{
    struct publish_job *j = at->j;
    const struct zip_member *m = job_member(j, member);
    uint32_t crc = 0;
    struct s3_get_args a = {
        .at = member_where(j, m),
        .etag = m->etag,
        .expect = m->size,
        .on_data = add_data,
    };
    struct s3_reply o;
    char name[400], text[500];
    int r;

    job_count(j, &j->st.downloaded, m->size);
    r = s3_get_wait(j->p->d.s3, j->scope, &a, &crc, &o);
    job_retries(j, &o.e);
    if (r < 0)
        return job_fail_member(j, &o.e, "GET", member);
    text_escape(name, sizeof(name), m->key, m->key_len);
    if (crc == known) {
        snprintf(text, sizeof(text),
                 "%s: the store's copy has another CRC-32 than the object",
                 name);
        return job_fail_of(j, EIO, member, text);
    }
    log_warn("publish: %s: its known CRC-32 %08x was wrong, it is %08x", name,
             known, crc);
    crc_put(j->crcs, member, crc, true);
    return job_again(j, "%s had a wrong CRC-32", name);
}

/* Some ranged copy of the member answered all of its CRC; into the
 * archive's upload, *ret_of_archive. */
static bool
is_quirk(struct attempt *at, uint32_t member, uint32_t known,
         bool *ret_of_archive)
{
    bool some = false;
    uint32_t n;

    *ret_of_archive = false;
    for (n = 0; n < at->parts; n++) {
        const struct plan_part *pp = part_plan(at, n);

        if (pp->kind != PLAN_COPY || pp->member != member ||
            !part_is_ranged(at, n))
            continue;
        *ret_of_archive |= part_is_last(at, n);
        some |= at->sent[n].have_crc && at->sent[n].crc == known;
    }
    return some;
}

/* A source with a CRC32 of its own, and ranges of it told the truth. */
static void
learn_good(struct attempt *at, uint32_t member)
{
    struct publish_job *j = at->j;

    if (job_member(j, member)->hint != ZIP_HINT_CRC32_FULL ||
        publisher_caps(j->p).range_good)
        return;
    publisher_learn(j->p, &j->p->caps.range_good,
                    "ranged copies answer the CRC of the range");
    pthread_mutex_lock(&at->lock);
    sched_trust(at->sched);
    pthread_mutex_unlock(&at->lock);
    crew_wake(at);
}

void
crc_keep(struct attempt *at, struct told *t)
{
    struct crc_set *crcs = at->j->crcs;
    uint32_t member = t->told.member;

    t->some = true;
    t->differs = false;
    if (!crc_peek(crcs, member, &t->known)) {
        t->fresh = true;
        if (crc_put(crcs, member, t->told.crc, false) != -EILSEQ)
            return;
        if (!crc_peek(crcs, member, &t->known))
            t->known = ~t->told.crc;
    }
    t->fresh = false;
    t->differs = t->known != t->told.crc;
}

int
crc_judge(struct attempt *at, const struct told *t, bool ranged)
{
    uint32_t member = t->told.member;
    bool of_archive;

    if (!t->some || t->fresh)
        return 0;
    if (!t->differs) {
        if (ranged)
            learn_good(at, member);
        return 0;
    }
    return is_quirk(at, member, t->known, &of_archive)
               ? found_quirk(at, of_archive)
               : diagnose(at, member, t->known);
}
