/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Bandwidth, rates of requests and of copying, and round trip, as they were
 * seen.  Must not know jobs or strategies.
 */
#include "publish/rates.h"

#include <sqlite3.h>
#include <string.h>

#include "base/check.h"
#include "plan/plan.h"

enum {
    ROWS_MAX = 100,  /* endpoints */
    ROUND_TRIPS = 3, /* of one upload, as plan_time has it */
};
/* A shorter while says more of its beginning than of the line. */
#define SECONDS_LEAST 1.0
#define BYTES_LEAST MIB(16)
#define REQUESTS_LEAST 100
#define COPIED_LEAST GIB(1)
/* Of a smaller object Complete takes the time of any request. */
#define COMPLETED_LEAST MIB(64)
/* A copy of more than that keeps the store busier than the request. */
#define COPIED_EACH MIB(16)

/* -------------------------------------------------------- a while's end */

void
rates_begin(struct rates_mark *m, struct s3 *s)
{
    m->ms = net_now_ms();
    s3_stats_get(s, &m->stats);
}

/* The counters of the kinds come first. */
static const uint64_t *
by_kind(const struct s3_stats *s)
{
    return &s->list;
}

static uint64_t
requests(const struct s3_stats *s)
{
    uint64_t n = 0;
    unsigned k;

    for (k = 0; k < S3_KINDS; k++)
        n += by_kind(s)[k];
    return n;
}

/* Seconds to the answer of a call that moves no bytes; 0 if there was none.
 * A page of a listing takes the store longer: better than nothing. */
static double
round_trip(struct s3 *s, const struct s3_stats *stats)
{
    static const char *const names[] = {"head", "create", "list"};
    struct s3_kind_stats ks;
    size_t i;
    unsigned k;

    for (i = 0; i < ARRAY_SIZE(names); i++)
        for (k = 0; k < S3_KINDS; k++) {
            if (by_kind(stats)[k] == 0 ||
                strcmp(s3_kind_name(k), names[i]) != 0)
                continue;
            s3_kind_get(s, k, &ks);
            /* Whole milliseconds are counted. */
            return ((double)ks.first_p50 + 0.5) / 1000;
        }
    return 0;
}

void
rates_end(const struct rates_mark *m, struct s3 *s, struct rates_sample *ret)
{
    struct s3_stats now;

    s3_stats_get(s, &now);
    *ret = (struct rates_sample){
        .bytes_up = now.bytes_out - m->stats.bytes_out,
        .bytes_down = now.bytes_in - m->stats.bytes_in,
        .requests = requests(&now) - requests(&m->stats),
        .seconds = (double)(net_now_ms() - m->ms) / 1000,
        .sequence = 1,
        .round_trip = round_trip(s, &now),
    };
}

/* --------------------------------------------------------------- learn */

/* Half of what was known is forgotten each time. */
static void
measured(double *known, double value)
{
    *known = *known > 0 ? (*known + value) / 2 : value;
}

static void
at_least(double *known, double value, double assumed)
{
    if (value > (*known > 0 ? *known : assumed))
        *known = value;
}

/* Was it the line that a publish of so many bytes waited for, and not the
 * store that copied? */
static bool
told_by_bytes(const struct rates_sample *s, uint64_t bytes)
{
    return s->copied / 2 <= bytes;
}

static bool
told_by_requests(const struct rates_sample *s)
{
    return s->copied / COPIED_EACH <= s->requests;
}

/* Without what each upload waits for, if that is not nearly all. */
static double
busy_seconds(const struct rates_sample *s)
{
    double waited = ROUND_TRIPS * s->round_trip * s->sequence;

    return s->seconds - (waited < s->seconds / 2 ? waited : s->seconds / 2);
}

static void
learn_complete(struct plan_rates *known, const struct rates_sample *s)
{
    double seconds = s->complete_seconds - s->round_trip;

    if (s->completed >= COMPLETED_LEAST && s->complete_seconds > 0)
        measured(&known->complete_rate,
                 (double)s->completed / (seconds > 0.001 ? seconds : 0.001));
}

