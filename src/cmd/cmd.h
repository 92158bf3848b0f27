/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What the subcommands of s3zip share: their table, their arguments, how
 * they report.  Private to s3zip.
 */
#ifndef S3ZIPFS_CMD_CMD_H
#define S3ZIPFS_CMD_CMD_H

#include "cmd/cmd_session.h"

/* Exit codes; the manual's table is made from cmd_exit_codes. */
enum {
    CMD_DONE = 0,
    CMD_FAILED = 1,
    CMD_USAGE = 2,
    CMD_SIGNAL = 128, /* + signal number */
};

struct cmd_args {
    struct conf conf;
    /* flags of one command or another */
    bool json, skipped, frontier, read, help, version;
    const char *range, *output, *sizes, *against, *pod;
    const char *strategy, *svg, *previous;
    const char *workers, *worker, *upload;
    /* what is left of the command line */
    char **word;
    int words;
    /* the first word as a prefix, if the command wants it */
    char *bucket, *root; /* root: "" or ends in '/' */
};

struct command {
    const char *name;
    const char *synopsis;     /* after the name */
    const char *summary;      /* one line */
    const char *const *flags; /* long names of its flags; NULL ends */
    int min, max;             /* words */
    bool url;                 /* the first word is s3://BUCKET[/PREFIX] */
    int (*run)(struct cmd_args *a); /* exit code */
};
extern const struct command *const cmd_table[]; /* NULL ends */
extern const struct command cmd_ls, cmd_plan, cmd_cat, cmd_publish, cmd_verify,
    cmd_extract, cmd_cleanup, cmd_doctor;

/* "s3zip: TEXT" to stderr; returns CMD_FAILED. */
int cmd_fail(const struct err *e);
/* The same with usage of c (may be NULL); returns CMD_USAGE. */
int cmd_usage_error(const struct command *c, const char *text);
/* Writes b to stdout; CMD_DONE, or CMD_FAILED with words on stderr. */
int cmd_print(const struct buf *b);
/* An emit_flush to stdout; what is wrong there is seen at the end
 * (cmd_flush). */
int cmd_emit(void *user, struct buf *out);
/* Ends what was written to stdout: a full disk is a failure. */
int cmd_flush(int code);

/* "s3://BUCKET[/KEY]" as a prefix: *root "" or ending in '/'. */
int cmd_prefix(const char *url, char **bucket, char **root, struct err *e);

/* A session for a->bucket and a->root. */
int cmd_open(struct cmd_session *s, const struct cmd_args *a, struct err *e);
/* The same, but copies that tell CRCs are made in another bucket (NULL: in
 * a->bucket). */
int cmd_open_scratch(struct cmd_session *s, const struct cmd_args *a,
                     const char *bucket, struct err *e);
/* Lists root afresh; -ENOENT if no key is there.  *ret is the caller's. */
int cmd_list(struct cmd_session *s, const char *root, struct layout **ret,
             struct err *e);
/* The same, and opens a reader of it, the caller's. */
int cmd_open_reader(struct cmd_session *s, const char *root,
                    struct reader **ret, struct err *e);

/* Manual sections as pod: "synopsis", "commands", "options", "errors",
 * "exit", "status", "attributes".  Exit code. */
int cmd_pod(const char *section);
int cmd_help(const struct command *c); /* NULL: of s3zip */
/* The table of the flags of c into out[]; at most CMD_FLAGS. */
enum { CMD_FLAGS = 12 };
void cmd_flags(const struct command *c, struct cmd_args *a,
               struct conf_flag out[CMD_FLAGS]);

#endif
