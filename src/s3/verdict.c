/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The verdict on an exchange: what went wrong, is it worth another
 * attempt, when, and what was learned on the way (region, clock, expired
 * credentials).  Must not know single operations, and sends nothing.
 */
#include "s3/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum {
    TRIES_MAX = 10,
    ATTEMPTS_MAX = 200, /* of one call, whatever its progress */
    PROBE_TRIES = 4,    /* nobody answers: a person waits */
    PATIENCE_MS = 60 * 1000,
    PROBE_MS = 10 * 1000,
    /* Two exchanges that hit the cap of 15 minutes are not made. */
    SLOW_PATIENCE_MS = 15 * 60 * 1000 + 30 * 1000,
    NO_BUDGET_MS = 10 * 1000,
    SKEW_MIN = 240, /* seconds; S3 allows 15 minutes, some stores 5 */
    LEARN_MAX = 2,
};

/* ------------------------------------------------------- what went wrong */

static void
take_ids(struct s3_error *e, const struct net_response *r)
{
    const char *id = net_header(r, "x-amz-request-id");
    const char *host = net_header(r, "x-amz-id-2");

    if (id && !e->request_id[0])
        s3_error_say(e->request_id, sizeof(e->request_id), id);
    if (host && !e->host_id[0])
        s3_error_say(e->host_id, sizeof(e->host_id), host);
}

/* Never connected, or the body did not go out: the store cannot have done
 * anything. */
static bool
unseen(const struct s3_call *c, const struct net_response *r)
{
    return r->err == -ECONNREFUSED || r->err == -EHOSTUNREACH ||
           (c->body_size > 0 && r->sent == 0 && r->status == 0);
}

/* Nothing came, or a 2xx answer was cut. */
static enum s3_how
net_failure(struct s3_call *c, const struct net_response *r)
{
    /* A stream that was cut behind its last byte lacks nothing. */
    if (r->status / 100 == 2 && c->verb->data && c->verb->parse(c, r) == 0)
        return S3_HOW_OK;
    if (!unseen(c, r))
        c->unclear = true;
    c->error.err = s3_net_errno(r->err);
    if (r->status == 0 || !c->error.message[0])
        s3_error_say(c->error.message, sizeof(c->error.message),
                     r->errtext[0] ? r->errtext : strerror(-r->err));
    if (c->once && c->unclear)
        return S3_HOW_FINAL;
    return s3_net_how(r->err);
}

/* A gateway's word says nothing about what happened behind it.  Nor does the
 * store's "internal error", to a Create: what a Complete did, a look tells. */
static bool
answer_is_unclear(const struct s3_call *c, const struct s3_error_row *row)
{
    bool create = c->once && !c->verb->once;

    return c->error.http >= 500 && c->error.http != 501 &&
           (!c->error.code[0] || (create && row->how == S3_HOW_AGAIN));
}

static enum s3_how
by_table(struct s3_call *c)
{
    const struct s3_error_row *row =
        s3_error_row(c->error.code, c->error.http);

    c->error.err = row->err;
    if (answer_is_unclear(c, row)) {
        c->unclear = true;
        if (c->once)
            return S3_HOW_FINAL;
    }
    /* What was sent may have been hurt on its way; a Complete was not. */
    if (row->how == S3_HOW_TWICE && c->once)
        return S3_HOW_FINAL;
    return row->how;
}

/* HEAD has no error body, and its status alone says little: the region
 * header and the Date tell more. */
static enum s3_how
without_words(struct s3_call *c, const struct net_response *r, enum s3_how how)
{
    const char *region = net_header(r, "x-amz-bucket-region");
    const char *date = net_header(r, "date");
    int64_t there, here;

    if (c->error.code[0] || (r->status != 400 && r->status != 403))
        return how;
    if (region && strcmp(region, c->region) != 0)
        return S3_HOW_REGION;
    here = time(NULL) + __atomic_load_n(&c->s->skew, __ATOMIC_RELAXED);
    if (date && s3_parse_http_date(&there, date) &&
        llabs(there - here) > SKEW_MIN)
        return S3_HOW_SKEW;
    if (r->status == 400 && c->identity && c->identity->session_token)
        return S3_HOW_TOKEN;
    return how;
}

static enum s3_how
refused(struct s3_call *c, const struct net_response *r)
{
    static const struct s3_xml error_only = {.root = {NULL}};
    char region[S3_REGION_MAX] = "";

    s3_xml_parse(&error_only, buf_str(&c->body), c->body.len, &c->error,
                 region);
    take_ids(&c->error, r);
    if (region[0])
        strcpy(c->told_region, region);
    return without_words(c, r, by_table(c));
}

static enum s3_how
accepted(struct s3_call *c, const struct net_response *r)
{
    int e = c->verb->parse ? c->verb->parse(c, r) : s3_body_error(c);

    take_ids(&c->error, r);
    if (e == 0)
        return S3_HOW_OK;
    if (e == S3_CALL_NEXT)
        return S3_HOW_NEXT;
    if (e == S3_CALL_ERROR)
        return by_table(c);
    if (e == -ECONNRESET) { /* the body was short, says the verb */
        c->error.err = -EIO;
        return S3_HOW_AGAIN;
    }
    if (e == -EPROTO)
        c->unclear = true;
    c->error.err = e;
    return S3_HOW_FINAL;
}

