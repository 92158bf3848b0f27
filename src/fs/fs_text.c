/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The values of control attributes: lines "name: value".  Names of objects
 * are escaped.
 */
#include "fs/fs_impl.h"

#include <errno.h>

#include "base/buf.h"
#include "base/text.h"

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

struct stat_row {
    const char *name;
    uint64_t value;
};

static int
put_rows(struct buf *out, const struct stat_row *row)
{
    int r = 0;

    for (; row->name && r == 0; row++)
        r = buf_addf(out, "%s: %llu\n", row->name,
                     (unsigned long long)row->value);
    return r;
}

static int
put_s3(struct fs *f, struct buf *out)
{
    struct s3_stats s = {0};

    s3_stats_get(f->d.s3, &s);
    return put_rows(out, (struct stat_row[]){
                             {"list", s.list},
                             {"get", s.get},
                             {"head", s.head},
                             {"attributes", s.attributes},
                             {"create", s.create},
                             {"upload", s.upload},
                             {"copy", s.copy},
                             {"complete", s.complete},
                             {"abort", s.abort},
                             {"put", s.put},
                             {"delete", s.delete_},
                             {"list_uploads", s.list_uploads},
                             {"list_parts", s.list_parts},
                             {"retries", s.retries},
                             {"bytes_in", s.bytes_in},
                             {"bytes_out", s.bytes_out},
                             {NULL, 0},
                         });
}

static int
put_reads(struct fs *f, struct buf *out)
{
    struct read_stats s = {0};

    read_stats_get(f->d.pool, &s);
    return put_rows(out, (struct stat_row[]){
                             {"reads", s.reads},
                             {"read_bytes", s.bytes},
                             {"fetches", s.fetches},
                             {"fetched_bytes", s.fetched_bytes},
                             {"hits", s.hits},
                             {"memory_used", s.memory_used},
                             {"memory_peak", s.memory_peak},
                             {"checked_members", s.checked_members},
                             {"read_twice", s.read_twice},
                             {NULL, 0},
                         });
}

int
fs_text_stats(struct fs *f, const struct fs_node *n, struct layout *l,
              struct buf *out)
{
    struct crc_stats s = {0};
    int r = put_s3(f, out);

    (void)n;
    (void)l;
    if (r == 0)
        r = put_reads(f, out);
    if (r < 0)
        return r;
    crc_stats_get(f->d.crc, &s);
    return put_rows(out, (struct stat_row[]){
                             {"crc_known", s.known},
                             {"crc_from_store", s.from_store},
                             {"crc_from_head", s.from_head},
                             {"crc_from_attributes", s.from_attributes},
                             {"crc_from_read", s.from_read},
                             {NULL, 0},
                         });
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
