/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * s3zip ls: the entries of an archive in archive order, or what is left
 * out of it.
 */
#include <errno.h>
#include <jansson.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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

/* JSON has no bytes: \xHH then, as on the terminal. */
static json_t *
json_name(const char *p, size_t n)
{
    CLEANUP_FREE char *shown = NULL;

    if (text_is_utf8(p, n))
        return json_stringn(p, n);
    shown = printable(p, n);
    return shown ? json_string(shown) : NULL;
}

/* One object on a line of its own. */
static int
print_json(json_t *object, bool last)
{
    CLEANUP_FREE char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    if (!text)
        return -ENOMEM;
    printf("  %s%s\n", text, last ? "" : ",");
    return 0;
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

static int
entry_json(const struct layout *l, struct crc_set *crcs, size_t i)
{
    const struct zip_member *m = &l->zip.member[i];
    json_t *o = json_object();
    uint32_t value;

    json_object_set_new(o, "offset",
                        json_integer((json_int_t)l->zip.offset[i]));
    json_object_set_new(o, "size", json_integer((json_int_t)m->size));
    json_object_set_new(o, "crc32",
                        crc_peek(crcs, i, &value) ? json_integer(value)
                                                  : json_null());
    json_object_set_new(o, "mtime", json_integer(m->mtime));
    json_object_set_new(o, "name", json_name(m->name, m->name_len));
    json_object_set_new(o, "key", json_name(m->key, m->key_len));
    json_object_set_new(o, "etag", json_name(m->etag, m->etag_len));
    return print_json(o, i + 1 == l->zip.count);
}

static void
json_head(const struct layout *l, const char *list)
{
    char digest[65];

    layout_digest_hex(l, digest);
    printf("{\"layout\": {\"version\": 1, \"digest\": \"%s\", \"entries\": "
           "%zu, \"bytes\": %llu},\n \"%s\": [\n",
           digest, l->zip.count, (ull)l->zip.size, list);
}

static int
list_entries(const struct layout *l, struct crc_set *crcs, bool json)
{
    size_t i;
    int r = 0;

    if (json)
        json_head(l, "entries");
    for (i = 0; i < l->zip.count && r == 0; i++)
        r = json ? entry_json(l, crcs, i) : entry_text(l, crcs, i);
    if (json)
        puts(" ]}");
    return r;
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

static int
skip_json(const struct layout_skip *s, bool last)
{
    json_t *o = json_object();

    json_object_set_new(o, "left_out", json_boolean(s->left_out));
    json_object_set_new(o, "reason", json_string(zip_fault_text(s->faults)));
    json_object_set_new(o, "key", json_name(s->key, s->key_len));
    return print_json(o, last);
}

static int
list_skipped(const struct layout *l, bool json)
{
    size_t i;
    int r = 0;

    if (json)
        json_head(l, "skipped");
    for (i = 0; i < l->skip_count && r == 0; i++)
        r = json ? skip_json(&l->skip[i], i + 1 == l->skip_count)
                 : skip_text(&l->skip[i]);
    if (json)
        puts(" ]}");
    else
        fprintf(stderr,
                "s3zip: poison %zu, conflict %zu, soft (in) %zu, excluded "
                "%zu\n",
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
        r = list_skipped(l, a->json);
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
