/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip publish: starts a job, shows how it gets on, and waits for its
 * end.  A first signal aborts the upload and waits for that; a second one
 * ends the process.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/cmd_stop.h"

enum { TICK_MS = 200, BAR = 24 };

struct wait {
    struct publish_job *job;
    struct publish_share share; /* workers 0: this process alone */
    struct cmd_stop stop;
    int ended; /* eventfd, written by on_end */
    bool bar;
    int r;            /* this and err are set before over */
    atomic_bool over; /* set before ended is written */
    bool said;        /* its failure is on standard error */
    struct err err;
};

static void
on_end(void *user, int r, const struct err *e)
{
    struct wait *w = user;

    w->r = r;
    if (r < 0 && e)
        w->err = *e;
    atomic_store(&w->over, true);
    eventfd_write(w->ended, 1);
}

/* On a line of its own, at once: a script waits for it.  Nothing else
 * writes to standard output until the end. */
static void
on_told(void *user, const char *upload)
{
    (void)user;
    printf("upload: %s\n", upload);
    fflush(stdout);
}

/* -------------------------------------------------------- progress bar */

static const char *
eta(const struct publish_status *s, char out[32])
{
    uint64_t past = s->now_ms - s->started_ms;
    uint64_t left = s->work - min_u64(s->work_done, s->work);

    if (s->work_done == 0 || past < 1000)
        return "";
    snprintf(out, 32, ", %.0f s left",
             (double)left * (double)past / (double)s->work_done / 1000);
    return out;
}

static void
draw(const struct publish_status *s)
{
    double part = s->work ? (double)s->work_done / (double)s->work : 0;
    char bar[BAR + 1], done[16], all[16], up[16], left[32];
    int i;

    if (s->state != PUBLISH_RUNNING) {
        fprintf(stderr, "\r\033[K%s", publish_state_name(s->state));
        return;
    }
    for (i = 0; i < BAR; i++)
        bar[i] = i < part * BAR ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K[%s] %s of %s, %llu of %llu parts, %s uploaded%s",
            bar, text_size(done, s->work_done), text_size(all, s->work),
            (unsigned long long)s->parts_done, (unsigned long long)s->parts,
            text_size(up, s->uploaded), eta(s, left));
}

static void
tick(const struct wait *w)
{
    struct publish_status s;

    if (!w->bar)
        return;
    publish_job_status(w->job, &s);
    draw(&s);
}

/* ------------------------------------------------------------- waiting */

/* Other threads never take signals; until there is an upload to abort, this
 * one ends by them as any program does. */
static int
open_session(struct cmd_session *s, const struct cmd_args *a, struct err *e)
{
    int r;

    cmd_stop_block(true);
    r = cmd_open(s, a, e);
    cmd_stop_block(false);
    return r;
}

static void
wait_for_end(struct wait *w)
{
    struct pollfd fd[2] = {
        {.fd = w->ended, .events = POLLIN},
        {.fd = w->stop.fd, .events = POLLIN},
    };

    publish_wait(w->job, on_end, w);
    for (;;) {
        if (poll(fd, 2, w->bar ? TICK_MS : -1) < 0 && errno != EINTR)
            break;
        if (fd[0].revents && atomic_load(&w->over))
            break;
        if (w->stop.signal == 0 && cmd_stop_look(&w->stop))
            publish_abort(w->job, -EINTR);
        if (w->stop.signal) /* the second one has its usual effect */
            fd[1].fd = -1;
        tick(w);
    }
    if (w->bar)
        fputs("\r\033[K", stderr);
}

/* -------------------------------------------------------------- result */

static int
print_json(const struct publish_status *s)
{
    CLEANUP_BUF struct buf out = BUF_INIT(64 << 10);

    if (publish_status_json(&out, s) < 0)
        return CMD_FAILED;
    cmd_print(&out);
    if (out.len > 0 && out.data[out.len - 1] != '\n')
        putchar('\n');
    return CMD_DONE;
}

static void
print_text(const struct publish_status *s)
{
    char bytes[16], up[16], copied[16];

    if (s->noop) {
        printf("%s: unchanged, %s\n", s->dest, text_size(bytes, s->bytes));
        return;
    }
    printf("%s: %s, %s uploaded, %s copied, %.1f s, verified: %s\n", s->dest,
           text_size(bytes, s->bytes), text_size(up, s->uploaded),
           text_size(copied, s->copied),
           (double)(s->ended_ms - s->started_ms) / 1000,
           s->verified && *s->verified ? s->verified : "no");
}

/* A job puts its own failure into the log: once is enough. */
static bool
has_been_said(const struct conf *c)
{
    return log_on(LOG_WARN) && !c->log_file && !c->syslog;
}

