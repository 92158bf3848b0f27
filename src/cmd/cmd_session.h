/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The rooms of one process, started in the order of the arrows and ended
 * in the order that each asks for; used by both programs.  No logic beyond
 * that order.
 */
#ifndef S3ZIPFS_CMD_SESSION_H
#define S3ZIPFS_CMD_SESSION_H

#include "conf/conf.h"
#include "publish/publish.h"

/* All owned.  Which are there depends on how far the start came. */
struct cmd_session {
    struct net *net;
    struct aws *aws;
    struct s3 *s3;
    struct state *state;
    struct crc *crc;
    struct index *index;
    struct read_pool *pool;
    struct publisher *publisher;
};

/* After parsing: memory= within what the control group allows; opening a
 * session warns if that is less. */
void cmd_fit_memory(struct conf *c);

/* After parsing: what conf alone cannot judge, since its own room must not
 * know.  0, or -EINVAL with words. */
int cmd_check_options(const struct conf *c, struct err *e);

struct cmd_place {
    const char *bucket, *root; /* root: "" or ends in '/' */
    const char *scratch;       /* bucket of copies that tell CRCs; NULL: the
                                  same */
};
/* conf and the place's strings are borrowed for the life of the session.
 * background: the log goes to syslog unless conf says otherwise.  0, or
 * -errno with words and nothing left to close. */
int cmd_session_open(struct cmd_session *s, const struct conf *conf,
                     const struct cmd_place *at, bool background,
                     struct err *e);
/* Aborts what runs (bounded), then frees.  Readers must be closed. */
void cmd_session_close(struct cmd_session *s);

#endif
