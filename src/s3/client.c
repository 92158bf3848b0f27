/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * struct s3: where the store is, what was learned about it, and the table
 * of calls by id.  Must not know single operations.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "s3/call.h"

static int
copy_words(struct s3 *s, const struct s3_conf *c)
{
    static const struct {
        size_t to, from;
    } words[] = {
        {offsetof(struct s3, owner),
         offsetof(struct s3_conf, expected_bucket_owner)},
        {offsetof(struct s3, dest_owner),
         offsetof(struct s3_conf, dest_expected_owner)},
        {offsetof(struct s3, storage_class),
         offsetof(struct s3_conf, storage_class)},
        {offsetof(struct s3, kms_key),
         offsetof(struct s3_conf, sse_kms_key_id)},
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(words); i++) {
        char **to = (char **)(void *)((char *)s + words[i].to);
        const char *from =
            *(const char *const *)(const void *)((const char *)c +
                                                 words[i].from);

        if (!from || !*from)
            continue;
        *to = strdup(from);
        if (!*to)
            return -ENOMEM;
    }
    return 0;
}

static int
find_region(struct s3 *s, const struct s3_conf *c, struct err *e)
{
    const char *region = c->region;

    if (!region || !*region)
        region = aws_region(s->aws);
    if (!region || !*region)
        region = "us-east-1";
    if (!s3_region_ok(region)) {
        char name[100];

        text_escape(name, sizeof(name), region, strlen(region));
        return err_set(e, EINVAL, "not a region: %s", name);
    }
    strcpy(s->region, region);
    return 0;
}

static int
style_of(const struct s3_conf *c, struct aws *a)
{
    const char *word;

    if (c->path_style >= 0)
        return c->path_style > 0;
    word = aws_addressing_style(a);
    if (word && strcmp(word, "path") == 0)
        return 1;
    if (word && strcmp(word, "virtual") == 0)
        return 0;
    return -1;
}

static int
find_endpoint(struct s3 *s, const struct s3_conf *c, struct err *e)
{
    const char *url = c->endpoint;
    int r;

    if (!url || !*url)
        url = aws_endpoint_url(s->aws);
    s->ep.path_style = style_of(c, s->aws);
    if (!url || !*url) {
        s->ep.aws = s->ep.https = true;
        s->id_text = strdup(s3_partition(s->region));
    } else {
        r = s3_endpoint_parse(&s->ep, url, e);
        if (r < 0)
            return r;
        if (asprintf(&s->id_text, "%s://%s%s", s->ep.https ? "https" : "http",
                     s->ep.host, s->ep.base) < 0)
            s->id_text = NULL;
    }
    return s->id_text ? 0 : err_set(e, ENOMEM, "out of memory");
}

