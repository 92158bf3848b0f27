/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What index/ calls of s3/ and net/, answered from an array.
 */
#include "test_index_fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct fake fake;

struct task {
    struct task *next;
    uint64_t due; /* of timers */
    void (*fn)(void *user);
    s3_list_cb *list;
    s3_get_cb *head;
    bool checksum;
    void *user;
    char *prefix, *token, *key, *after;
    bool delimiter, cancelled;
    size_t max_keys;
    s3_id id;
};
static struct task *tasks, *timers;

static void
task_free(struct task *t)
{
    free(t->prefix);
    free(t->token);
    free(t->key);
    free(t->after);
    free(t);
}

static struct task *
add(struct task **list)
{
    struct task *t = calloc(1, sizeof(*t));

    while (*list)
        list = &(*list)->next;
    *list = t;
    return t;
}

static void
drop_all(struct task **list)
{
    struct task *t;

    while ((t = *list)) {
        *list = t->next;
        task_free(t);
    }
}

void
fake_reset(void)
{
    drop_all(&tasks);
    drop_all(&timers);
    fake = (struct fake){.page = 1000, .now = 5000};
}

/* ----------------------------------------------------------------- net */

uint64_t
net_now_ms(void)
{
    return fake.now;
}

uint64_t
net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *user), void *user)
{
    struct task *t = add(delay_ms ? &timers : &tasks);

    (void)n;
    t->due = fake.now + delay_ms;
    t->fn = fn;
    t->user = user;
    return 1;
}

void
net_work(struct net *n, void (*fn)(void *user), void *user)
{
    struct task *t = add(&tasks);

    (void)n;
    fake.works++;
    t->fn = fn;
    t->user = user;
}

bool
log_on(enum log_level level)
{
    return level <= LOG_WARN;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    (void)fmt;
    if (level <= LOG_WARN)
        fake.logs++;
}

/* ------------------------------------------------------------------ s3 */

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    return err_set(ret, -e->err, "%s s3://%s/%.*s: failed", op, bucket,
                   (int)key_len, key);
}

s3_id
s3_list(struct s3 *s, const struct s3_list_args *args, s3_list_cb *cb,
        void *user)
{
    struct task *t = add(&tasks);

    (void)s;
    fake.lists++;
    fake.probes += args->start_after && args->max_keys == 1;
    t->id = fake.lists;
    t->list = cb;
    t->after = args->start_after ? strdup(args->start_after) : NULL;
    t->user = user;
    t->prefix = strdup(args->prefix);
    t->token = args->token ? strdup(args->token) : NULL;
    t->delimiter = args->delimiter;
    t->max_keys = args->max_keys ? args->max_keys : fake.page;
    fake.open++;
    if (fake.open > fake.most)
        fake.most = fake.open;
    return fake.lists;
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    struct task *t;

    (void)s;
    for (t = tasks; t; t = t->next)
        if (t->list && t->id == id)
            t->cancelled = true;
}

s3_id
s3_head(struct s3 *s, const struct s3_head_args *args, s3_get_cb *cb,
        void *user)
{
    struct task *t = add(&tasks);

    (void)s;
    fake.heads++;
    t->head = cb;
    t->checksum = args->checksum;
    t->user = user;
    t->key = strndup(args->at.key, args->at.key_len);
    return fake.heads;
}

static size_t
key_len(const struct fake_object *o)
{
    return o->key_len ? o->key_len : strlen(o->key);
}

static struct s3_entry
entry_of(const struct fake_object *o)
{
    return (struct s3_entry){
        .key = o->key,
        .key_len = key_len(o),
        .size = o->size,
        .mtime = o->mtime,
        .etag = o->etag ? o->etag : "etag",
        .storage_class = o->class ? o->class : "",
        .algorithm = o->algorithm,
        .type = o->type,
    };
}

struct page {
    struct s3_entry entry[1000];
    const char *prefix[1000];
    size_t prefix_len[1000];
    struct s3_page p;
};

static void
page_add(struct page *to, const struct task *t, const struct fake_object *o)
{
    size_t n = strlen(t->prefix), len = key_len(o);
    const char *slash = memchr(o->key + n, '/', len - n);
    size_t k = to->p.prefix_count;

    if (!t->delimiter || !slash) {
        to->entry[to->p.count++] = entry_of(o);
        return;
    }
    n = (size_t)(slash - o->key) + 1;
    if (k > 0 && to->prefix_len[k - 1] == n &&
        memcmp(to->prefix[k - 1], o->key, n) == 0)
        return;
    to->prefix[k] = o->key;
    to->prefix_len[k] = n;
    to->p.prefix_count++;
}

/* A store that does not sort seeks in its own order, too. */
static bool
is_below(const struct task *t, const struct fake_object *o)
{
    size_t n, len = key_len(o);
    int c;

    if (!t->after || t->token || fake.fault == FAKE_NO_AFTER)
        return false;
    n = strlen(t->after);
    c = memcmp(o->key, t->after, n < len ? n : len);
    return c < 0 || (c == 0 && len <= n);
}