static int
report(struct wait *w, const struct cmd_args *a, struct err *e)
{
    struct publish_status s;

    publish_job_status(w->job, &s);
    w->said = w->r < 0 && has_been_said(&a->conf);
    if (a->json)
        print_json(&s);
    else if (w->r == 0)
        print_text(&s);
    if (w->r == 0)
        return 0;
    *e = w->err.num ? w->err : s.err;
    return e->num ? w->r : err_set(e, -w->r, "%s", strerror(-w->r));
}

static int
run_job(struct cmd_session *s, struct reader *reader,
        const struct publish_dest *dest, struct wait *w, struct err *e)
{
    int r =
        publish_start_shared(s->publisher, reader, dest,
                             w->share.workers ? &w->share : NULL, &w->job, e);

    if (r < 0)
        return r;
    wait_for_end(w);
    return 0;
}

static int
publish_reader(struct cmd_session *s, struct reader *reader,
               const struct cmd_args *a, struct wait *w, struct err *e)
{
    const char *value = a->words > 1 ? a->word[1] : "";
    struct publish_dest dest;
    int r = publish_dest_parse(s->publisher, reader_layout(reader), value,
                               strlen(value), &dest, e);

    if (r < 0)
        return r;
    w->bar = isatty(STDERR_FILENO) && !a->json;
    w->ended = eventfd(0, EFD_CLOEXEC);
    r = w->ended < 0 ? err_set(e, errno, "eventfd: %s", strerror(errno)) : 0;
    cmd_stop_hold(&w->stop);
    if (r == 0)
        r = run_job(s, reader, &dest, w, e);
    if (r == 0)
        r = report(w, a, e);
    publish_job_unref(w->job);
    publish_dest_free(&dest);
    return r;
}

static int
publish(const struct cmd_args *a, struct wait *w, struct err *e)
{
    struct reader *reader = NULL;
    struct cmd_session s;
    int r = open_session(&s, a, e);

    if (r < 0)
        return r;
    r = cmd_open_reader(&s, a->root, &reader, e);
    if (r == 0)
        r = publish_reader(&s, reader, a, w, e);
    reader_unref(reader);
    cmd_session_close(&s);
    return r;
}

/* NULL, or what is wrong. */
static const char *
parse_share(const struct cmd_args *a, struct publish_share *s)
{
    uint64_t n;

    s->worker = -1;
    s->upload = a->upload;
    s->told = on_told;
    if (!a->workers && (a->worker || a->upload))
        return "--worker and --upload go with --workers";
    if (!a->workers)
        return NULL;
    if (!text_parse_u64(&n, a->workers) || n < 1 || n > INT32_MAX)
        return "--workers is a number from 1 on";
    s->workers = (uint32_t)n;
    if (!a->worker != !a->upload)
        return "--worker and --upload go together";
    if (!a->worker)
        return NULL;
    if (!text_parse_u64(&n, a->worker) || n >= s->workers)
        return "--worker is a number from 0 to --workers less one";
    s->worker = (int32_t)n;
    return NULL;
}

/* Whether it is a place to publish to is asked when the layout is known. */
static bool
dest_is_url(const struct cmd_args *a, struct err *e)
{
    CLEANUP_FREE char *bucket = NULL, *key = NULL;

    return a->words < 2 || !a->word[1][0] ||
           conf_url(a->word[1], a->bucket, &bucket, &key, e) == 0;
}

static int
run(struct cmd_args *a)
{
    struct wait w = {.stop = {.fd = -1}, .ended = -1};
    const char *wrong = parse_share(a, &w.share);
    struct err e = {0};
    int r;

    if (!wrong && !dest_is_url(a, &e))
        wrong = e.text;
    if (wrong)
        return cmd_usage_error(&cmd_publish, wrong);
    r = publish(a, &w, &e);

    if (w.ended >= 0)
        close(w.ended);
    if (r < 0 && !w.said)
        cmd_fail(&e);
    return cmd_stop_code(&w.stop, r < 0 ? CMD_FAILED : CMD_DONE);
}

static const char *const flags[] = {"json", "workers", "worker", "upload",
                                    NULL};

const struct command cmd_publish = {
    .name = "publish",
    .synopsis = "s3://BUCKET[/PREFIX] [s3://BUCKET/KEY | /KEY] [--json] "
                "[--workers N [--worker I --upload ID]]",
    .summary = "Put the archive into the store (default: where the mount "
               "shows it), mostly by copies there.",
    .flags = flags,
    .min = 1,
    .max = 2,
    .url = true,
    .run = run,
};
