/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Birth and death of an index, and the calls for threads that may wait.
 */
#include "index/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "index/index_impl.h"
#include "net/scope.h"

int
index_new(struct index **ret, struct net *n, struct s3 *s,
          const struct conf *conf, const char *bucket, const char *root,
          struct err *e)
{
    struct index *ix = calloc(1, sizeof(*ix));

    if (!ix)
        return err_set(e, ENOMEM, "no memory for an index");
    pthread_mutex_init(&ix->lock, NULL);
    ix->net = n;
    ix->s3 = s;
    ix->conf = conf;
    ix->bucket = strdup(bucket);
    ix->root = strdup(root);
    if (!ix->bucket || !ix->root) {
        index_free(ix);
        return err_set(e, ENOMEM, "no memory for an index");
    }
    ix->root_len = strlen(root);
    *ret = ix;
    return 0;
}

/* Runs and waiters are left only if their timer or work came too late for
 * net_free. */
void
index_free(struct index *ix)
{
    struct run *r, *next_run;
    struct waiter *w, *next;

    if (!ix)
        return;
    for (r = ix->runs; r; r = next_run) {
        next_run = r->next;
        run_free(r);
    }
    for (w = ix->cancelled; w; w = next) {
        next = w->next;
        free(w);
    }
    slots_free(ix);
    pthread_mutex_destroy(&ix->lock);
    free(ix->bucket);
    free(ix->root);
    free(ix);
}

void
index_err_prefix(const struct index *ix, const char *prefix, struct err *e)
{
    char name[300];

    text_escape(name, sizeof(name), prefix, strlen(prefix));
    err_prefix(e, "s3://%s/%s", ix->bucket, name);
}

/* ------------------------------------------------------------- waiting */

struct wait {
    struct scope_wait w;
    int r;
    struct err e;
    struct layout *layout;
};

static void
wait_finish(struct wait *w, int r, struct layout *l, const struct err *e)
{
    w->r = r;
    w->layout = l ? layout_ref(l) : NULL;
    if (r < 0 && e)
        w->e = *e;
    scope_wait_done(&w->w);
}

static int
wait_end(struct wait *w, struct err *e)
{
    scope_wait_end(&w->w);
    if (w->r < 0 && e)
        *e = w->e;
    return w->r;
}

static void
on_layout(void *user, int r, struct layout *l, const struct err *e)
{
    wait_finish(user, r, l, e);
}

int
index_layout_wait(struct index *ix, const char *prefix, unsigned flags,
                  struct layout **ret, struct err *e)
{
    struct wait w = {.r = 0};
    int r;

    scope_wait_begin(&w.w, NULL, NULL, NULL);
    index_layout(ix, prefix, flags, on_layout, &w);
    r = wait_end(&w, e);
    if (r == 0)
        *ret = w.layout;
    return r;
}

struct first_probe {
    struct wait wait;
    struct index *ix;
};

static void
on_probe(void *user, const struct s3_error *s3e, const struct s3_page *p)
{
    struct first_probe *probe = user;
    struct index *ix = probe->ix;
    struct err e = {0};
    int r = 0;

    (void)p;
    if (s3e->err < 0)
        r = s3_error_text(s3e, "ListObjectsV2", ix->bucket, ix->root,
                          ix->root_len, &e);
    wait_finish(&probe->wait, r, NULL, &e);
}

int
index_probe(struct index *ix, struct err *e)
{
    struct first_probe probe = {.ix = ix};
    struct s3_list_args args = {
        .bucket = ix->bucket,
        .prefix = ix->root,
        .prefix_len = ix->root_len,
        .delimiter = true,
        .max_keys = 1,
        .patience = S3_PATIENCE_PROBE,
    };

    scope_wait_begin(&probe.wait.w, NULL, NULL, NULL);
    s3_list(ix->s3, &args, on_probe, &probe);
    return wait_end(&probe.wait, e);
}
