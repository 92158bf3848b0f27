/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A real state file, layouts to keep in it, and their way there and back.
 */
#ifndef S3ZIPFS_TESTS_FORMER_HELP_H
#define S3ZIPFS_TESTS_FORMER_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/former.h"

struct store {
    char dir[40];
    struct state *st;
};

static inline int
set_up(void **state)
{
    struct store *s = calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/s3zipfs-test-XXXXXX");
    if (!mkdtemp(s->dir))
        return -1;
    state_open(&s->st, s->dir);
    *state = s;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct store *s = *state;
    char cmd[64];

    state_close(s->st);
    snprintf(cmd, sizeof(cmd), "rm -r %s", s->dir);
    if (system(cmd) != 0)
        return -1;
    free(s);
    return 0;
}

/* n members of size bytes; version[i] (or 1) is in the ETag. */
static inline struct layout *
make_layout(size_t n, uint64_t size, const unsigned *version)
{
    struct layout *l = layout_alloc("bucket", "");
    size_t i;

    l->member = calloc(n + 1, sizeof(*l->member));
    l->zip.count = n;
    for (i = 0; i < n; i++) {
        unsigned v = version ? version[i] : 1;
        char name[40], etag[40];
        int k = snprintf(name, sizeof(name), "dir/member-%07zu", i);
        int e = snprintf(etag, sizeof(etag), "%08zx-%08x", i * 2654435761u, v);
        char *key = arena_dup(&l->arena, name, (size_t)k);

        l->member[i] = (struct zip_member){
            .key = key,
            .name = key,
            .etag = arena_dup(&l->arena, etag, (size_t)e),
            .size = size + i % 7,
            .mtime = (int64_t)(1700000000 + i + v),
            .key_len = (uint16_t)k,
            .name_len = (uint16_t)k,
            .etag_len = (uint16_t)e,
        };
    }
    assert_int_equal(layout_finish(l, CONF_ORDER_KEY), 0);
    return l;
}

static inline void
save(struct store *s, const char *key, const char *etag,
     const struct layout *l)
{
    former_save(s->st, "http://e", "b", key, strlen(key), etag, l);
}

static inline struct former *
load(struct store *s, const char *key, const char *etag, const char *digest)
{
    return former_load(s->st, "http://e", "b", key, strlen(key), etag, digest);
}

#endif
