/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip doctor: what works, what does not, and what to do about it.  Each
 * line is a check; nothing stays behind in the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/cmd_doctor.h"

typedef unsigned long long ull;

void
doctor_say(struct doctor *d, enum doctor_grade grade, const char *what,
           const char *fmt, ...)
{
    static const char *const marks[] = {"ok  ", "note", "FAIL"};
    va_list ap;

    va_start(ap, fmt);
    printf("%s  %-12s ", marks[grade], what);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    if (grade == DOCTOR_FAIL)
        d->failures++;
}

/* --------------------------------------------------------- credentials */

static void
credentials(struct doctor *d)
{
    struct aws_identity *id = NULL;
    struct err e = {0};
    char until[64] = "";
    time_t at;
    struct tm tm;

    if (aws_identity_wait(d->s.aws, &id, &e) < 0) {
        doctor_say(d, DOCTOR_FAIL, "credentials", "%s", e.text);
        return;
    }
    at = (time_t)id->expires;
    if (at != 0 && gmtime_r(&at, &tm))
        strftime(until, sizeof(until), ", until %Y-%m-%d %H:%M:%S UTC", &tm);
    if (id->access_key[0] == '\0')
        doctor_say(d, DOCTOR_OK, "credentials", "none: anonymous (%s)",
                   id->source);
    else
        doctor_say(d, DOCTOR_OK, "credentials", "from %s%s%s", id->source,
                   id->session_token ? ", temporary" : "", until);
    aws_identity_unref(id);
}

/* ------------------------------------------------------ clock and host */

struct date {
    char text[64];
};

static int
on_head(void *user, const struct net_response *r)
{
    const char *date = net_header(r, "Date");
    struct date *d = user;

    if (date)
        snprintf(d->text, sizeof(d->text), "%s", date);
    return 0;
}

/* Where requests go, without the bucket. */
static void
endpoint_url(const struct doctor *d, char *out, size_t size)
{
    const char *id = s3_endpoint_id(d->s.s3);
    const char *region = aws_region(d->s.aws);

    if (strstr(id, "://"))
        snprintf(out, size, "%s/", id);
    else
        snprintf(out, size, "https://s3.%s.amazonaws.com%s/",
                 region ? region : "us-east-1",
                 strcmp(id, "aws-cn") == 0 ? ".cn" : "");
}

static void
clock_skew(struct doctor *d)
{
    char url[512];
    struct date date = {""};
    struct net_request req = {
        .method = "GET",
        .url = url,
        .total_ms = 10000,
        .on_head = on_head,
        .user = &date,
    };
    struct err e = {0};
    struct tm tm = {0};
    int status;
    long skew;

    endpoint_url(d, url, sizeof(url));
    if (net_call(d->s.net, NULL, &req, 64 << 10, &status, NULL, &e) < 0) {
        doctor_say(d, DOCTOR_FAIL, "endpoint", "%s: %s", url, e.text);
        return;
    }
    doctor_say(d, DOCTOR_OK, "endpoint", "%s answers", url);
    if (!strptime(date.text, "%a, %d %b %Y %H:%M:%S", &tm))
        return;
    skew = (long)(timegm(&tm) - time(NULL));
    if (labs(skew) > 300)
        doctor_say(d, DOCTOR_NOTE, "clock",
                   "off by %ld s from the store's (it is corrected for, but "
                   "set it right)",
                   -skew);
    else
        doctor_say(d, DOCTOR_OK, "clock", "within %ld s of the store's",
                   labs(skew) + 1);
}

static void
region(struct doctor *d)
{
    const char *configured = aws_region(d->s.aws);
    char learned[64] = "";

    s3_bucket_region(d->s.s3, d->a->bucket, learned, sizeof(learned));
    if (learned[0])
        doctor_say(d, DOCTOR_OK, "region", "%s", learned);
    else
        doctor_say(d, configured ? DOCTOR_OK : DOCTOR_NOTE, "region", "%s",
                   configured ? configured
                              : "none configured, us-east-1 is assumed");
}

/* ------------------------------------------------------------- members */

