/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip verify: every record and every body of an archive; and against the
 * prefix that it was made from.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/cmd_stop.h"
#include "extract/extract.h"

typedef unsigned long long ull;

static void
print_json(const struct verify_result *v, bool against)
{
    CLEANUP_BUF struct buf out = BUF_INIT(KIB(64));
    struct emit w = {.out = &out, .flush = cmd_emit};

    emit_begin(&w, NULL, '{');
    emit_u64(&w, "entries", v->entries);
    emit_u64(&w, "bytes", v->bytes);
    emit_crc32(&w, "crc32", v->crc32);
    if (v->digest[0])
        emit_word(&w, "layout", v->digest);
    else
        emit_null(&w, "layout");
    if (against)
        emit_bool(&w, "against", true);
    else
        emit_null(&w, "against");
    emit_word(&w, "checked", v->checked);
    emit_u64(&w, "downloaded", v->downloaded);
    emit_u64(&w, "copied", v->copied);
    emit_end(&w, '}');
    emit_finish(&w);
}

static void
report(const struct verify_result *v, const char *place, bool against,
       bool json)
{
    char size[16], down[16];

    if (json) {
        print_json(v, against);
        return;
    }
    printf("%s: %llu entries, %s, CRC-32 %08x: all right%s\n"
           "checked: %s, %s downloaded\n",
           place, (ull)v->entries, text_size(size, v->bytes), v->crc32,
           against ? ", the same as the prefix has now" : "", v->checked,
           text_size(down, v->downloaded));
}

static bool
is_url(const char *word)
{
    return strncasecmp(word, "s3://", 5) == 0;
}

static bool
on_stop(void *user)
{
    return cmd_stop_look(user);
}

static int
verify(struct cmd_args *a, struct cmd_session *s, struct cmd_stop *stop,
       struct err *e)
{
    struct extract_deps d = {
        .net = s->net, .s3 = s->s3, .crc = s->crc, .conf = &a->conf};
    struct verify_args va = {
        .place = a->word[0], .read = a->read, .stop = on_stop, .user = stop};
    struct verify_result v;
    int r = 0;

    if (a->against)
        r = cmd_list(s, a->root, &va.against, e);
    cmd_stop_hold(stop);
    if (r == 0)
        r = verify_run(&d, &va, &v, e);
    if (r == 0)
        report(&v, a->word[0], a->against, a->json);
    layout_unref(va.against);
    return r;
}

/* The session's place is what to compare with, else the archive itself; the
 * store is asked in the archive's own bucket. */
static int
open_places(struct cmd_args *a, struct cmd_session *s, struct err *e)
{
    CLEANUP_FREE char *bucket = NULL, *key = NULL;
    const char *place = a->word[0];
    int r = 0;

    if (is_url(place))
        r = conf_url(place, NULL, &bucket, &key, e);
    return r < 0 ? r : cmd_open_scratch(s, a, bucket, e);
}

static int
run(struct cmd_args *a)
{
    const char *url = a->against ? a->against : a->word[0];
    bool store = is_url(url) || is_url(a->word[0]);
    struct cmd_session s = {0};
    struct cmd_stop stop = {.fd = -1};
    struct err e = {0};
    int r = 0;

    if (store && cmd_prefix(url, &a->bucket, &a->root, &e) < 0)
        return cmd_usage_error(&cmd_verify, e.text);
    cmd_stop_block(true);
    if (store)
        r = open_places(a, &s, &e);
    cmd_stop_block(false);
    if (r == 0)
        r = verify(a, &s, &stop, &e);
    if (store)
        cmd_session_close(&s);
    return cmd_stop_code(&stop, r < 0 ? cmd_fail(&e) : CMD_DONE);
}

static const char *const flags[] = {"against", "read", "json", NULL};

const struct command cmd_verify = {
    .name = "verify",
    .synopsis = "s3://BUCKET/KEY | FILE [--against s3://BUCKET[/PREFIX]] "
                "[--read] [--json]",
    .summary = "Check every record and CRC-32 of an archive, by copies inside "
               "the store where it tells their CRC-32, else by reading; and "
               "against the prefix.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .run = run,
};
