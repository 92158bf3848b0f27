/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip extract: the members of an archive in the store as objects again.
 * A first signal ends it in order, uploads aborted; a second one ends the
 * process.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/cmd_stop.h"
#include "extract/extract.h"

typedef unsigned long long ull;

enum { BAR = 24 };

struct watch {
    struct cmd_stop stop;
    bool bar;
};

static void
draw(const struct extract_status *s)
{
    double part = s->bytes     ? (double)s->done_bytes / (double)s->bytes
                  : s->members ? (double)s->done / (double)s->members
                               : 0;
    char bar[BAR + 1], done[16], all[16], copied[16], up[16];
    int i;

    for (i = 0; i < BAR; i++)
        bar[i] = i < part * BAR ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr,
            "\r\033[K[%s] %llu of %llu members, %s of %s, %s copied, %s "
            "uploaded",
            bar, (ull)s->done, (ull)s->members, text_size(done, s->done_bytes),
            text_size(all, s->bytes), text_size(copied, s->copied),
            text_size(up, s->uploaded));
}

static bool
on_tick(void *user, const struct extract_status *s)
{
    struct watch *w = user;
    bool stop = cmd_stop_look(&w->stop);

    if (w->bar && !stop)
        draw(s);
    return stop;
}

/* -------------------------------------------------------------- result */

static void
put_requests(struct emit *w, struct s3 *s3)
{
    struct s3_stats s;
    const uint64_t *n = &s.list; /* the kinds come first */
    unsigned i;

    s3_stats_get(s3, &s);
    emit_begin(w, "requests", '{');
    for (i = 0; i < S3_KINDS; i++)
        emit_u64(w, s3_kind_name(i), n[i]);
    emit_end(w, '}');
}

static void
print_json(const struct extract_status *s, struct s3 *s3)
{
    CLEANUP_BUF struct buf out = BUF_INIT(KIB(64));
    struct emit w = {.out = &out, .flush = cmd_emit};

    emit_begin(&w, NULL, '{');
    emit_u64(&w, "members", s->members);
    emit_u64(&w, "bytes", s->bytes);
    emit_u64(&w, "extracted", s->done - s->skipped);
    emit_u64(&w, "skipped", s->skipped);
    emit_u64(&w, "excluded", s->excluded);
    emit_u64(&w, "copied", s->copied);
    emit_u64(&w, "downloaded", s->downloaded);
    emit_u64(&w, "uploaded", s->uploaded);
    emit_u64(&w, "unchecked", s->unchecked);
    put_requests(&w, s3);
    emit_end(&w, '}');
    emit_finish(&w);
}

static void
print_text(const struct extract_status *s, const char *dest)
{
    char bytes[16], copied[16], down[16], up[16];

    printf("%s: %llu members, %s; %llu were there; %s copied, %s downloaded, "
           "%s uploaded\n",
           dest, (ull)s->members, text_size(bytes, s->bytes), (ull)s->skipped,
           text_size(copied, s->copied), text_size(down, s->downloaded),
           text_size(up, s->uploaded));
    if (s->excluded > 0)
        printf("%llu entries were left out\n", (ull)s->excluded);
    if (s->unchecked > 0)
        printf("%llu members were copied by a store that tells no CRC-32 of "
               "them (see verify)\n",
               (ull)s->unchecked);
}

static int
extract(struct cmd_args *a, struct cmd_session *s, struct watch *w,
        struct err *e)
{
    struct extract_deps d = {.net = s->net,
                             .s3 = s->s3,
                             .crc = s->crc,
                             .conf = &a->conf,
                             .state = s->state};
    struct extract_args ea = {
        .archive = a->word[0], .dest = a->word[1], .tick = on_tick, .user = w};
    struct extract_status st;
    int r = extract_run(&d, &ea, &st, e);

    if (w->bar)
        fputs("\r\033[K", stderr);
    if (a->json)
        print_json(&st, s->s3);
    else if (r == 0)
        print_text(&st, a->word[1]);
    return r;
}

static int
run(struct cmd_args *a)
{
    struct cmd_session s = {0};
    struct watch w = {
        .stop.fd = -1,
        .bar = isatty(STDERR_FILENO) && !a->json,
    };
    CLEANUP_FREE char *bucket = NULL, *key = NULL;
    struct err e = {0};
    int r;

    if (conf_url(a->word[0], NULL, &bucket, &key, &e) < 0 ||
        cmd_prefix(a->word[1], &a->bucket, &a->root, &e) < 0)
        return cmd_usage_error(&cmd_extract, e.text);
    cmd_stop_block(true);
    r = cmd_open(&s, a, &e);
    if (r == 0) {
        cmd_stop_hold(&w.stop);
        r = extract(a, &s, &w, &e);
        cmd_session_close(&s);
    }
    return cmd_stop_code(&w.stop, r < 0 ? cmd_fail(&e) : CMD_DONE);
}

static const char *const flags[] = {"json", NULL};

const struct command cmd_extract = {
    .name = "extract",
    .synopsis = "s3://BUCKET/KEY s3://BUCKET[/PREFIX] [--json]",
    .summary = "Make the members of an archive objects again: the store "
               "copies stored members of 5 MiB and more, others pass "
               "through. What is there already is left alone.",
    .flags = flags,
    .min = 2,
    .max = 2,
    .run = run,
};
