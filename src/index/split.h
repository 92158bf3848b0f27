/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Where to cut a stretch of the key space that nobody has listed yet.
 * Pure: works on bytes of keys; knows neither requests nor pages.
 */
#ifndef S3ZIPFS_INDEX_SPLIT_H
#define S3ZIPFS_INDEX_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a key, which may hold NULs. */
struct key_ref {
    const char *p; /* NULL = none */
    size_t len;
};

/* Byte order, as ListObjectsV2 has it. */
int key_cmp(struct key_ref a, struct key_ref b);
/* True if all of it may stand in start-after: UTF-8, no control
 * characters. */
bool key_is_plain(struct key_ref k);

/* The letters and digits that keys of this listing are made of. */
struct alphabet {
    bool has[128];
    unsigned count;           /* members */
    char letter[128];         /* members, ascending */
    unsigned char floor[256]; /* members <= this byte */
};
/* Looks at the bytes of k from `from` on. */
void alphabet_learn(struct alphabet *a, struct key_ref k, size_t from);

/* A stretch: keys above last, and up to upto. */
struct stretch {
    struct key_ref first; /* a key below last: where keys differ */
    struct key_ref last;  /* a key that was listed */
    struct key_ref upto;  /* none = to the end of the prefix */
    size_t prefix_len;    /* all keys share that much */
};

/* Two ways to guess.  By stem: what follows all that begins as last does,
 * for beginnings of several lengths; finds how much all keys share.  By
 * share: points that divide the stretch evenly, were keys spread evenly. */
enum split_way { SPLIT_STEM, SPLIT_SHARE };

/* At most most points (malloc'ed strings), ascending, last < point < upto.
 * Returns how many; 0 also when out of memory. */
size_t split_points(const struct alphabet *a, const struct stretch *s,
                    enum split_way way, size_t most, char **ret);

/* Does first begin as all that is left does?  Then keys between first and
 * last say something of it. */
bool split_is_near(const struct stretch *s);

/* Bytes after the prefix that all that is left shares, as far as known. */
size_t split_depth(const struct stretch *s);

/* (upto - last) / (last - first) if keys are spread evenly; < 0: nobody
 * knows. */
double split_rest(const struct alphabet *a, const struct stretch *s);

#endif
