/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The stand-ins of fs_fakes.h.  No lock is held in a callback.
 */
#include "fs_fakes.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct fake fake;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

uint8_t
fake_byte(uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 8) * 3);
}

/* ---------------------------------------------------------------- index */

static const char *const tree[] = {"", "d/", "d/e/", "new/"};
enum { TREE = 4 };
static struct layout *shown[TREE];

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
    atomic_fetch_sub(&fake.layouts_alive, 1);
    free(l->bucket);
    free(l->prefix);
    free(l);
}

void
layout_digest_hex(const struct layout *l, char out[65])
{
    memset(out, '0' + l->digest[0] % 10, 64);
    out[64] = '\0';
}

static struct layout *
make_layout(const char *prefix)
{
    struct layout *l = calloc(1, sizeof(*l));

    atomic_fetch_add(&fake.layouts_alive, 1);
    l->refs = 1;
    l->digest[0] = (uint8_t)atomic_load(&fake.version);
    l->bucket = strdup("b");
    l->prefix = strdup(prefix);
    l->prefix_len = strlen(prefix);
    l->zip.size = FAKE_SIZE;
    l->mtime = 1700000000;
    return l;
}

static int
tree_find(const char *prefix)
{
    int i;

    for (i = 0; i < TREE; i++)
        if (strcmp(tree[i], prefix) == 0)
            return i;
    return -ENOENT;
}

/* Referenced. */
static struct layout *
show(int i)
{
    LOCK_SCOPE(&lock);
    if (shown[i] && (atomic_load(&shown[i]->stale) ||
                     shown[i]->digest[0] != fake.version)) {
        layout_unref(shown[i]);
        shown[i] = NULL;
    }
    if (!shown[i]) {
        atomic_fetch_add(&fake.lists, 1);
        shown[i] = make_layout(tree[i]);
    }
    shown[i]->listed_ms = net_now_ms();
    return layout_ref(shown[i]);
}

void
fake_stale(void)
{
    int i;

    LOCK_SCOPE(&lock);
    for (i = 0; i < TREE; i++)
        if (shown[i])
            atomic_store(&shown[i]->stale, true);
}

void
index_free(struct index *ix)
{
    int i;

    (void)ix;
    for (i = 0; i < TREE; i++) {
        layout_unref(shown[i]);
        shown[i] = NULL;
    }
}

static struct {
    index_layout_cb *cb;
    void *user;
    uint64_t id;
} hung;

index_id
index_layout(struct index *ix, const char *prefix, unsigned flags,
             index_layout_cb *cb, void *user)
{
    int i = tree_find(prefix);
    struct layout *l;

    (void)ix;
    (void)flags;
    if (i < 0) {
        cb(user, i, NULL, NULL);
        return 0;
    }
    if (atomic_load(&fake.list_hang)) {
        LOCK_SCOPE(&lock);
        hung.cb = cb;
        hung.user = user;
        return ++hung.id;
    }
    l = show(i);
    cb(user, 0, l, NULL);
    layout_unref(l);
    return 0;
}

void
index_cancel(struct index *ix, index_id id)
{
    index_layout_cb *cb = NULL;

    (void)ix;
    pthread_mutex_lock(&lock);
    if (id == hung.id)
        cb = hung.cb;
    hung.cb = NULL;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&fake.cancels, 1);
    if (cb)
        cb(hung.user, -ECANCELED, NULL, NULL);
}

void
index_invalidate(struct index *ix, const char *prefix)
{
    (void)ix;
    (void)prefix;
    fake_stale();
}

index_id
index_dir(struct index *ix, const char *prefix, index_dir_cb *cb, void *user)
{
    static const char *const top[] = {"archive.zip", "d", "new"};
    static const char *const d[] = {"e"};
    struct index_dir dir = {.exists = true};

    (void)ix;
    if (strcmp(prefix, "") == 0)
        dir.name = top, dir.count = 3;
    else if (strcmp(prefix, "d/") == 0)
        dir.name = d, dir.count = 1;
    cb(user, 0, &dir, NULL);
    return 0;
}

index_id
index_exists(struct index *ix, const char *prefix, index_exists_cb *cb,
             void *user)
{
    (void)ix;
    cb(user, tree_find(prefix) < 0 ? -ENOENT : 0, NULL);
    return 0;
}

/* ------------------------------------------------------------ crc, read */

struct crc_set {
    int unused;
};
static struct crc_set the_set;

struct crc_set *
crc_set_open(struct crc *c, struct layout *l)
{
    (void)c;
    (void)l;
    return &the_set;
}

void
crc_set_unref(struct crc_set *s)
{
    (void)s;
}

void
crc_stats_get(struct crc *c, struct crc_stats *ret)
{
    (void)c;
    ret->known = 42;
}

