/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * An upload part on its way: shared by upload.c and upload_spool.c.
 */
#ifndef S3ZIPFS_PUBLISH_UPLOAD_IMPL_H
#define S3ZIPFS_PUBLISH_UPLOAD_IMPL_H

#include "publish/job.h"
#include "publish/spool.h"

enum { MIDDLE = -1 };

enum seg_state { SEG_NEW, SEG_ASKED, SEG_WRITE, SEG_READ };

/* A range that is read at once: all of a head donation, of what is between,
 * or of a tail donation, or some of it. */
struct seg {
    struct event ev;
    struct upload *u;
    uint64_t first, len;
    int don; /* DON_HEAD, DON_TAIL or MIDDLE */
    enum seg_state state;
    uint64_t id;
    struct read_view *view;
    uint32_t crc;
    int r;
    struct err err;
};

struct upload {
    struct event ev;
    struct upload *next;
    struct publish_job *job;
    uint32_t n; /* part */
    struct seg *seg;
    uint32_t segs, segs_read;
    unsigned busy;       /* calls not answered */
    struct spool *spool; /* of a part that is too large for memory= */
    int spool_err;
    struct err spool_words;
    struct iovec *iov;
    uint32_t crc;
    bool sending; /* all of it was read */
    bool put;     /* by its stage's call */
    s3_id id;
    struct s3_error e;
    char *etag;
    bool have_crc;
    uint32_t answer_crc;
};

/* upload.c */
void upload_drop(struct publish_job *j, struct upload *u);
/* s is where it is sent from. */
void seg_there(struct publish_job *j, struct seg *s);

/* upload_send.c: all of it is there. */
void upload_send(struct publish_job *j, struct upload *u);

/* upload_spool.c: parts larger than a quarter of memory= go through a
 * temporary file. */
bool upload_spools(const struct publish_job *j, uint32_t n);
/* A file for u, then its reads. */
void spool_begin(struct publish_job *j, struct upload *u);
/* s was read: into the file with it. */
void spool_put(struct publish_job *j, struct seg *s);

#endif