static size_t
fill(struct page *to, const struct task *t, size_t from)
{
    size_t n = strlen(t->prefix), i;

    while (from < fake.count && is_below(t, &fake.object[from]))
        from++;

    for (i = from; i < fake.count; i++) {
        if (key_len(&fake.object[i]) < n ||
            memcmp(fake.object[i].key, t->prefix, n) != 0)
            continue;
        if (to->p.count + to->p.prefix_count == t->max_keys)
            return i;
        page_add(to, t, &fake.object[i]);
    }
    return i;
}

static void
answer_list(const struct task *t)
{
    static const struct fake_object outside = {.key = "elsewhere"};
    static unsigned serial;
    struct page *page = calloc(1, sizeof(*page));
    struct s3_error e = {.err = fake.list_err};
    bool refused = t->after && !t->token && fake.fault == FAKE_AFTER_REFUSED;
    size_t from = t->token ? strtoul(t->token, NULL, 10) : 0, next;
    char token[40] = "";

    fake.open--;
    fake.now += fake.list_ms;
    if (t->cancelled)
        e.err = -ECANCELED;
    if (refused)
        e = (struct s3_error){.err = -EOPNOTSUPP, .http = 501};
    if (fake.fault == FAKE_REWIND)
        from = 0;
    next = fake.fault == FAKE_EMPTY_PAGES ? 0 : fill(page, t, from);
    if (next < fake.count)
        snprintf(token, sizeof(token), "%zu", next);
    if (fake.fault == FAKE_SAME_TOKEN)
        snprintf(token, sizeof(token), "%zu", fake.page);
    if (fake.fault == FAKE_CYCLE && from / fake.page >= 2)
        snprintf(token, sizeof(token), "%zu", fake.page);
    if (fake.fault == FAKE_REWIND || fake.fault == FAKE_EMPTY_PAGES)
        snprintf(token, sizeof(token), "0%u", ++serial);
    if (fake.fault == FAKE_OUTSIDE)
        page->entry[page->p.count++] = entry_of(&outside);
    page->p.entry = page->entry;
    page->p.prefix = page->prefix;
    page->p.prefix_len = page->prefix_len;
    page->p.next = *token ? token : NULL;
    t->list(t->user, &e, e.err ? NULL : &page->p);
    free(page);
}

static void
answer_head(const struct task *t)
{
    struct s3_error e = {.err = fake.head_err ? fake.head_err : -ENOENT};
    struct s3_object o = {.etag = "etag", .layout_digest = ""};
    size_t i;

    for (i = 0; i < fake.count && !fake.head_err; i++)
        if (strcmp(fake.object[i].key, t->key) == 0) {
            e.err = 0;
            if (fake.object[i].digest)
                o.layout_digest = fake.object[i].digest;
            if (fake.object[i].etag)
                o.etag = fake.object[i].etag;
            o.size = fake.object[i].size;
            o.have_crc32 = t->checksum;
            o.crc32 = 77;
        }
    if (fake.no_checksum && t->checksum)
        e.err = -EACCES;
    t->head(t->user, &e, e.err ? NULL : &o);
}

/* ---------------------------------------------------------------- loop */

/* The first, or any. */
static struct task *
take_task(void)
{
    struct task **at = &tasks, *t;
    unsigned n = 0;

    for (t = tasks; t; t = t->next)
        n++;
    if (n > 0 && fake.shuffle)
        for (n = (unsigned)rand_r(&fake.shuffle) % n; n > 0; n--)
            at = &(*at)->next;
    t = *at;
    if (t)
        *at = t->next;
    return t;
}

void
pump_steps(unsigned n)
{
    struct task *t;

    while (n-- > 0 && (t = take_task())) {
        if (t->list)
            answer_list(t);
        else if (t->head)
            answer_head(t);
        else
            t->fn(t->user);
        task_free(t);
    }
}

void
pump(void)
{
    pump_steps(100000);
}

void
advance(uint64_t ms)
{
    struct task **at = &timers, *t;

    fake.now += ms;
    while ((t = *at)) {
        if (t->due > fake.now) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        t->fn(t->user);
        task_free(t);
        at = &timers;
    }
}

unsigned
fake_stop(void)
{
    struct task *t;
    unsigned n = 0;

    for (t = timers; t; t = t->next)
        n++;
    t = timers;
    if (t) {
        timers = t->next;
        t->fn(t->user);
        task_free(t);
    }
    return n;
}

/* -------------------------------------------------------------- asking */

void
got_layout(void *user, int r, struct layout *l, const struct err *e)
{
    struct got *g = user;

    g->calls++;
    g->r = r;
    layout_unref(g->l);
    g->l = l ? layout_ref(l) : NULL;
    g->e = *e;
}

void
got_free(struct got *g)
{
    layout_unref(g->l);
    *g = (struct got){0};
}

void
get_layout(struct index *ix, const char *prefix, unsigned flags, struct got *g)
{
    got_free(g);
    index_layout(ix, prefix, flags, got_layout, g);
    pump();
}

void
fake_conf(struct conf *c)
{
    static char name[] = "archive.zip";

    *c = (struct conf){.name = name, .ttl = 60, .max_entries = 1000000};
}

struct index *
fake_index(const struct conf *c, const char *root)
{
    struct index *ix = NULL;

    if (index_new(&ix, NULL, NULL, c, "b", root, NULL) < 0)
        abort();
    return ix;
}

void
fake_index_free(struct index *ix)
{
    index_free(ix);
    drop_all(&tasks);
    drop_all(&timers);
}