void
rates_learn(struct plan_rates *known, const struct rates_sample *s)
{
    const struct plan_rates *assumed = &plan_rates_default;
    double b = known->bandwidth > 0 ? known->bandwidth : assumed->bandwidth;
    double q =
        known->request_rate > 0 ? known->request_rate : assumed->request_rate;
    uint64_t bytes = max_u64(s->bytes_up, s->bytes_down);
    double seconds = busy_seconds(s);
    bool by_bytes = (double)bytes / b >= (double)s->requests / q;

    if (s->round_trip > 0)
        measured(&known->round_trip, s->round_trip);
    learn_complete(known, s);
    if (seconds < SECONDS_LEAST ||
        (bytes < BYTES_LEAST && s->requests < REQUESTS_LEAST &&
         s->copied < COPIED_LEAST))
        return;
    if (by_bytes && told_by_bytes(s, bytes))
        measured(&known->bandwidth, (double)bytes / seconds);
    else
        at_least(&known->bandwidth, (double)bytes / seconds,
                 assumed->bandwidth);
    if (!by_bytes && told_by_requests(s))
        measured(&known->request_rate, (double)s->requests / seconds);
    else
        at_least(&known->request_rate, (double)s->requests / seconds,
                 assumed->request_rate);
    if (!told_by_bytes(s, bytes) && !told_by_requests(s))
        measured(&known->copy_rate, (double)s->copied / seconds);
    else if (known->copy_rate > 0)
        at_least(&known->copy_rate, (double)s->copied / seconds, 0);
}

/* ---------------------------------------------------------------- rows */

/* n orders the rows by age. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS rate ("
    " n INTEGER PRIMARY KEY, endpoint TEXT NOT NULL UNIQUE,"
    " bandwidth REAL NOT NULL, request_rate REAL NOT NULL,"
    " round_trip REAL NOT NULL, copy_rate REAL NOT NULL DEFAULT 0,"
    " complete_rate REAL NOT NULL DEFAULT 0)";
/* For a table that is older than these columns; else they fail. */
static const char *const columns_later[] = {
    "ALTER TABLE rate ADD COLUMN copy_rate REAL NOT NULL DEFAULT 0",
    "ALTER TABLE rate ADD COLUMN complete_rate REAL NOT NULL DEFAULT 0",
};
static const char what[] = "measured rates";

static void
rates_warn(struct state *st, struct sqlite3 *db)
{
    state_warn(st, what, sqlite3_errmsg(db));
}

static struct sqlite3 *
rates_open(struct state *st)
{
    struct sqlite3 *db = state_table(st, schema, what);
    size_t i;

    for (i = 0; db && i < ARRAY_SIZE(columns_later); i++)
        sqlite3_exec(db, columns_later[i], NULL, NULL, NULL);
    return db;
}

/* What somebody wrote to the file is not believed blindly. */
static double
column(sqlite3_stmt *s, int i)
{
    double v = sqlite3_column_double(s, i);

    return v > 0 && v < 1e15 ? v : 0;
}

static int
find(struct sqlite3 *db, const char *endpoint, struct plan_rates *ret)
{
    sqlite3_stmt *s = NULL;
    int r = sqlite3_prepare_v2(
        db,
        "SELECT bandwidth, request_rate, round_trip, copy_rate, complete_rate"
        " FROM rate"
        " WHERE endpoint = ?",
        -1, &s, NULL);

    *ret = (struct plan_rates){0};
    if (r != SQLITE_OK)
        return r;
    sqlite3_bind_text(s, 1, endpoint, -1, SQLITE_STATIC);
    r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        *ret = (struct plan_rates){.bandwidth = column(s, 0),
                                   .request_rate = column(s, 1),
                                   .round_trip = column(s, 2),
                                   .copy_rate = column(s, 3),
                                   .complete_rate = column(s, 4)};
    sqlite3_finalize(s);
    return r == SQLITE_ROW || r == SQLITE_DONE ? SQLITE_OK : r;
}