struct reader {
    atomic_int refs;
    struct layout *l;
};

int
reader_open(struct reader **ret, struct read_pool *p, struct layout *l,
            struct crc_set *crcs)
{
    struct reader *r = calloc(1, sizeof(*r));

    (void)p;
    (void)crcs;
    r->refs = 1;
    r->l = layout_ref(l);
    *ret = r;
    return 0;
}

struct reader *
reader_ref(struct reader *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void
reader_unref(struct reader *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    layout_unref(r->l);
    free(r);
}

struct layout *
reader_layout(struct reader *r)
{
    return r->l;
}

struct read_stream {
    struct reader *r;
};

int
read_stream_open(struct read_stream **ret, struct reader *r)
{
    struct read_stream *s = calloc(1, sizeof(*s));

    s->r = reader_ref(r);
    atomic_fetch_add(&fake.streams_alive, 1);
    *ret = s;
    return 0;
}

void
read_stream_close(struct read_stream *s)
{
    atomic_fetch_sub(&fake.streams_alive, 1);
    reader_unref(s->r);
    free(s);
}

struct job_read {
    struct read_view view; /* first: released by address */
    uint64_t offset, length, id;
    read_cb *cb;
    void *user;
};
static struct job_read *hanging;
static uint64_t read_ids;

void
read_view_release(struct read_view *v)
{
    struct job_read *j = (struct job_read *)v;

    if (j->view.count)
        free(j->view.iov[0].iov_base);
    free((void *)j->view.iov);
    free(j);
}

static void
read_now(void *user)
{
    struct job_read *j = user;
    size_t piece = atomic_load(&fake.many_pieces) ? 40 : 100000, at, i = 0;
    int r = atomic_load(&fake.read_error);
    struct iovec *iov;
    uint8_t *p;

    if (r < 0) {
        j->cb(j->user, r, NULL, NULL);
        free(j);
        return;
    }
    iov = calloc(j->length / piece + 1, sizeof(*iov));
    p = malloc(j->length + 1);
    for (at = 0; at < j->length; at += piece, i++) {
        iov[i].iov_base = p + at;
        iov[i].iov_len = at + piece < j->length ? piece : j->length - at;
    }
    for (at = 0; at < j->length; at++)
        p[at] = fake_byte(j->offset + at);
    if (i == 0)
        free(p);
    j->view = (struct read_view){iov, (int)i, j->length};
    j->cb(j->user, 0, &j->view, NULL);
}

uint64_t
read_range(struct read_stream *s, uint64_t offset, uint64_t length,
           unsigned flags, read_cb *cb, void *user)
{
    struct job_read *j = calloc(1, sizeof(*j));
    uint64_t size = s->r->l->zip.size;

    (void)flags;
    atomic_fetch_add(&fake.reads, 1);
    j->offset = offset < size ? offset : size;
    j->length = length < size - j->offset ? length : size - j->offset;
    j->cb = cb;
    j->user = user;
    LOCK_SCOPE(&lock);
    j->id = ++read_ids;
    if (atomic_load(&fake.read_hang) && !hanging)
        hanging = j;
    else
        net_timer(fake.net, 0, read_now, j);
    return read_ids;
}

void
read_cancel(struct read_stream *s, uint64_t id)
{
    struct job_read *j = NULL;

    (void)s;
    pthread_mutex_lock(&lock);
    if (hanging && hanging->id == id)
        j = STEAL(hanging);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&fake.cancels, 1);
    if (j)
        j->cb(j->user, -ECANCELED, NULL, NULL);
    free(j);
}

void
read_stats_get(struct read_pool *p, struct read_stats *ret)
{
    (void)p;
    ret->reads = (uint64_t)fake.reads;
}

void
s3_stats_get(struct s3 *s, struct s3_stats *ret)
{
    (void)s;
    ret->list = (uint64_t)fake.lists;
}

const char *
s3_kind_name(unsigned kind)
{
    (void)kind;
    return "kind";
}

void
s3_kind_get(struct s3 *s, unsigned kind, struct s3_kind_stats *ret)
{
    (void)s;
    memset(ret, 0, sizeof(*ret));
    ret->first_p50 = kind + 1;
}

/* -------------------------------------------------------------- publish */

struct publish_job {
    atomic_int refs;
    int result;
    bool ended;
    char prefix[64];
    publish_cb *cb[8];
    void *user[8];
};
static struct publish_job *newest;

struct publish_job *
publish_job_ref(struct publish_job *j)
{
    atomic_fetch_add(&j->refs, 1);
    return j;
}

void
publish_job_unref(struct publish_job *j)
{
    if (!j || atomic_fetch_sub(&j->refs, 1) != 1)
        return;
    atomic_fetch_sub(&fake.jobs_alive, 1);
    free(j);
}

