/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * See s3_fake.h.
 */
#include "s3_fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/text.h"

struct fake fake;

struct timer {
    uint64_t id, due;
    void (*fn)(void *user);
    void *user;
};
static struct timer timer[FAKE_MAX];
static size_t timers;
/* ----------------------------------------------------------------- net */

void
log_line(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

bool
log_on(enum log_level level)
{
    return level == LOG_DEBUG; /* the arguments must be sound */
}

uint64_t
net_now_ms(void)
{
    return fake.now;
}

uint64_t
net_timer(struct net *n, uint64_t ms, void (*fn)(void *user), void *user)
{
    (void)n;
    if (timers >= FAKE_MAX)
        abort();
    timer[timers++] = (struct timer){fake_new_id(), fake.now + ms, fn, user};
    return timer[timers - 1].id;
}

bool
net_timer_cancel(struct net *n, uint64_t id)
{
    size_t i;

    (void)n;
    for (i = 0; i < timers; i++) {
        if (timer[i].id == id) {
            memmove(&timer[i], &timer[i + 1], (--timers - i) * sizeof(*timer));
            return true;
        }
    }
    return false;
}

static struct work {
    void (*fn)(void *user);
    void *user;
} work[FAKE_MAX];
static size_t works;

void
net_work(struct net *n, void (*fn)(void *user), void *user)
{
    (void)n;
    if (!fake.hold_works) {
        fn(user);
        return;
    }
    if (works >= FAKE_MAX)
        abort();
    work[works++] = (struct work){fn, user};
}

size_t
fake_works(size_t most)
{
    struct work w;
    size_t done;

    for (done = 0; done < most && works > 0; done++) {
        w = work[0];
        memmove(&work[0], &work[1], --works * sizeof(*work));
        w.fn(w.user);
    }
    return done;
}

void
fake_run_for(uint64_t ms)
{
    uint64_t end = ms == UINT64_MAX ? ms : fake.now + ms;
    struct timer t;
    size_t i, first;

    for (;;) {
        if (fake_give())
            continue;
        if (timers == 0)
            break;
        for (first = 0, i = 1; i < timers; i++) {
            if (timer[i].due < timer[first].due)
                first = i;
        }
        t = timer[first];
        if (t.due > end)
            break;
        net_timer_cancel(NULL, t.id);
        if (t.due > fake.now)
            fake.now = t.due;
        t.fn(t.user);
    }
    if (end != UINT64_MAX)
        fake.now = end;
}

void
fake_run(void)
{
    fake_run_for(UINT64_MAX);
}

size_t
fake_timers(void)
{
    return timers;
}

/* ----------------------------------------------------------------- aws */

static struct aws_identity identity = {.access_key = (char *)"AK",
                                       .secret_key = (char *)"SK",
                                       .session_token = (char *)"TOKEN",
                                       .source = "fake"};

struct aws_identity *
aws_identity_ref(struct aws_identity *id)
{
    id->refs++;
    return id;
}

void
aws_identity_unref(struct aws_identity *id)
{
    if (id)
        id->refs--;
}

void
aws_identity_get(struct aws *a, aws_identity_cb *cb, void *user)
{
    (void)a;
    cb(user, 0, &identity, NULL);
}

void
aws_identity_expired(struct aws *a, const struct aws_identity *id)
{
    (void)a, (void)id;
    fake.expired++;
}

int
aws_sign_v4(const struct aws_sign *s, const struct aws_identity *id,
            struct buf *out)
{
    (void)id;
    fake.signed_at = s->now - time(NULL);
    snprintf(fake.signed_region, sizeof(fake.signed_region), "%s", s->region);
    snprintf(fake.payload_hash, sizeof(fake.payload_hash), "%s",
             s->payload_hash);
    return buf_addf(out, "Authorization: secret\n");
}

int
aws_sha256_iov(char hex[65], const struct iovec *iov, int n)
{
    (void)iov, (void)n;
    memset(hex, 'a', 64);
    hex[64] = '\0';
    return 0;
}

const char *
aws_region(const struct aws *a)
{
    (void)a;
    return NULL;
}

const char *
aws_endpoint_url(const struct aws *a)
{
    (void)a;
    return NULL;
}

const char *
aws_addressing_style(const struct aws *a)
{
    (void)a;
    return NULL;
}

/* --------------------------------------------------------------- script */

struct s3 *
fake_client(const struct s3_conf *conf)
{
    static const struct s3_conf usual = {.endpoint = "http://127.0.0.1:9",
                                         .path_style = -1,
                                         .sign_payload = -1};
    struct s3 *s;
    struct err e;

    fake.now = 1000000;
    if (s3_new(&s, NULL, NULL, conf ? conf : &usual, &e) < 0)
        abort();
    return s;
}

void
fake_free(struct s3 *s)
{
    size_t i;

    s3_free(s);
    for (i = 0; i < fake.requests; i++) {
        free(fake.request[i].url);
        free(fake.request[i].headers);
        free(fake.request[i].body);
    }
    memset(&fake, 0, sizeof(fake));
    if (timers || fake_give() || fake_exchanges() || works || identity.refs)
        abort(); /* a call was forgotten */
}

void
fake_add(const struct fake_answer *a)
{
    if (fake.answers >= FAKE_MAX)
        abort();
    fake.answer[fake.answers++] = *a;
}

void
fake_say(int status, const char *headers, const char *body)
{
    fake_add(&(struct fake_answer){
        .status = status, .headers = headers, .body = body});
}

bool
fake_sent(size_t i, const char *line)
{
    const char *p = i < fake.requests ? fake.request[i].headers : "";
    size_t n = strlen(line);

    for (; *p; p = strchr(p, '\n') + 1) {
        if (strncmp(p, line, n) == 0 && p[n] == '\n')
            return true;
    }
    return false;
}

bool
fake_sent_name(size_t i, const char *name)
{
    const char *p = i < fake.requests ? fake.request[i].headers : "";
    size_t n = strlen(name);

    for (; *p; p = strchr(p, '\n') + 1) {
        if (strncasecmp(p, name, n) == 0 && p[n] == ':')
            return true;
    }
    return false;
}