static int
insert(struct sqlite3 *db, const char *endpoint, const struct plan_rates *r)
{
    sqlite3_stmt *s = NULL;
    int x = sqlite3_prepare_v2(
        db,
        "INSERT OR REPLACE INTO rate (endpoint, bandwidth, request_rate,"
        " round_trip, copy_rate, complete_rate) VALUES (?, ?, ?, ?, ?, ?)",
        -1, &s, NULL);

    if (x != SQLITE_OK)
        return x;
    sqlite3_bind_text(s, 1, endpoint, -1, SQLITE_STATIC);
    sqlite3_bind_double(s, 2, r->bandwidth);
    sqlite3_bind_double(s, 3, r->request_rate);
    sqlite3_bind_double(s, 4, r->round_trip);
    sqlite3_bind_double(s, 5, r->copy_rate);
    sqlite3_bind_double(s, 6, r->complete_rate);
    x = sqlite3_step(s);
    sqlite3_finalize(s);
    return x == SQLITE_DONE ? SQLITE_OK : x;
}

void
rates_note(struct state *st, const char *endpoint,
           const struct rates_sample *sample)
{
    struct sqlite3 *db = rates_open(st);
    struct plan_rates known;
    int r;

    if (!db)
        return;
    r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (r == SQLITE_OK)
        r = find(db, endpoint, &known);
    if (r == SQLITE_OK) {
        rates_learn(&known, sample);
        r = insert(db, endpoint, &known);
    }
    if (r == SQLITE_OK && !state_trim(st, db, "rate", ROWS_MAX, what))
        r = SQLITE_ERROR;
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        rates_warn(st, db);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    state_unlock(st);
}

bool
rates_load(struct state *st, const char *endpoint, struct plan_rates *ret)
{
    struct sqlite3 *db = rates_open(st);

    *ret = (struct plan_rates){0};
    if (!db)
        return false;
    if (find(db, endpoint, ret) != SQLITE_OK)
        rates_warn(st, db);
    state_unlock(st);
    return ret->bandwidth > 0 || ret->request_rate > 0 || ret->round_trip > 0;
}

/* -------------------------------------------------------------- choose */

static double
choose(enum plan_origin *origin, double given, double seen, double assumed)
{
    *origin = given > 0 ? PLAN_GIVEN : seen > 0 ? PLAN_MEASURED : PLAN_ASSUMED;
    return given > 0 ? given : seen > 0 ? seen : assumed;
}

/* As given; else all are assumed to go with the round trip. */
static void
choose_latency(struct plan_rates *ret, const struct conf *c)
{
    struct plan_latency *t = &ret->latency;
    double times = ret->round_trip / plan_rates_default.round_trip;

    *t = plan_rates_default.latency;
    ret->width_body = c->connections;
    ret->width_none = plan_rates_default.width_none;
    if (c->latency && plan_latency_parse(t, c->latency))
        return;
    t->first_byte *= times;
    t->create *= times;
    t->copy *= times;
    t->copy_byte *= times;
    t->upload *= times;
    t->complete *= times;
    t->complete_part *= times;
    t->remove *= times;
}

void
rates_choose(struct plan_rates *ret, struct plan_origins *origins,
             const struct conf *c, struct s3 *s, struct state *st)
{
    const struct plan_rates *assumed = &plan_rates_default;
    struct plan_rates seen = {0};
    struct plan_origins o;
    struct s3_stats stats;

    if (s) {
        rates_load(st, s3_endpoint_id(s), &seen);
        s3_stats_get(s, &stats);
        if (seen.round_trip <= 0)
            seen.round_trip = round_trip(s, &stats);
    }
    ret->bandwidth = choose(&o.bandwidth, (double)c->bandwidth, seen.bandwidth,
                            assumed->bandwidth);
    ret->request_rate = choose(&o.request_rate, c->request_rate,
                               seen.request_rate, assumed->request_rate);
    ret->round_trip =
        choose(&o.round_trip, 0, seen.round_trip, assumed->round_trip);
    ret->copy_rate = seen.copy_rate;
    ret->complete_rate = seen.complete_rate;
    choose_latency(ret, c);
    if (origins)
        *origins = o;
}