int
s3_new(struct s3 **ret, struct net *n, struct aws *a, const struct s3_conf *c,
       struct err *e)
{
    struct s3 *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return err_set(e, ENOMEM, "out of memory");
    xmlInitParser();
    s->net = n;
    s->aws = a;
    s->requester_pays = c->requester_pays;
    s->sign_payload = c->sign_payload;
    pthread_mutex_init(&s->lock, NULL);
    s3_governors_init(s);
    if (getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed))
        s->seed = net_now_ms();
    s->seed |= 1;
    r = find_region(s, c, e);
    if (r == 0)
        r = find_endpoint(s, c, e);
    if (r == 0 && copy_words(s, c) < 0)
        r = err_set(e, ENOMEM, "out of memory");
    if (r == 0 && c->trace)
        r = s3_trace_open(&s->trace, n, c->trace, e);
    if (r < 0) {
        s3_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* Calls that net did not bring to an end (a timer that never ran). */
static void
answer_leftovers(struct s3 *s)
{
    size_t i;

    for (i = 0; i < S3_TABLE; i++) {
        while (s->table[i]) {
            struct s3_call *c = s->table[i];

            s->table[i] = c->chain;
            c->error.err = -ECANCELED;
            c->verb->answer(c);
            s3_call_free(c);
        }
    }
}

void
s3_free(struct s3 *s)
{
    struct s3_region *g, *next;

    if (!s)
        return;
    answer_leftovers(s);
    s3_trace_close(s->trace);
    for (g = s->regions; g; g = next) {
        next = g->next;
        free(g);
    }
    s3_endpoint_free(&s->ep);
    free(s->id_text);
    free(s->owner);
    free(s->dest_owner);
    free(s->storage_class);
    free(s->kms_key);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *
s3_endpoint_id(const struct s3 *s)
{
    return s->id_text;
}

uint32_t
s3_random(struct s3 *s)
{
    LOCK_SCOPE(&s->lock);

    /* xorshift64*: jitter needs no more. */
    s->seed ^= s->seed >> 12;
    s->seed ^= s->seed << 25;
    s->seed ^= s->seed >> 27;
    return (uint32_t)((s->seed * UINT64_C(2685821657736338717)) >> 32);
}

/* -------------------------------------------------------------- regions */

static struct s3_region *
region_find(struct s3 *s, const char *bucket)
{
    struct s3_region *g = s->regions;

    while (g && strcmp(g->bucket, bucket) != 0)
        g = g->next;
    return g;
}

void
s3_region_of(struct s3 *s, const char *bucket, char out[S3_REGION_MAX])
{
    const struct s3_region *g;

    LOCK_SCOPE(&s->lock);

    g = region_find(s, bucket);
    strcpy(out, g ? g->region : s->region);
}

bool
s3_region_learn(struct s3 *s, const char *bucket, const char *region)
{
    struct s3_region *g;

    if (!s3_region_ok(region))
        return false;
    LOCK_SCOPE(&s->lock);

    g = region_find(s, bucket);
    if (!g) {
        g = calloc(1, sizeof(*g) + strlen(bucket) + 1);
        if (!g)
            return false;
        strcpy(g->bucket, bucket);
        g->next = s->regions;
        s->regions = g;
    } else if (strcmp(g->region, region) == 0) {
        return false;
    }
    strcpy(g->region, region);
    return true;
}

void
s3_bucket_region(struct s3 *s, const char *bucket, char *out, size_t out_size)
{
    const struct s3_region *g;

    LOCK_SCOPE(&s->lock);

    g = region_find(s, bucket);
    snprintf(out, out_size, "%s", g ? g->region : "");
}

/* ------------------------------------------------------------ the table */

void
s3_table_add(struct s3 *s, struct s3_call *c)
{
    LOCK_SCOPE(&s->lock);

    c->id = ++s->last_id;
    c->chain = s->table[c->id % S3_TABLE];
    s->table[c->id % S3_TABLE] = c;
}

void
s3_table_remove(struct s3 *s, struct s3_call *c)
{
    struct s3_call **p;

    LOCK_SCOPE(&s->lock);

    for (p = &s->table[c->id % S3_TABLE]; *p; p = &(*p)->chain) {
        if (*p == c) {
            *p = c->chain;
            return;
        }
    }
}

/* With s->lock. */
static struct s3_call *
find(struct s3 *s, s3_id id)
{
    struct s3_call *c = s->table[id % S3_TABLE];

    while (c && c->id != id)
        c = c->chain;
    return c;
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    struct s3_call *c;
    uint64_t net_id = 0, timer_id = 0;

    {
        LOCK_SCOPE(&s->lock);

        c = find(s, id);
        if (c) {
            c->cancelled = true;
            net_id = c->net_id;
            timer_id = c->timer_id;
            c->timer_id = 0; /* who zeroes it deals with it */
        }
    }
    if (net_id)
        net_cancel(s->net, net_id);
    /* A timer that will not run leaves the call to us; its end belongs on
     * a loop thread. */
    if (timer_id && net_timer_cancel(s->net, timer_id))
        net_timer(s->net, 0, s3_call_wake, c);
}

/* One resume too many does no harm: a pause is given up only by who asked
 * for it. */
void
s3_resume(struct s3 *s, s3_id id)
{
    struct s3_call *c;
    uint64_t net_id = 0;

    {
        LOCK_SCOPE(&s->lock);

        c = find(s, id);
        if (c) {
            net_id = c->net_id;
        }
    }
    if (net_id)
        net_resume(s->net, net_id);
}