void
publisher_free(struct publisher *p)
{
    (void)p;
    publish_job_unref(newest);
    newest = NULL;
}

int
publish_dest_parse(struct publisher *p, const struct layout *l,
                   const char *value, size_t len, struct publish_dest *ret,
                   struct err *e)
{
    (void)p;
    (void)l;
    if (len && value[0] != '/')
        return err_set(e, EINVAL, "malformed");
    ret->bucket = ret->key = NULL;
    return 0;
}

void
publish_dest_free(struct publish_dest *d)
{
    (void)d;
}

/* A second job while one runs joins it. */
int
publish_start(struct publisher *p, struct reader *r,
              const struct publish_dest *dest, struct publish_job **ret,
              struct err *e)
{
    struct publish_job *j;

    (void)p;
    (void)dest;
    (void)e;
    LOCK_SCOPE(&lock);
    if (newest && !newest->ended) {
        *ret = publish_job_ref(newest);
        return 0;
    }
    publish_job_unref(newest);
    j = calloc(1, sizeof(*j));
    atomic_fetch_add(&fake.jobs_alive, 1);
    j->refs = 2;
    snprintf(j->prefix, sizeof(j->prefix), "%s", r->l->prefix);
    newest = *ret = j;
    return 0;
}

uint64_t
publish_wait(struct publish_job *j, publish_cb *cb, void *user)
{
    int i;

    pthread_mutex_lock(&lock);
    for (i = 0; !j->ended && i < 8; i++) {
        if (j->cb[i])
            continue;
        j->cb[i] = cb;
        j->user[i] = user;
        pthread_mutex_unlock(&lock);
        return (uint64_t)i + 1;
    }
    pthread_mutex_unlock(&lock);
    cb(user, j->result, NULL);
    return 0;
}

bool
publish_wait_cancel(struct publish_job *j, uint64_t id)
{
    LOCK_SCOPE(&lock);
    if (j->ended || id < 1 || id > 8 || !j->cb[id - 1])
        return false;
    j->cb[id - 1] = NULL;
    return true;
}

static void
end_job(struct publish_job *j, int r)
{
    publish_cb *cb[8];
    int i;

    pthread_mutex_lock(&lock);
    j->ended = true;
    j->result = r;
    memcpy(cb, j->cb, sizeof(cb));
    memset(j->cb, 0, sizeof(j->cb));
    pthread_mutex_unlock(&lock);
    for (i = 0; i < 8; i++)
        if (cb[i])
            cb[i](j->user[i], r, NULL);
    publish_job_unref(j);
}

void
fake_finish(int r)
{
    struct publish_job *j;

    pthread_mutex_lock(&lock);
    j = publish_job_ref(newest);
    pthread_mutex_unlock(&lock);
    end_job(j, r);
}

struct abort_note {
    struct publish_job *j;
    int why;
};

static void
abort_now(void *user)
{
    struct abort_note *n = user;

    end_job(n->j, n->why);
    free(n);
}

void
publish_abort(struct publish_job *j, int why)
{
    struct abort_note *n = malloc(sizeof(*n));

    n->j = publish_job_ref(j);
    n->why = why;
    atomic_fetch_add(&fake.aborts, 1);
    net_timer(fake.net, 50, abort_now, n);
}

void
publish_job_status(struct publish_job *j, struct publish_status *ret)
{
    memset(ret, 0, sizeof(*ret));
    LOCK_SCOPE(&lock);
    ret->state = !j->ended        ? PUBLISH_RUNNING
                 : j->result == 0 ? PUBLISH_DONE
                                  : PUBLISH_FAILED;
}

void
publish_jobs(struct publisher *p, const char *bucket, const char *prefix,
             void (*fn)(void *user, struct publish_job *j), void *user)
{
    struct publish_job *j = NULL;

    (void)p;
    (void)bucket;
    pthread_mutex_lock(&lock);
    if (newest && strcmp(newest->prefix, prefix) == 0)
        j = publish_job_ref(newest);
    pthread_mutex_unlock(&lock);
    if (j)
        fn(user, j);
    publish_job_unref(j);
}

const char *
publish_state_name(enum publish_state s)
{
    return s == PUBLISH_RUNNING ? "running"
           : s == PUBLISH_DONE  ? "done"
                                : "failed";
}

int
publish_status_text(struct buf *out, const struct publish_status *s)
{
    return buf_addf(out, "state: %s\n", publish_state_name(s->state));
}

int
publish_plan(struct publisher *p, struct reader *r,
             const struct previous *previous, struct plan *ret, struct err *e)
{
    (void)p;
    (void)r;
    (void)previous;
    (void)ret;
    return err_set(e, EFBIG, "no plan here");
}