static const char *const hint_text[] = {
    [ZIP_HINT_UNKNOWN] = "no checksum in the listing",
    [ZIP_HINT_CRC32_FULL] = "CRC32 of the whole object",
    [ZIP_HINT_CRC32_PARTS] = "CRC32 of parts (folded by one request)",
    [ZIP_HINT_OTHER] = "another algorithm only",
};

static void
checksums(struct doctor *d)
{
    uint64_t count[4] = {0}, bytes[4] = {0}, archived = 0;
    const struct zip_layout *l = &d->layout->zip;
    char size[16];
    size_t i;

    for (i = 0; i < l->count; i++) {
        const struct zip_member *m = &l->member[i];

        if (m->size == 0)
            continue;
        count[m->hint & 3]++;
        bytes[m->hint & 3] += m->size;
        archived += m->archived;
    }
    doctor_say(d, DOCTOR_OK, "members", "%zu, archive of %s", l->count,
               text_size(size, l->size));
    for (i = 0; i < 4; i++)
        if (count[i] > 0)
            doctor_say(d, i == ZIP_HINT_OTHER ? DOCTOR_NOTE : DOCTOR_OK,
                       "checksums", "%llu members, %s: %s%s", (ull)count[i],
                       text_size(size, bytes[i]), hint_text[i],
                       i == ZIP_HINT_OTHER
                           ? ": listing the archive reads these bodies once"
                           : "");
    if (archived > 0)
        doctor_say(d, DOCTOR_NOTE, "archived",
                   "%llu members must be restored before they can be read",
                   (ull)archived);
    if (d->layout->poison_count + d->layout->conflict_count > 0)
        doctor_say(d, DOCTOR_NOTE, "names",
                   "%zu objects are left out: see s3zip ls --skipped",
                   d->layout->poison_count + d->layout->conflict_count);
}

static void
members(struct doctor *d)
{
    struct err e = {0};

    if (cmd_list(&d->s, d->a->root, &d->layout, &e) < 0) {
        doctor_say(d, DOCTOR_FAIL, "list", "%s", e.text);
        d->missing_list = e.num == EACCES && doctor_forbidden(e.text);
        return;
    }
    doctor_say(d, DOCTOR_OK, "list", "allowed");
    checksums(d);
}

/* ---------------------------------------------------------------- fuse */

static bool
in_path(const char *name)
{
    CLEANUP_FREE char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    char file[4096], *dir, *rest = path;

    while (rest && (dir = strsep(&rest, ":"))) {
        snprintf(file, sizeof(file), "%s/%s", dir, name);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static void
fuse(struct doctor *d)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        doctor_say(d, DOCTOR_NOTE, "fuse",
                   "/dev/fuse: %s (mounting will not work, s3zip does)",
                   strerror(errno));
    else
        close(fd);
    if (fd >= 0 && geteuid() != 0 && !in_path("fusermount3"))
        doctor_say(d, DOCTOR_NOTE, "fuse",
                   "fusermount3 is missing: install fuse3 to mount as a "
                   "user");
    else if (fd >= 0)
        doctor_say(d, DOCTOR_OK, "fuse", "available");
}

/* ---------------------------------------------------------------- main */

static void
examine(struct doctor *d)
{
    credentials(d);
    clock_skew(d);
    members(d);
    region(d);
    doctor_permissions(d);
    fuse(d);
    doctor_policy(d);
}

static int
run(struct cmd_args *a)
{
    struct doctor d = {.a = a};
    struct err e = {0};

    if (cmd_open(&d.s, a, &e) < 0)
        return cmd_fail(&e);
    examine(&d);
    layout_unref(d.layout);
    cmd_session_close(&d.s);
    return d.failures > 0 ? CMD_FAILED : CMD_DONE;
}

static const char *const flags[] = {NULL};

const struct command cmd_doctor = {
    .name = "doctor",
    .synopsis = "s3://BUCKET[/PREFIX]",
    .summary = "Check credentials, region, clock, permissions, checksums "
               "and FUSE; print an IAM policy to paste.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .url = true,
    .run = run,
};
