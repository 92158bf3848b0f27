/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The store of test_crc_fake.h.
 */
#include "test_crc_fake.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/check.h"
#include "base/cleanup.h"

enum kind { GET, HEAD, ATTRS, OTHER };

struct job {
    TAILQ_ENTRY(job) link;
    s3_id id;
    enum kind kind;
    struct fake_object *o;
    char etag[40];
    struct s3_get_args get;
    s3_get_cb *cb;
    s3_attrs_cb *attrs_cb;
    void (*fn)(struct s3 *s, bool cancelled, void *user);
    void *user;
    bool cancelled;
    uint64_t sent; /* of its body */
    bool begun, resumed;
};
TAILQ_HEAD(jobs, job);

struct work {
    STAILQ_ENTRY(work) link;
    void (*fn)(void *user);
    void *user;
};

struct s3 {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct jobs queue, running, parked;
    struct fake_object *object[70000];
    size_t count;
    s3_id last_id;
    unsigned threads, max_delay_us, nrunning, open_gets, most;
    pthread_t thread[32];
    bool stop, hold;
    int no_attributes;
    uint64_t cancelled, unguarded;
    unsigned paused, stuck, fresh;
    uint32_t p99;
    struct s3_stats stats;
    struct fake_uploads *uploads;
};

struct net {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    STAILQ_HEAD(, work) work;
    STAILQ_HEAD(, work) late;
    bool stop, busy, keep_late;
    pthread_t thread;
};

/* ----------------------------------------------------------- the bytes */

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void
fake_bytes(const struct fake_object *o, uint64_t first, void *out, size_t n)
{
    uint8_t *p = out;
    size_t i = 0;
    uint64_t x;

    if (o->data) {
        memcpy(out, o->data + first, n);
        return;
    }
    for (; i < n; i++) {
        x = mix(o->seed * 1000003 + (first + i) / 8);
        if ((first + i) % 8 == 0 && n - i >= 8) {
            memcpy(p + i, &x, 8);
            i += 7;
        } else {
            p[i] = (uint8_t)(x >> (first + i) % 8 * 8);
        }
    }
}

static uint32_t
crc_of(const struct fake_object *o, uint64_t first, uint64_t n)
{
    uint8_t b[16384];
    uint32_t crc = 0;
    uint64_t end = first + n;

    for (; first < end; first += n) {
        n = min_u64(sizeof(b), end - first);
        fake_bytes(o, first, b, n);
        crc = crc32(crc, b, n);
    }
    return crc;
}

uint32_t
fake_range_crc32(const struct fake_object *o, uint64_t first, uint64_t n)
{
    return crc_of(o, first, n);
}

uint32_t
fake_crc32(const struct fake_object *o)
{
    return crc_of(o, 0, o->size);
}

/* ------------------------------------------------------------- answers */

static bool
is_cancelled(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    return j->cancelled;
}

static int
refused(struct s3 *s, struct job *j, struct s3_error *e)
{
    struct fake_object *o = j->o;
    LOCK_SCOPE(&s->lock);

    e->attempts = 1;
    if (j->cancelled) {
        e->err = -ECANCELED;
    } else if (o->changed && (*j->etag || j->kind == ATTRS)) {
        e->http = 412;
        e->err = -ESTALE;
    } else if (j->kind == GET && o->good_gets && !--o->good_gets) {
        o->changed = true;
        e->http = 412;
        e->err = -ESTALE;
    } else if (j->kind == GET && o->fail_gets) {
        o->fail_gets -= o->fail_gets > 0;
        e->http = 503;
        e->err = -EIO;
        snprintf(e->code, sizeof(e->code), "SlowDown");
    } else if (*j->etag && strcmp(j->etag, o->etag)) {
        e->http = 412;
        e->err = -ESTALE;
    }
    return e->err;
}

static void
describe(const struct job *j, struct s3_object *h, char text[16])
{
    const struct fake_object *o = j->o;

    memset(h, 0, sizeof(*h));
    h->size = o->size;
    h->etag = o->etag;
    h->checksum_crc32 = h->layout_digest = h->storage_class = h->version_id =
        "";
    if (o->crc == FAKE_NONE || !j->get.checksum || j->get.length)
        return;
    if (o->crc == FAKE_COMPOSITE) {
        snprintf(text, 16, "AAAAAA==-2");
        h->checksum_crc32 = text;
        h->type = S3_TYPE_COMPOSITE;
        return;
    }
    h->have_crc32 = true;
    h->type = S3_TYPE_FULL;
    h->crc32 = fake_crc32(o) ^ (o->crc == FAKE_WRONG);
    snprintf(text, 16, "AAAAAA==");
    h->checksum_crc32 = text;
}

