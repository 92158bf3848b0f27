/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The net/ and aws/ that s3/ is tested on: answers come from a script, timers
 * run on a clock of their own, both when the test says fake_run.  One thread,
 * so every test is exact; what real servers do is the system tests' business.
 */
#ifndef S3ZIPFS_TESTS_S3_FAKE_H
#define S3ZIPFS_TESTS_S3_FAKE_H

#include "s3/s3.h"

struct fake_answer {
    int err; /* as net_response */
    int status;
    const char *headers; /* "name: value\n"..., lower-case names */
    const char *body;
    size_t cut;       /* the body ends after so many bytes (err set) */
    uint32_t took_ms; /* of the fake clock */
    bool hold;        /* no answer before net_cancel */
};

struct fake_request {
    char method[16];
    char *url, *headers; /* headers: "Name: value\n"... */
    char *body;
    int file_fd; /* of a body in a file; nothing is read */
    uint64_t file_first, file_length;
    uint32_t stall_ms, total_ms;
    bool fresh, busy;
    enum net_class class;
};

enum { FAKE_MAX = 1024 };
extern struct fake {
    struct fake_answer answer[FAKE_MAX]; /* the last one repeats */
    size_t answers;
    /* Instead of the script. */
    const struct fake_answer *(*choose)(const struct net_request *q);
    struct fake_request request[FAKE_MAX];
    size_t requests;
    uint64_t now;      /* ms */
    unsigned expired;  /* calls of aws_identity_expired */
    int64_t signed_at; /* of the last signature, minus the real time */
    char signed_region[64];
    char payload_hash[80];
    bool hold_works; /* net_work keeps them for fake_works */
} fake;

/* A client of the fake; defaults where conf is NULL (http endpoint). */
struct s3 *fake_client(const struct s3_conf *conf);
void fake_free(struct s3 *s); /* also forgets script and requests */
void fake_say(int status, const char *headers, const char *body);
void fake_add(const struct fake_answer *a);
/* Gives answers and runs timers until none is left, or for ms milliseconds. */
void fake_run(void);
void fake_run_for(uint64_t ms);
size_t fake_timers(void);
bool fake_give(void);        /* one answer; false if none is due */
size_t fake_exchanges(void); /* that are held or paused */
uint64_t fake_new_id(void);  /* of an exchange or a timer */
/* Runs at most so many held works; how many it were. */
size_t fake_works(size_t most);
/* Does request i have exactly this header line? */
bool fake_sent(size_t i, const char *line);
bool fake_sent_name(size_t i, const char *name);

#endif
