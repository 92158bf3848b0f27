/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Reporting, opening, and the flags of all subcommands.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "s3/sync.h"

int
cmd_fail(const struct err *e)
{
    fprintf(stderr, "s3zip: %s\n", e->num ? e->text : "failed");
    return CMD_FAILED;
}

int
cmd_usage_error(const struct command *c, const char *text)
{
    fprintf(stderr, "s3zip: %s\n", text);
    if (c)
        fprintf(stderr, "usage: s3zip %s %s\n", c->name, c->synopsis);
    else
        fputs("usage: s3zip COMMAND ..., see s3zip --help\n", stderr);
    return CMD_USAGE;
}

int
cmd_print(const struct buf *b)
{
    fwrite(buf_str(b), 1, b->len, stdout);
    return CMD_DONE;
}

int
cmd_emit(void *user, struct buf *out)
{
    (void)user;
    cmd_print(out);
    out->len = 0;
    return 0;
}

int
cmd_flush(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "s3zip: standard output: %s\n", strerror(errno));
    return CMD_FAILED;
}

int
cmd_prefix(const char *url, char **bucket, char **root, struct err *e)
{
    CLEANUP_FREE char *key = NULL;
    size_t n;
    int r = conf_url(url, NULL, bucket, &key, e);

    if (r < 0)
        return r;
    n = strlen(key);
    if (asprintf(root, "%s%s", key, n > 0 && key[n - 1] != '/' ? "/" : "") >=
        0)
        return 0;
    *root = NULL;
    free(*bucket);
    *bucket = NULL;
    return err_set(e, ENOMEM, "out of memory");
}

int
cmd_open(struct cmd_session *s, const struct cmd_args *a, struct err *e)
{
    return cmd_open_scratch(s, a, NULL, e);
}

int
cmd_open_scratch(struct cmd_session *s, const struct cmd_args *a,
                 const char *bucket, struct err *e)
{
    struct cmd_place place = {a->bucket, a->root, bucket};

    return cmd_session_open(s, &a->conf, &place, false, e);
}

/* ------------------------------------------------------------- listing */

/* A mount's root may be empty; a prefix that is named here may not, unless
 * some key (its own marker) is there. */
static int
must_exist(struct cmd_session *s, const struct layout *l, struct err *e)
{
    struct s3_list_args args = {
        .bucket = l->bucket,
        .prefix = l->prefix,
        .prefix_len = l->prefix_len,
        .max_keys = 1,
    };
    struct s3_found found;
    char name[300];
    bool exists;
    int r;

    if (l->zip.count + l->skip_count + l->excluded_count > 0 ||
        l->prefix_len == 0)
        return 0;
    r = s3_list_wait(s->s3, NULL, &args, &found);
    exists = found.page.count > 0;
    if (r < 0)
        s3_error_text(&found.e, "ListObjectsV2", l->bucket, l->prefix,
                      l->prefix_len, e);
    s3_found_free(&found);
    if (r < 0 || exists)
        return r;
    return err_set(e, ENOENT, "s3://%s/%s: no such prefix", l->bucket,
                   text_escape(name, sizeof(name), l->prefix, l->prefix_len));
}

/* A listing that may outlive the wait for it. */
struct listing {
    atomic_int refs;
    sem_t done;
    int r;
    struct layout *layout;
    struct err err;
};

