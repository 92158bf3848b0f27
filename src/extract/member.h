/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the two ways of a large member share: copies (member.c) and bytes
 * that pass through (stream.c).  Private to the room.
 */
#ifndef S3ZIPFS_EXTRACT_MEMBER_H
#define S3ZIPFS_EXTRACT_MEMBER_H

#include "extract/unpack.h"
#include "s3/upload.h"

/* Something was learned of the store: begin anew. */
enum { MEMBER_AGAIN = 1 };

/* One thread's, but for the parts. */
struct member {
    struct unpack *job;
    uint32_t entry;
    const struct zentry *z;
    char *key;
    uint64_t body; /* where it begins in the archive */
    bool checked;  /* its bytes were read and are right... */
    bool doubted;  /* ...which they have to be */
    unsigned busy;
    struct upload up;
    struct s3_done_part *part; /* etag: owned */
    uint32_t parts;
};
/* A part is there; each number by one thread. */
int member_part(struct member *m, uint32_t number,
                const struct s3_reply *reply);

/* stream.c: waits for its share of memory=. */
struct stream;
int stream_open(struct stream **ret, struct member *m);
uint64_t stream_parts(const struct stream *s);
/* Once the upload is there: all parts.  0: the bytes were right. */
int stream_send(struct stream *s);
void stream_close(struct stream *s); /* NULL is legal */

#endif