static int
send_body(struct s3 *s, struct job *j)
{
    const struct fake_object *o = j->o;
    uint64_t at = j->get.length ? j->get.first : 0;
    uint64_t end = j->get.length ? at + j->get.length : o->size;
    uint64_t cut = end, first = at;
    uint8_t b[16384];
    size_t n;
    int r = 0;

    if (end > o->size)
        return -EPROTO;
    at += j->sent;
    pthread_mutex_lock(&s->lock);
    if (j->o->cut_gets > 0) {
        j->o->cut_gets--;
        cut = at + (end - at) / 2;
    }
    pthread_mutex_unlock(&s->lock);
    for (; at < cut && r == 0; at += n) {
        if (is_cancelled(s, j))
            return -ECANCELED;
        n = min_u64(cut - at, 1 + mix(at ^ j->id) % sizeof(b));
        fake_bytes(o, at, b, n);
        if (o->corrupt && at + n == o->size)
            b[n - 1] ^= 1;
        r = j->get.on_data(j->user, b, n);
        if (r == 0)
            j->sent = at + n - first;
    }
    return r ? r : cut < end ? -EIO : 0;
}

static void
answer_attributes(struct s3 *s, struct job *j)
{
    struct s3_error e = {0};
    struct s3_attr_part part[64] = {{0}};
    struct s3_attrs a = {.etag = j->o->etag, .size = j->o->size, .part = part};
    uint64_t at;

    e.err = refused(s, j, &e);
    if (e.err == 0 && s->no_attributes) {
        e.http = s->no_attributes;
        e.err = e.http == 403 ? -EACCES : -EOPNOTSUPP;
    }
    for (at = 0; at < j->o->size && j->o->part; at += part[a.count++].size) {
        part[a.count].size = min_u64(j->o->part, j->o->size - at);
        part[a.count].crc32 = crc_of(j->o, at, part[a.count].size);
        part[a.count].have_crc32 = true;
    }
    j->attrs_cb(j->user, &e, e.err ? NULL : &a);
}

/* With the lock. */
static void
unpark(struct s3 *s, struct job *j)
{
    TAILQ_REMOVE(&s->parked, j, link);
    TAILQ_INSERT_HEAD(&s->queue, j, link);
    pthread_cond_broadcast(&s->cond);
}

/* Until it is resumed or cancelled.  With no threads who does that goes on
 * with it. */
static void
park(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    TAILQ_REMOVE(&s->running, j, link);
    s->nrunning--;
    TAILQ_INSERT_HEAD(&s->parked, j, link);
    if (j->cancelled || j->resumed)
        unpark(s, j);
}

static bool
is_stuck(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    if (j->kind != GET || j->o->stuck_gets <= 0 || j->cancelled)
        return false;
    j->o->stuck_gets--;
    s->stuck++;
    return true;
}

/* False: it is parked. */
static bool
answer(struct s3 *s, struct job *j)
{
    struct s3_error e = {0};
    struct s3_object h;
    char text[16];

    if (j->kind == OTHER) {
        j->fn(s, is_cancelled(s, j), j->user);
        return true;
    }
    if (j->kind == ATTRS) {
        answer_attributes(s, j);
        return true;
    }
    if (is_stuck(s, j)) {
        park(s, j);
        return false;
    }
    describe(j, &h, text);
    e.err = j->begun && !is_cancelled(s, j) ? 0 : refused(s, j, &e);
    if (e.err == 0 && j->kind == GET && !j->get.length &&
        j->get.expect != j->o->size)
        e.err = -ESTALE;
    if (e.err == 0 && j->get.on_object && !j->begun)
        j->get.on_object(j->user, &h);
    j->begun = true;
    if (e.err == 0 && j->kind == GET)
        e.err = send_body(s, j);
    if (e.err == NET_PAUSE) {
        pthread_mutex_lock(&s->lock);
        s->paused++;
        pthread_mutex_unlock(&s->lock);
        park(s, j);
        return false;
    }
    if (j->kind == GET) {
        pthread_mutex_lock(&s->lock);
        s->open_gets--; /* what the answer starts is one after it */
        pthread_mutex_unlock(&s->lock);
    }
    j->cb(j->user, &e, e.err ? NULL : &h);
    return true;
}