static void
listing_unref(struct listing *g)
{
    if (atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    layout_unref(g->layout);
    sem_destroy(&g->done);
    free(g);
}

static void
on_layout(void *user, int r, struct layout *l, const struct err *e)
{
    struct listing *g = user;

    g->r = r;
    if (r == 0)
        g->layout = layout_ref(l);
    else
        g->err = *e;
    sem_post(&g->done);
    listing_unref(g);
}

static int
listing_wait(struct listing *g, struct layout **ret, struct err *e)
{
    while (sem_wait(&g->done) < 0 && errno == EINTR)
        ;
    if (g->r < 0)
        *e = g->err;
    else
        *ret = layout_ref(g->layout);
    return g->r;
}

/* The probe has less patience than the listing; one does not wait for the
 * other. */
int
cmd_list(struct cmd_session *s, const char *root, struct layout **ret,
         struct err *e)
{
    struct listing *g = calloc(1, sizeof(*g));
    struct layout *l = NULL;
    int r;

    if (!g)
        return err_set(e, ENOMEM, "out of memory");
    atomic_init(&g->refs, 2);
    sem_init(&g->done, 0, 0);
    index_layout(s->index, root, INDEX_FRESH, on_layout, g);
    r = index_probe(s->index, e);
    if (r == 0)
        r = listing_wait(g, &l, e);
    listing_unref(g);
    if (r == 0)
        r = must_exist(s, l, e);
    if (r == 0)
        *ret = l;
    else
        layout_unref(l);
    return r;
}

int
cmd_open_reader(struct cmd_session *s, const char *root, struct reader **ret,
                struct err *e)
{
    struct layout *l = NULL;
    struct crc_set *crcs;
    int r = cmd_list(s, root, &l, e);

    if (r < 0)
        return r;
    crcs = crc_set_open(s->crc, l);
    r = crcs ? reader_open(ret, s->pool, l, crcs) : -ENOMEM;
    crc_set_unref(crcs);
    layout_unref(l);
    return r < 0 ? err_set(e, -r, "cannot read: %s", strerror(-r)) : 0;
}

void
cmd_flags(const struct command *c, struct cmd_args *a,
          struct conf_flag out[CMD_FLAGS])
{
    const struct conf_flag all[] = {
        {"json", 0, NULL, &a->json, "Print JSON.", NULL},
        {"skipped", 0, NULL, &a->skipped,
         "List what is left out of the archive, and why.", NULL},
        {"workers", 0, &a->workers, NULL,
         "Publish with N other processes: create the upload, print its id "
         "(\"upload: ID\"), see to it that all parts come, complete.",
         "N"},
        {"worker", 0, &a->worker, NULL,
         "Be number I (from 0) of them: send a share of the parts.", "I"},
        {"upload", 0, &a->upload, NULL,
         "The upload that is shared, as the first process printed it.", "ID"},
        {"range", 0, &a->range, NULL,
         "Bytes of the archive, both included; LAST may be left away.",
         "FIRST-LAST"},
        {"output", 'o', &a->output, NULL, "Write to this file.", "FILE"},
        {"sizes", 0, &a->sizes, NULL,
         "Plan for the members in this file (lines of size, tab, name; - is "
         "standard input). No store is needed.",
         "FILE"},
        {"strategy", 0, &a->strategy, NULL,
         "Show the parts of this strategy: duo, stream, stitch, chain, "
         "again, mixed, or auto for the best by objective=.",
         "NAME"},
        {"frontier", 0, NULL, &a->frontier,
         "Instead of strategies, the plans between duo and chain: bytes "
         "against requests, each beside its bound.",
         NULL},
        {"svg", 0, &a->svg, NULL,
         "Draw the parts to scale into this file (- is standard output).",
         "FILE"},
        {"previous", 0, &a->previous, NULL,
         "With --sizes: the members of the archive that was published "
         "before, for the strategy again.",
         "FILE"},
        {"read", 0, NULL, &a->read,
         "Read every byte, whatever the store could tell.", NULL},
        {"against", 0, &a->against, NULL,
         "Compare with the archive of this prefix as it is now.",
         "s3://BUCKET[/PREFIX]"},
    };
    size_t i, n = 0, k;

    for (k = 0; c->flags[k]; k++)
        for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            if (strcmp(c->flags[k], all[i].name) == 0)
                out[n++] = all[i];
    out[n++] =
        (struct conf_flag){"help", 'h', NULL, &a->help, "Print this.", NULL};
    out[n++] = (struct conf_flag){
        "version", 'V', NULL, &a->version, "Print the version.", NULL};
    out[n] = (struct conf_flag){NULL, 0, NULL, NULL, NULL, NULL};
}
