/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The values of control attributes: lines "name: value".  Names of objects
 * are escaped.
 */
#include "fs/fs_impl.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "fs/fs_stats.h"

int
fs_text_digest(struct fs *f, const struct fs_node *n, struct layout *l,
               struct buf *out)
{
    char hex[65];

    (void)n;
    layout_digest_hex(l, hex);
    return buf_addf(out, "digest: %s\nlayout: %u\norder: %s\n", hex,
                    (unsigned)f->d.conf->layout,
                    f->d.conf->order == CONF_ORDER_KEY ? "key" : "plan");
}

int
fs_text_entries(struct fs *f, const struct fs_node *n, struct layout *l,
                struct buf *out)
{
    uint64_t bytes = 0;
    size_t i;

    (void)f;
    (void)n;
    for (i = 0; i < l->zip.count; i++)
        bytes += l->zip.member[i].size; /* the layout checked the sum */
    return buf_addf(out,
                    "entries: %zu\nbytes: %llu\nsize: %llu\n"
                    "listed_seconds_ago: %llu\nlist_requests: %llu\n",
                    l->zip.count, (unsigned long long)bytes,
                    (unsigned long long)l->zip.size,
                    (unsigned long long)(net_now_ms() - l->listed_ms) / 1000,
                    (unsigned long long)l->pages);
}

/* One line a name, as many as fit. */
static int
skipped_names(const struct layout *l, struct buf *out)
{
    char name[512];
    size_t i;
    int r = 0;

    for (i = 0; i < l->skip_count && r == 0; i++) {
        const struct layout_skip *s = &l->skip[i];

        r = buf_addf(out, "%s: %s\n", zip_fault_text(s->faults),
                     text_escape(name, sizeof(name), s->key, s->key_len));
    }
    return r == -EMSGSIZE ? 0 : r;
}

int
fs_text_skipped(struct fs *f, const struct fs_node *n, struct layout *l,
                struct buf *out)
{
    int r;

    (void)f;
    (void)n;
    r = buf_addf(out,
                 "skipped: %zu\npoison: %zu\nconflict: %zu\n"
                 "excluded: %zu\nremarks: %zu\n",
                 l->poison_count + l->conflict_count, l->poison_count,
                 l->conflict_count, l->excluded_count, l->soft_count);
    return r == 0 ? skipped_names(l, out) : r;
}

/* --------------------------------------------------------------- stats */

static void
collect_stats(struct fs *f, struct fs_stats *ret)
{
    unsigned kind;

    memset(ret, 0, sizeof(*ret));
    s3_stats_get(f->d.s3, &ret->s3);
    for (kind = 0; kind < S3_KINDS; kind++)
        s3_kind_get(f->d.s3, kind, &ret->kind[kind]);
    read_stats_get(f->d.pool, &ret->read);
    crc_stats_get(f->d.crc, &ret->crc);
    ret->front.memory_limit = f->d.conf->memory;
    ret->front.open_files = fs_opens_count(f);
    ret->front.known_inodes = fs_table_count(&f->nodes);
    ret->front.lookups = atomic_load(&f->lookups);
    ret->front.uptime_s = (net_now_ms() - f->born_ms) / 1000;
}

int
fs_text_stats(struct fs *f, const struct fs_node *n, struct layout *l,
              struct buf *out)
{
    struct fs_stats s;

    (void)n;
    (void)l;
    collect_stats(f, &s);
    return fs_stats_text(out, &s);
}

void
fs_stats_log(struct fs *f)
{
    /* It was asked for: whatever log= is. */
    enum log_level level = log_on(LOG_WARN) ? LOG_WARN : LOG_ERROR;
    CLEANUP_BUF struct buf b = BUF_INIT(FS_XATTR_MAX);
    struct fs_stats s;
    char *line, *next = NULL;

    collect_stats(f, &s);
    if (fs_stats_text(&b, &s) < 0)
        return;
    for (line = strtok_r(b.data, "\n", &next); line;
         line = strtok_r(NULL, "\n", &next))
        log_line(level, "stats: %s", line);
}

/* -------------------------------------------------------------- status */

struct status_list {
    struct buf *out;
    unsigned seen;
    int r;
};

static bool
is_running(enum publish_state s)
{
    return s == PUBLISH_PLANNING || s == PUBLISH_RUNNING ||
           s == PUBLISH_COMPLETING;
}

/* The newest comes first, in full; other running ones one line each. */
static void
status_of(void *user, struct publish_job *j)
{
    struct status_list *list = user;
    struct publish_status s;

    if (list->r < 0)
        return;
    publish_job_status(j, &s);
    if (list->seen++ == 0)
        list->r = publish_status_text(list->out, &s);
    else if (is_running(s.state))
        list->r = buf_addf(list->out, "also: %s %llu/%llu %s\n",
                           publish_state_name(s.state),
                           (unsigned long long)s.parts_done,
                           (unsigned long long)s.parts, s.dest);
}

int
fs_text_status(struct fs *f, const struct fs_node *n, struct layout *l,
               struct buf *out)
{
    struct status_list list = {.out = out};

    (void)l;
    publish_jobs(f->d.publisher, f->d.bucket, n->prefix, status_of, &list);
    if (list.seen == 0)
        return buf_adds(out, "state: none\n");
    return list.r == -EMSGSIZE ? 0 : list.r;
}
