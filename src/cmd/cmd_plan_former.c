/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip plan: is what was published before still there?  Downloads
 * nothing.
 */
#include "cmd/cmd_plan.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct look {
    pthread_mutex_t lock; /* all below */
    pthread_cond_t answered;
    bool over;
    int r;
    struct err err;
    const struct publish_dest *dest;
    char etag[320], digest[80];
    bool stored; /* its CRC-32 */
};

static void
on_head(void *user, const struct s3_error *e, const struct s3_object *o)
{
    struct look *k = user;
    LOCK_SCOPE(&k->lock);

    k->r = e->err;
    if (e->err < 0) {
        s3_error_text(e, "HEAD", k->dest->bucket, k->dest->key,
                      strlen(k->dest->key), &k->err);
    } else {
        snprintf(k->etag, sizeof(k->etag), "%s", o->etag);
        snprintf(k->digest, sizeof(k->digest), "%s", o->layout_digest);
        k->stored = o->have_crc32;
    }
    k->over = true;
    pthread_cond_signal(&k->answered);
}

static void
look_wait(struct look *k)
{
    LOCK_SCOPE(&k->lock);

    while (!k->over)
        pthread_cond_wait(&k->answered, &k->lock);
}

/* Whatever keeps us from looking: a publish would not copy from there. */
static struct former *
look(struct cmd_session *s, const struct publish_dest *dest)
{
    struct look k = {.lock = PTHREAD_MUTEX_INITIALIZER,
                     .answered = PTHREAD_COND_INITIALIZER,
                     .dest = dest};
    struct s3_head_args args = {
        .at = {dest->bucket, dest->key, strlen(dest->key), true},
        .checksum = true};
    struct former *f = NULL;

    s3_head(s->s3, &args, on_head, &k);
    look_wait(&k);
    if (k.r < 0)
        log_info("%s", k.err.text);
    else
        f = former_load(s->state, s3_endpoint_id(s->s3), dest->bucket,
                        dest->key, strlen(dest->key), k.etag, k.digest);
    if (f)
        f->stored = k.stored;
    pthread_mutex_destroy(&k.lock);
    pthread_cond_destroy(&k.answered);
    return f;
}

int
cmd_plan_former(struct cmd_session *s, const struct cmd_args *a,
                const struct layout *l, struct former **ret, struct err *e)
{
    const char *word = a->words > 1 ? a->word[1] : "";
    struct publish_dest dest;
    struct err why = {0};
    int r =
        publish_dest_parse(s->publisher, l, word, strlen(word), &dest, &why);

    *ret = NULL;
    if (r < 0 && a->words > 1) {
        *e = why;
        return r;
    }
    if (r < 0) /* publishing is off, or not allowed there */
        return 0;
    if (former_known(s->state, s3_endpoint_id(s->s3), dest.bucket, dest.key,
                     strlen(dest.key)))
        *ret = look(s, &dest);
    publish_dest_free(&dest);
    return 0;
}