static void
count_end(struct s3 *s, struct job *j)
{
    LOCK_SCOPE(&s->lock);

    TAILQ_REMOVE(&s->running, j, link);
    s->nrunning--;
    s->cancelled += j->cancelled;
    free(j);
    pthread_cond_broadcast(&s->cond);
}

static void
begin(struct s3 *s, struct job *j)
{
    TAILQ_INSERT_TAIL(&s->running, j, link);
    s->nrunning++;
}

static void *
serve(void *user)
{
    struct s3 *s = user;
    struct job *j;
    unsigned us;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->stop && (s->hold || TAILQ_EMPTY(&s->queue)))
            pthread_cond_wait(&s->cond, &s->lock);
        j = TAILQ_FIRST(&s->queue);
        if (!j)
            break;
        TAILQ_REMOVE(&s->queue, j, link);
        begin(s, j);
        us = s->max_delay_us ? mix(j->id) % s->max_delay_us : 0;
        pthread_mutex_unlock(&s->lock);
        if (us)
            usleep(us);
        if (answer(s, j))
            count_end(s, j);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct fake_object *
fake_find(struct s3 *s, const char *key)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        if (!strcmp(s->object[i]->key, key))
            return s->object[i];
    abort();
}

/* What was unparked, where no thread takes it. */
static void
run_unthreaded(struct s3 *s)
{
    struct job *j;

    while (!s->threads) {
        pthread_mutex_lock(&s->lock);
        j = TAILQ_FIRST(&s->queue);
        if (j) {
            TAILQ_REMOVE(&s->queue, j, link);
            begin(s, j);
        }
        pthread_mutex_unlock(&s->lock);
        if (!j)
            return;
        if (answer(s, j))
            count_end(s, j);
    }
}

static s3_id
submit(struct s3 *s, struct job *j, const struct s3_where *at)
{
    s3_id id;

    j->o = at ? fake_find(s, at->key) : NULL;
    pthread_mutex_lock(&s->lock);
    id = j->id = ++s->last_id;
    s->stats.get += j->kind == GET;
    if (j->kind == GET)
        j->o->gets++;
    s->unguarded += j->kind != ATTRS && !*j->etag;
    s->stats.head += j->kind == HEAD;
    s->stats.attributes += j->kind == ATTRS;
    if (s->threads)
        TAILQ_INSERT_TAIL(&s->queue, j, link);
    else
        begin(s, j);
    s->open_gets += j->kind == GET;
    s->most = s->open_gets > s->most ? s->open_gets : s->most;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
    run_unthreaded(s);
    if (!s->threads && answer(s, j))
        count_end(s, j);
    return id;
}

s3_id
fake_call(struct s3 *s, void (*fn)(struct s3 *s, bool cancelled, void *user),
          void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = OTHER;
    j->fn = fn;
    j->user = user;
    return submit(s, j, NULL);
}

struct fake_uploads **
fake_uploads_at(struct s3 *s)
{
    return &s->uploads;
}

/* ---------------------------------------------------------------- s3.h */

s3_id
s3_get(struct s3 *s, const struct s3_get_args *args, s3_get_cb *cb, void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = GET;
    j->get = *args;
    pthread_mutex_lock(&s->lock);
    s->fresh += args->fresh;
    pthread_mutex_unlock(&s->lock);
    j->cb = cb;
    j->user = user;
    if (args->etag)
        snprintf(j->etag, sizeof(j->etag), "%s", args->etag);
    return submit(s, j, &args->at);
}

s3_id
s3_head(struct s3 *s, const struct s3_head_args *args, s3_get_cb *cb,
        void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = HEAD;
    j->get.checksum = args->checksum;
    j->cb = cb;
    j->user = user;
    if (args->etag)
        snprintf(j->etag, sizeof(j->etag), "%s", args->etag);
    return submit(s, j, &args->at);
}

s3_id
s3_attributes(struct s3 *s, const struct s3_where *at, s3_attrs_cb *cb,
              void *user)
{
    struct job *j = calloc(1, sizeof(*j));

    j->kind = ATTRS;
    j->attrs_cb = cb;
    j->user = user;
    return submit(s, j, at);
}

