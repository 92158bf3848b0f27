/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * A job in words: the lines of user.publish.status, JSON, and the manual's
 * list of their names, all from one table.  Must not know how a job runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "publish/publish.h"

/* A value is text, a number, or absent. */
struct value {
    enum { ABSENT, TEXT, NUMBER, BOOLEAN } kind;
    uint64_t number;
    char text[1200];
};

struct field {
    const char *name;
    void (*get)(const struct publish_status *s, struct value *v);
    const char *help;
};

const char *
publish_state_name(enum publish_state s)
{
    static const char *const names[] = {
        "none", "planning", "running",   "completing",
        "done", "failed",   "cancelled",
    };

    return s < ARRAY_SIZE(names) ? names[s] : "none";
}

/* -------------------------------------------------------------- values */

static void
set_text(struct value *v, const char *text)
{
    v->kind = text && *text ? TEXT : ABSENT;
    snprintf(v->text, sizeof(v->text), "%s", text ? text : "");
}

static void
set_number(struct value *v, uint64_t n)
{
    v->kind = NUMBER;
    v->number = n;
}

#define GET(field_, how)                                                      \
    static void get_##field_(const struct publish_status *s, struct value *v) \
    {                                                                         \
        how;                                                                  \
    }

GET(state, set_text(v, publish_state_name(s->state)))
GET(strategy, set_text(v, s->strategy))
GET(destination, set_text(v, s->dest))
GET(parts, set_number(v, s->parts))
GET(parts_done, set_number(v, s->parts_done))
GET(bytes, set_number(v, s->bytes))
GET(uploaded, set_number(v, s->uploaded))
GET(copied, set_number(v, s->copied))
GET(downloaded, set_number(v, s->downloaded))
GET(resumed, set_number(v, s->resumed))
GET(wasted, set_number(v, s->wasted))
GET(retries, set_number(v, s->retries))
GET(restarts, set_number(v, s->restarts))
GET(etag, set_text(v, s->etag))
GET(verified, set_text(v, s->verified))
GET(s3_code, set_text(v, s->error.code))
GET(request_id, set_text(v, s->error.request_id))
GET(key, set_text(v, s->key))

/* Whole seconds that are left at the pace so far. */
static void
get_eta(const struct publish_status *s, struct value *v)
{
    uint64_t ms = s->now_ms - s->started_ms;

    if (s->state == PUBLISH_RUNNING && s->work_done > 0 &&
        s->work_done <= s->work)
        set_number(v, (uint64_t)((double)ms / 1000 *
                                 (double)(s->work - s->work_done) /
                                 (double)s->work_done));
}

static void
get_seconds(const struct publish_status *s, struct value *v)
{
    if (s->state != PUBLISH_NONE)
        set_number(v, (s->now_ms - s->started_ms) / 1000);
}

static void
get_crc32(const struct publish_status *s, struct value *v)
{
    char hex[9];

    snprintf(hex, sizeof(hex), "%08" PRIx32, s->crc32);
    set_text(v, s->have_crc32 ? hex : "");
}

static void
get_noop(const struct publish_status *s, struct value *v)
{
    if (s->state == PUBLISH_DONE) {
        v->kind = BOOLEAN;
        v->number = s->noop;
    }
}

static void
get_error(const struct publish_status *s, struct value *v)
{
    const char *name = s->err.num ? strerrorname_np(s->err.num) : NULL;
    char text[800];

    snprintf(text, sizeof(text), "%s: %s", name ? name : "error", s->err.text);
    set_text(v, s->err.num ? text : "");
}

