/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip cleanup: removes what killed processes left in the store, and says
 * each thing.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cmd.h"
#include "s3/cleanup.h"

typedef unsigned long long ull;

struct output {
    const char *bucket;
    json_t *list; /* NULL: lines */
    unsigned said, failures;
};

/* ---------------------------------------------------------------- JSON */

/* As ls does: a name that is not UTF-8 as it is shown on the terminal. */
static json_t *
json_name(const char *p, size_t n)
{
    char name[4200];

    return text_is_utf8(p, n)
               ? json_stringn(p, n)
               : json_string(text_escape(name, sizeof(name), p, n));
}

static void
put_json(struct output *o, const char *kind, const struct s3_cleaned *t)
{
    json_t *j = json_object();

    json_object_set_new(j, "kind", json_string(kind));
    json_object_set_new(j, "bucket", json_string(t->bucket));
    json_object_set_new(j, "key", json_name(t->key, t->key_len));
    if (t->what)
        json_object_set_new(
            j, t->kind == S3_CLEANED_SCRATCH ? "prefix" : "upload_id",
            json_name(t->what, strlen(t->what)));
    json_object_set_new(j, "uploads", json_integer((json_int_t)t->uploads));
    json_object_set_new(j, "objects", json_integer((json_int_t)t->objects));
    json_object_set_new(j, "error",
                        t->err ? json_string(t->err->text) : json_null());
    json_array_append_new(o->list, j);
}

/* --------------------------------------------------------------- lines */

static void
put_line(const struct s3_cleaned *t)
{
    char key[400], what[400] = "";

    text_escape(key, sizeof(key), t->key, t->key_len);
    if (t->what)
        text_escape(what, sizeof(what), t->what, strlen(t->what));
    if (t->kind == S3_CLEANED_ALIVE)
        printf("s3://%s/%s: left alone, its process runs or may run\n",
               t->bucket, key);
    else if (t->kind == S3_CLEANED_YOUNG && !t->what)
        printf("s3://%s/%s: no upload, but one may still come in the next "
               "minutes\n",
               t->bucket, key);
    else if (t->kind == S3_CLEANED_YOUNG)
        printf("s3://%s/%s: upload %s left alone for a minute, another host "
               "may have begun it\n",
               t->bucket, key, what);
    else if (t->kind == S3_CLEANED_UPLOAD && t->uploads)
        printf("s3://%s/%s: upload %s aborted\n", t->bucket, key, what);
    else if (t->kind == S3_CLEANED_SCRATCH && (t->uploads || t->objects))
        printf("s3://%s/%s: of s3://%s/%s, %llu uploads aborted, %llu "
               "objects deleted\n",
               t->bucket, what, t->bucket, key, (ull)t->uploads,
               (ull)t->objects);
}

static void
put(struct output *o, const char *kind, const struct s3_cleaned *t)
{
    o->said++;
    if (o->list)
        put_json(o, kind, t);
    else
        put_line(t);
    if (t->err) {
        cmd_fail(t->err);
        o->failures++;
    }
}

static void
on_cleaned(void *user, const struct s3_cleaned *t)
{
    static const char *const kinds[] = {
        [S3_CLEANED_UPLOAD] = "upload",
        [S3_CLEANED_SCRATCH] = "scratch",
        [S3_CLEANED_ALIVE] = "alive",
        [S3_CLEANED_YOUNG] = "young",
    };

    put(user, kinds[t->kind], t);
}

/* An upload that was only to tell CRCs; the log has the store's words. */
static void
on_crc_cleaned(void *user, const char *key, bool gone)
{
    struct output *o = user;
    struct s3_cleaned t = {.kind = S3_CLEANED_UPLOAD,
                                .bucket = o->bucket,
                                .key = key,
                                .key_len = strlen(key),
                                .uploads = gone};
    struct err e = {0};
    char name[300];

    if (!gone) {
        err_set(&e, EIO, "s3://%s/%s: an upload could not be aborted",
                o->bucket, text_escape(name, sizeof(name), key, t.key_len));
        t.err = &e;
    }
    put(o, "crc", &t);
}

/* ----------------------------------------------------------------- run */

static void
clean_extract(struct output *o, const struct cmd_session *s,
              const struct cmd_args *a)
{
    const struct s3_cleanup_args ca = {.s3 = s->s3,
                                       .state = s->state,
                                       .dest = true,
                                       .ask_unknown = true,
                                       .fn = on_cleaned,
                                       .user = o};
    const struct journal_query q = {
        .bucket = a->bucket, .prefix = a->root, .kinds = 1 << JOURNAL_EXTRACT};

    s3_cleanup_rows(&ca, &q);
}

static int
clean(struct output *o, const struct cmd_args *a, struct err *e)
{
    struct cmd_session s;
    int r = cmd_open(&s, a, e);

    if (r < 0)
        return r;
    r = publish_cleanup(s.publisher, a->bucket, a->root, on_cleaned, o, e);
    if (r == 0 &&
        crc_cleanup(s.crc, a->bucket, a->root, on_crc_cleaned, o) < 0)
        r = err_set(e, ENOMEM, "out of memory");
    if (r == 0)
        clean_extract(o, &s, a);
    cmd_session_close(&s);
    return r;
}

static int
report(const struct output *o)
{
    CLEANUP_FREE char *text = NULL;

    if (!o->list && o->said == 0)
        puts("nothing was left");
    if (o->list) {
        text = json_dumps(o->list, JSON_INDENT(1));
        if (!text)
            return CMD_FAILED;
        printf("{\"cleaned\": %s}\n", text);
    }
    return o->failures ? CMD_FAILED : CMD_DONE;
}

static int
run(struct cmd_args *a)
{
    struct output o = {.bucket = a->bucket};
    struct err e = {0};
    int code;

    /* Or the oracle would begin to clean by itself. */
    a->conf.crc = CONF_CRC_READ;
    if (a->json)
        o.list = json_array();
    code = clean(&o, a, &e) < 0 ? cmd_fail(&e) : report(&o);
    json_decref(o.list);
    return code;
}

static const char *const flags[] = {"json", NULL};

const struct command cmd_cleanup = {
    .name = "cleanup",
    .synopsis = "s3://BUCKET[/PREFIX] [--json]",
    .summary = "Remove what killed processes left of publishes to "
               "destinations below this prefix: uploads, scratch objects.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .url = true,
    .run = run,
};