/* With the lock. */
static struct job *
find_job(struct jobs *list, s3_id id)
{
    struct job *j;

    TAILQ_FOREACH(j, list, link)
    if (j->id == id)
        return j;
    return NULL;
}

static void
poke(struct s3 *s, s3_id id, bool cancel)
{
    struct job *j;

    pthread_mutex_lock(&s->lock);
    if ((j = find_job(&s->queue, id)) || (j = find_job(&s->running, id)) ||
        (j = find_job(&s->parked, id))) {
        j->cancelled |= cancel;
        j->resumed |= !cancel;
        if (find_job(&s->parked, id) && (cancel || j->begun))
            unpark(s, j);
    }
    pthread_mutex_unlock(&s->lock);
    run_unthreaded(s);
}

void
s3_cancel(struct s3 *s, s3_id id)
{
    poke(s, id, true);
}

void
s3_resume(struct s3 *s, s3_id id)
{
    poke(s, id, false);
}

void
s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret)
{
    LOCK_SCOPE(&s->lock);

    (void)kind;
    *ret = (struct s3_kind_stats){.total_p99 = s->p99};
}

const char *
s3_endpoint_id(const struct s3 *s)
{
    (void)s;
    return "http://fake";
}

int
s3_error_text(const struct s3_error *e, const char *op, const char *bucket,
              const char *key, size_t key_len, struct err *ret)
{
    return err_set(ret, -e->err, "%s s3://%s/%.*s: %d %s", op, bucket,
                   (int)key_len, key, e->http, e->code);
}

void
s3_stats_get(struct s3 *s, struct s3_stats *ret)
{
    LOCK_SCOPE(&s->lock);

    *ret = s->stats;
}

/* --------------------------------------------------------------- net.h */

static _Atomic(uint64_t) passed;

uint64_t
net_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + passed;
}

void
fake_pass(uint64_t ms)
{
    passed += ms;
}