/* The names are a contract: the manual lists them. */
static const struct field fields[] = {
    {"state", get_state,
     "none, planning, running, completing, done, failed or cancelled"},
    {"destination", get_destination, "where to, as s3://bucket/key"},
    {"strategy", get_strategy, "how it is done: see publish_strategy"},
    {"parts", get_parts, "parts of all uploads"},
    {"parts_done", get_parts_done, "parts that the store has"},
    {"bytes", get_bytes, "size of the archive"},
    {"uploaded", get_uploaded,
     "bytes of the archive that this client has sent so far"},
    {"copied", get_copied,
     "bytes of the archive that the store has copied so far"},
    {"downloaded", get_downloaded,
     "bytes of members that this client fetched, and of the archive where "
     "it was read back"},
    {"resumed", get_resumed,
     "bytes of parts that a killed publish had sent and that were not sent "
     "again"},
    {"wasted", get_wasted,
     "bytes sent and copied for uploads that were given up and begun again"},
    {"retries", get_retries, "requests that were sent again"},
    {"restarts", get_restarts, "uploads that were begun again"},
    {"seconds", get_seconds, "time since the start, or until the end"},
    {"eta", get_eta, "seconds left at the pace so far, while running"},
    {"etag", get_etag, "ETag of the finished object"},
    {"crc32", get_crc32, "CRC-32 of the whole archive, in hex"},
    {"verified", get_verified,
     "store-crc: the store checked the whole archive's CRC-32; "
     "readback-headers: all that was uploaded was read back, copied ranges "
     "rest on their source guards; full: all of it was read back; nothing: "
     "it was not looked at (an end came too late to undo it)"},
    {"noop", get_noop, "yes if the same archive was there already"},
    {"error", get_error, "why it failed"},
    {"s3_code", get_s3_code, "error code of the store's answer"},
    {"request_id", get_request_id, "id of that answer"},
    {"key", get_key, "the member at fault"},
};

/* --------------------------------------------------------------- forms */

static int
add_line(struct buf *out, const char *name, const struct value *v)
{
    if (v->kind == NUMBER)
        return buf_addf(out, "%s: %" PRIu64 "\n", name, v->number);
    if (v->kind == BOOLEAN)
        return buf_addf(out, "%s: %s\n", name, v->number ? "yes" : "no");
    return buf_addf(out, "%s: %s\n", name, v->text);
}

int
publish_status_text(struct buf *out, const struct publish_status *s)
{
    struct value v;
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
        v.kind = ABSENT;
        fields[i].get(s, &v);
        if (v.kind != ABSENT)
            r = add_line(out, fields[i].name, &v);
        if (s->state == PUBLISH_NONE)
            break;
    }
    return r;
}

int
publish_status_line(struct buf *out, const struct publish_status *s)
{
    struct value eta = {ABSENT};
    int r;

    get_eta(s, &eta);
    r = buf_addf(out,
                 "job: %s %s, parts %" PRIu64 "/%" PRIu64 ", uploaded %" PRIu64
                 ", copied %" PRIu64 ", downloaded %" PRIu64
                 ", retries %" PRIu64,
                 publish_state_name(s->state), s->dest, s->parts_done,
                 s->parts, s->uploaded, s->copied, s->downloaded, s->retries);
    if (r == 0 && eta.kind == NUMBER)
        r = buf_addf(out, ", eta %" PRIu64, eta.number);
    return r ? r : buf_addc(out, '\n');
}

static json_t *
json_value(const struct value *v)
{
    switch (v->kind) {
    case NUMBER:
        return json_integer((json_int_t)v->number);
    case BOOLEAN:
        return json_boolean(v->number);
    case TEXT:
        return json_string(v->text);
    default:
        return json_null();
    }
}

int
publish_status_json(struct buf *out, const struct publish_status *s)
{
    CLEANUP_FREE char *text = NULL;
    json_t *o = json_object();
    struct value v;
    size_t i;

    for (i = 0; o && i < ARRAY_SIZE(fields); i++) {
        v.kind = ABSENT;
        fields[i].get(s, &v);
        json_object_set_new(o, fields[i].name, json_value(&v));
    }
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text ? buf_adds(out, text) : -ENOMEM;
}

int
publish_status_pod(struct buf *out)
{
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < ARRAY_SIZE(fields); i++)
        r = buf_addf(out, "=item B<%s>\n\n%s\n\n", fields[i].name,
                     fields[i].help);
    return r;
}