enum s3_how
s3_verdict(struct s3_call *c, const struct net_response *r)
{
    c->error.http = r->status;
    c->told_region[0] = '\0';
    if (c->local_err < 0) {
        c->unclear = true;
        take_ids(&c->error, r);
        c->error.err = c->local_err;
        return S3_HOW_FINAL;
    }
    if (r->status == 0 || (r->err < 0 && r->status / 100 == 2))
        return net_failure(c, r);
    if (r->status / 100 == 2)
        return accepted(c, r);
    return refused(c, r);
}

/* ------------------------------------------------------- what was learned */

static bool
learn_region(struct s3_call *c, const struct net_response *r)
{
    const char *region = net_header(r, "x-amz-bucket-region");
    char now[S3_REGION_MAX];

    if (!region || !s3_region_ok(region))
        region = c->told_region;
    if (region[0] && strcmp(region, c->region) != 0) {
        if (s3_region_learn(c->s, c->bucket, region))
            log_info("s3: bucket %s is in region %s", c->bucket, region);
        return true;
    }
    /* Another call may have learned it meanwhile. */
    s3_region_of(c->s, c->bucket, now);
    return strcmp(now, c->region) != 0;
}

static bool
learn_skew(struct s3_call *c, const struct net_response *r)
{
    const char *date = net_header(r, "date");
    int64_t there;

    if (!date || !s3_parse_http_date(&there, date))
        return false;
    there -= time(NULL);
    __atomic_store_n(&c->s->skew, there, __ATOMIC_RELAXED);
    log_warn("s3: the store's clock differs by %lld s", (long long)there);
    return true;
}

bool
s3_verdict_learn(struct s3_call *c, const struct net_response *r,
                 enum s3_how how)
{
    switch (how) {
    case S3_HOW_REGION:
        return c->moves++ < LEARN_MAX && learn_region(c, r);
    case S3_HOW_SKEW:
        return c->skews++ < LEARN_MAX && learn_skew(c, r);
    case S3_HOW_TOKEN:
        if (c->renewals++ >= LEARN_MAX || !c->identity)
            return false;
        aws_identity_expired(c->s->aws, c->identity);
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------ again, when */

static uint64_t
patience(const struct s3_call *c)
{
    if (c->patience == S3_PATIENCE_PROBE)
        return PROBE_MS;
    return c->verb->slow ? SLOW_PATIENCE_MS : PATIENCE_MS;
}

static unsigned
tries_max(const struct s3_call *c, enum s3_how how)
{
    if (how == S3_HOW_TWICE)
        return 2;
    if (c->patience == S3_PATIENCE_PROBE && c->error.http == 0)
        return PROBE_TRIES;
    return TRIES_MAX;
}

/* Time in the queue is nobody's failure, and bytes that moved are
 * progress: trouble began with this exchange or later. */
static uint64_t
trouble_began(const struct s3_call *c, const struct net_response *r,
              uint64_t now)
{
    if (c->patience == S3_PATIENCE_PROBE)
        return c->start;
    if (r->sent > 0)
        return now;
    return max_u64(now - min_u64(r->total_ms, now - 1), c->last_data);
}

/* Takes a retry from the budget of c's side; without one the wait is
 * long.  ms. */
static uint32_t
budget_delay(struct s3_call *c, uint64_t now, uint32_t random)
{
    LOCK_SCOPE(&c->s->lock);

    if (s3_budget_take(&s3_governor_of(c)->budget, now))
        return 0;
    return NO_BUDGET_MS / 2 + random % NO_BUDGET_MS;
}

static void
slow_down(struct s3_call *c, uint64_t now)
{
    LOCK_SCOPE(&c->s->lock);
    s3_pace_slow(&s3_governor_of(c)->pace, now);
}

/* Backoff, or what the store asked for; its turn at the present rate if
 * that is later. */
static uint32_t
delay_of(struct s3_call *c, const struct net_response *r, uint64_t now)
{
    uint32_t random = s3_random(c->s);
    uint32_t delay = s3_backoff_ms(c->tries, random);
    uint32_t asked = s3_retry_after_ms(net_header(r, "x-amz-retry-after"),
                                       net_header(r, "retry-after"));

    if (asked > 0)
        delay = asked + delay / 4;
    delay += budget_delay(c, now, random);
    return (uint32_t)max_u64(delay, s3_govern(c));
}

bool
s3_verdict_again(struct s3_call *c, const struct net_response *r,
                 enum s3_how how, uint32_t *ret_delay)
{
    uint64_t now = net_now_ms();

    if (how == S3_HOW_SLOW)
        slow_down(c, now);
    if (c->trouble == 0)
        c->trouble = trouble_began(c, r, now);
    if (++c->tries >= tries_max(c, how) || c->error.attempts >= ATTEMPTS_MAX)
        return false;
    *ret_delay = delay_of(c, r, now);
    /* A kept connection may be what is broken. */
    c->fresh = c->fresh || r->err < 0;
    return now + *ret_delay - c->trouble < patience(c);
}
