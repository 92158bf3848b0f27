/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip ls: the entries of an archive in archive order, or what is left
 * out of it.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/emit.h"
#include "base/text.h"
#include "cmd/cmd.h"

typedef unsigned long long ull;

/* A name on one line; the caller frees. */
static char *
printable(const char *p, size_t n)
{
    size_t size = 4 * n + 16;
    char *out = malloc(size);

    return out ? text_escape(out, size, p, n) : NULL;
}

/* ------------------------------------------------------- what is known */

static void
wake(void *user)
{
    sem_post(user);
}

/* Values from the store come in pieces, on net's worker: one of ours in
 * line behind each piece.  What is not there then is not known. */
static void
wait_for_store(struct cmd_session *s, size_t members)
{
    size_t turns = members / 4096 + 2;
    sem_t done;

    sem_init(&done, 0, 0);
    for (; turns > 0; turns--) {
        net_work(s->net, wake, &done);
        while (sem_wait(&done) < 0 && errno == EINTR)
            ;
    }
    sem_destroy(&done);
}

/* ------------------------------------------------------------- entries */

static int
entry_text(const struct layout *l, struct crc_set *crcs, size_t i)
{
    const struct zip_member *m = &l->zip.member[i];
    CLEANUP_FREE char *name = printable(m->name, m->name_len);
    char crc[9] = "-";
    uint32_t value;

    if (!name)
        return -ENOMEM;
    if (crc_peek(crcs, i, &value))
        snprintf(crc, sizeof(crc), "%08x", value);
    printf("%14llu %14llu %8s %s\n", (ull)l->zip.offset[i], (ull)m->size, crc,
           name);
    return 0;
}

static void
entry_json(struct emit *w, const struct layout *l, struct crc_set *crcs,
           size_t i)
{
    const struct zip_member *m = &l->zip.member[i];
    uint32_t value;

    emit_begin(w, NULL, '{');
    emit_u64(w, "offset", l->zip.offset[i]);
    emit_u64(w, "size", m->size);
    if (crc_peek(crcs, i, &value))
        emit_crc32(w, "crc32", value);
    else
        emit_null(w, "crc32");
    emit_time(w, "mtime", m->mtime, -1);
    emit_text(w, "name", m->name, m->name_len);
    emit_text(w, "key", m->key, m->key_len);
    emit_text(w, "etag", m->etag, m->etag_len);
    emit_end(w, '}');
}

/* Each entry on a line of its own. */
static struct emit
json_begin(struct buf *out, const struct layout *l, const char *list)
{
    struct emit w = {.out = out, .flush = cmd_emit, .line_from = 3};
    char digest[65];

    layout_digest_hex(l, digest);
    emit_begin(&w, NULL, '{');
    emit_begin(&w, "layout", '{');
    emit_u64(&w, "version", 1);
    emit_word(&w, "digest", digest);
    emit_u64(&w, "entries", l->zip.count);
    emit_u64(&w, "bytes", l->zip.size);
    emit_end(&w, '}');
    emit_begin(&w, list, '[');
    return w;
}

static int
json_end(struct emit *w)
{
    emit_end(w, ']');
    emit_end(w, '}');
    return emit_finish(w);
}

static int
list_entries(const struct layout *l, struct crc_set *crcs, bool json)
{
    CLEANUP_BUF struct buf out = BUF_INIT(MIB(1));
    struct emit w;
    size_t i;
    int r = 0;

    if (json)
        w = json_begin(&out, l, "entries");
    for (i = 0; i < l->zip.count && r == 0; i++)
        if (json)
            entry_json(&w, l, crcs, i);
        else
            r = entry_text(l, crcs, i);
    return json ? json_end(&w) : r;
}

/* ------------------------------------------------------------- skipped */

static int
skip_text(const struct layout_skip *s)
{
    CLEANUP_FREE char *key = printable(s->key, s->key_len);

    if (!key)
        return -ENOMEM;
    printf("%s\t%s\t%s\n", s->left_out ? "left out" : "in",
           zip_fault_text(s->faults), key);
    return 0;
}

static void
skip_json(struct emit *w, const struct layout_skip *s)
{
    emit_begin(w, NULL, '{');
    emit_bool(w, "left_out", s->left_out);
    emit_word(w, "reason", zip_fault_text(s->faults));
    emit_text(w, "key", s->key, s->key_len);
    emit_end(w, '}');
}

static int
skipped_json(const struct layout *l)
{
    CLEANUP_BUF struct buf out = BUF_INIT(MIB(1));
    struct emit w = json_begin(&out, l, "skipped");
    size_t i;

    for (i = 0; i < l->skip_count; i++)
        skip_json(&w, &l->skip[i]);
    return json_end(&w);
}

static int
skipped_text(const struct layout *l)
{
    size_t i;
    int r = 0;

    for (i = 0; i < l->skip_count && r == 0; i++)
        r = skip_text(&l->skip[i]);
    fprintf(stderr,
            "s3zip: poison %zu, conflict %zu, soft (in) %zu, excluded %zu\n",
            l->poison_count, l->conflict_count, l->soft_count,
            l->excluded_count);
    return r;
}

static int
list(struct cmd_session *s, const struct cmd_args *a, struct err *e)
{
    struct reader *reader = NULL;
    struct layout *l;
    int r = cmd_open_reader(s, a->root, &reader, e);

    if (r < 0)
        return r;
    l = reader_layout(reader);
    if (a->skipped) {
        r = a->json ? skipped_json(l) : skipped_text(l);
    } else {
        wait_for_store(s, l->zip.count);
        r = list_entries(l, reader_crcs(reader), a->json);
    }
    reader_unref(reader);
    return r < 0 ? err_set(e, -r, "%s", strerror(-r)) : 0;
}

static int
run(struct cmd_args *a)
{
    struct cmd_session s;
    struct err e = {0};
    int r = cmd_open(&s, a, &e);

    if (r == 0) {
        r = list(&s, a, &e);
        cmd_session_close(&s);
    }
    return r < 0 ? cmd_fail(&e) : CMD_DONE;
}

static const char *const flags[] = {"skipped", "json", NULL};

const struct command cmd_ls = {
    .name = "ls",
    .synopsis = "s3://BUCKET[/PREFIX] [--skipped] [--json]",
    .summary = "List the entries of the archive in archive order: offset, "
               "size, CRC-32 if known, name.",
    .flags = flags,
    .min = 1,
    .max = 1,
    .url = true,
    .run = run,
};
