/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What follows a failure: the table of errors (error.c), backoff and
 * budget (retry.c), and the rate of requests (pace.c).  Inside s3/ only;
 * knows no calls.
 */
#ifndef S3ZIPFS_S3_RETRY_H
#define S3ZIPFS_S3_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* What an answer asks for. */
enum s3_how {
    S3_HOW_OK,
    S3_HOW_NEXT, /* one more exchange of the same call */
    S3_HOW_FINAL,
    S3_HOW_AGAIN,
    S3_HOW_SLOW,   /* again, and lower the rate */
    S3_HOW_TWICE,  /* again, but once only */
    S3_HOW_REGION, /* learn the region, again */
    S3_HOW_SKEW,   /* learn the clock, again */
    S3_HOW_TOKEN,  /* renew the credentials, again */
};

struct s3_error_row {
    const char *code; /* NULL: by status alone */
    int http;
    int err; /* -errno */
    enum s3_how how;
};
/* Never NULL: the row of the code, or else of the status. */
const struct s3_error_row *s3_error_row(const char *code, int http);
/* errno of a network failure that was not overcome, and whether another
 * attempt makes sense. */
int s3_net_errno(int err);
enum s3_how s3_net_how(int err);
const char *s3_http_words(int http);

/* Full jitter; tries counts from 1. */
uint32_t s3_backoff_ms(unsigned tries, uint32_t random);
/* What the headers ask for, in ms, capped; 0 = nothing. */
uint32_t s3_retry_after_ms(const char *amz_ms, const char *seconds);

/* Retries: a bucket that fills with time. */
struct s3_budget {
    double tokens;
    uint64_t at; /* ms */
};
void s3_budget_init(struct s3_budget *b, uint64_t now);
bool s3_budget_take(struct s3_budget *b, uint64_t now);

/* ---------------------------------------------------------------- pace */

enum s3_side { S3_READS, S3_WRITES, S3_SIDES };

/* Additive increase, multiplicative decrease of the rate of requests.
 * Guarded by its owner's lock. */
struct s3_pace {
    double max;    /* a second; above it there is no limit */
    double rate;   /* a second; 0 = not limited */
    double next;   /* ms: the next free slot */
    uint64_t cuts; /* decreases so far */
    uint64_t cut;  /* ms: the last one */
    uint64_t raised;
    uint64_t window;      /* ms: start of the count below */
    uint32_t count, seen; /* starts in this window, in the one before */
};
void s3_pace_init(struct s3_pace *p, enum s3_side side);
/* ms to wait before this start (which is counted). */
uint32_t s3_pace_start(struct s3_pace *p, uint64_t now);
void s3_pace_slow(struct s3_pace *p, uint64_t now);

#endif