bool
log_on(enum log_level level)
{
    return level <= LOG_WARN;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (!getenv("FAKE_LOG"))
        return;
    va_start(ap, fmt);
    fprintf(stderr, "log %d: ", level);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void *
work_thread(void *user)
{
    struct net *n = user;
    struct work *w;

    pthread_mutex_lock(&n->lock);
    for (;;) {
        while (!n->stop && STAILQ_EMPTY(&n->work))
            pthread_cond_wait(&n->cond, &n->lock);
        w = STAILQ_FIRST(&n->work);
        if (!w)
            break;
        STAILQ_REMOVE_HEAD(&n->work, link);
        n->busy = true;
        pthread_mutex_unlock(&n->lock);
        w->fn(w->user);
        free(w);
        pthread_mutex_lock(&n->lock);
        n->busy = false;
        pthread_cond_broadcast(&n->cond);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void
net_work(struct net *n, void (*fn)(void *user), void *user)
{
    struct work *w = calloc(1, sizeof(*w));
    LOCK_SCOPE(&n->lock);

    w->fn = fn;
    w->user = user;
    STAILQ_INSERT_TAIL(&n->work, w, link);
    pthread_cond_broadcast(&n->cond);
}

void
fake_keep_late(struct fake *f)
{
    LOCK_SCOPE(&f->net->lock);

    f->net->keep_late = true;
}

void
fake_late(struct fake *f)
{
    LOCK_SCOPE(&f->net->lock);

    STAILQ_CONCAT(&f->net->work, &f->net->late);
    pthread_cond_broadcast(&f->net->cond);
}

static bool
keep_late(struct net *n, void (*fn)(void *user), void *user)
{
    struct work *w;
    LOCK_SCOPE(&n->lock);

    if (!n->keep_late || n->stop)
        return false;
    w = calloc(1, sizeof(*w));
    w->fn = fn;
    w->user = user;
    STAILQ_INSERT_TAIL(&n->late, w, link);
    return true;
}

/* Timers run at once: the tests here want what they do, not when. */
uint64_t
net_timer(struct net *n, uint64_t delay_ms, void (*fn)(void *user), void *user)
{
    if (delay_ms < 10000 || !keep_late(n, fn, user))
        net_work(n, fn, user);
    return 1;
}

bool
net_timer_cancel(struct net *n, uint64_t id)
{
    (void)n;
    (void)id;
    return false;
}

void
fake_settle(struct fake *f)
{
    struct net *n = f->net;
    LOCK_SCOPE(&n->lock);

    while (n->busy || !STAILQ_EMPTY(&n->work))
        pthread_cond_wait(&n->cond, &n->lock);
}

/* ------------------------------------------------------------- index.h */

struct layout *
layout_ref(struct layout *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void
layout_unref(struct layout *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    zip_layout_free(&l->zip);
    free(l->member);
    free(l);
}

void
layout_set_stale(struct layout *l, size_t member)
{
    atomic_store(&l->stale_member, (uint32_t)member);
    atomic_store(&l->stale, true);
}

struct layout *
fake_layout(struct fake *f, enum zip_hint hint)
{
    struct layout *l = calloc(1, sizeof(*l));
    struct s3 *s = f->s3;
    size_t i;

    atomic_init(&l->refs, 1);
    l->bucket = (char *)"b";
    l->prefix = (char *)"";
    l->member = calloc(s->count + 1, sizeof(*l->member));
    for (i = 0; i < s->count; i++) {
        struct fake_object *o = s->object[i];

        l->member[i] = (struct zip_member){
            .key = o->key,
            .name = o->key,
            .etag = o->etag,
            .size = o->size,
            .mtime = 1700000000 + i,
            .key_len = strlen(o->key),
            .name_len = strlen(o->key),
            .etag_len = strlen(o->etag),
            .hint = hint,
        };
    }
    assert(zip_layout_init(&l->zip, l->member, s->count) == 0);
    return l;
}

/* ---------------------------------------------------------------- fake */

void
fake_start(struct fake *f, unsigned threads, unsigned max_delay_us)
{
    struct s3 *s = f->s3 = calloc(1, sizeof(*s));
    struct net *n = f->net = calloc(1, sizeof(*n));
    unsigned i;

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->cond, NULL);
    TAILQ_INIT(&s->queue);
    TAILQ_INIT(&s->running);
    TAILQ_INIT(&s->parked);
    s->threads = threads;
    s->max_delay_us = max_delay_us;
    for (i = 0; i < threads; i++)
        pthread_create(&s->thread[i], NULL, serve, s);
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->cond, NULL);
    STAILQ_INIT(&n->work);
    STAILQ_INIT(&n->late);
    pthread_create(&n->thread, NULL, work_thread, n);
}

void
fake_stop(struct fake *f)
{
    struct s3 *s = f->s3;
    struct net *n = f->net;
    size_t i;

    pthread_mutex_lock(&s->lock);
    s->stop = true;
    s->hold = false;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
    for (i = 0; i < s->threads; i++)
        pthread_join(s->thread[i], NULL);
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    STAILQ_CONCAT(&n->work, &n->late);
    pthread_cond_broadcast(&n->cond);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    for (i = 0; i < s->count; i++)
        free(s->object[i]);
    fake_uploads_free(s->uploads);
    free(s);
    free(n);
}

struct fake_object *
fake_add(struct fake *f, const char *key, uint64_t size, enum fake_crc crc)
{
    struct fake_object *o = calloc(1, sizeof(*o));

    snprintf(o->key, sizeof(o->key), "%s", key);
    snprintf(o->etag, sizeof(o->etag), "etag-%zu", f->s3->count);
    o->size = size;
    o->seed = f->s3->count + 1;
    o->crc = crc;
    f->s3->object[f->s3->count++] = o;
    return o;
}

unsigned
fake_running(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);
    unsigned n = f->s3->nrunning;
    struct job *j;

    TAILQ_FOREACH(j, &f->s3->queue, link)
    n++;
    TAILQ_FOREACH(j, &f->s3->parked, link)
    n++;
    return n;
}

unsigned
fake_most(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->most;
}

void
fake_no_attributes(struct fake *f, int http)
{
    f->s3->no_attributes = http;
}

void
fake_hold(struct fake *f, bool hold)
{
    LOCK_SCOPE(&f->s3->lock);

    f->s3->hold = hold;
    pthread_cond_broadcast(&f->s3->cond);
}

uint64_t
fake_cancelled(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->cancelled;
}

uint64_t
fake_unguarded(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->unguarded;
}

unsigned
fake_paused(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->paused;
}

unsigned
fake_stuck(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->stuck;
}

unsigned
fake_fresh(struct fake *f)
{
    LOCK_SCOPE(&f->s3->lock);

    return f->s3->fresh;
}

void
fake_p99(struct fake *f, uint32_t ms)
{
    LOCK_SCOPE(&f->s3->lock);

    f->s3->p99 = ms;
}
