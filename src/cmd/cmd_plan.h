/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What s3zip plan plans for: a file of sizes, the archive that was
 * published before.  Private to that command.
 */
#ifndef S3ZIPFS_CMD_PLAN_H
#define S3ZIPFS_CMD_PLAN_H

#include "cmd/cmd.h"
#include "publish/former.h"

/* Lines of size, tab, name; "-" is standard input.  *ret is the caller's;
 * 0 or -errno with words. */
int cmd_plan_sizes(const struct cmd_args *a, const char *file,
                   struct layout **ret, struct err *e);

/* The archive at the destination (the second word, else the prefix's own
 * archive), if this user published it and it is still there: *ret is the
 * caller's, NULL if not.  Sends one HEAD, where there is a row to compare
 * it with.  0, or -errno with words for a second word that is no
 * destination. */
int cmd_plan_former(struct cmd_session *s, const struct cmd_args *a,
                    const struct layout *l, struct former **ret,
                    struct err *e);

/* Where CRCs come from with --sizes: all are known, or, with crc=oracle and
 * crc=read, each is found that way, because a store's copies tell none.
 * Fills ask->finding, which borrows *ret, the caller's (NULL if all are
 * known).  0 or -ENOMEM. */
int cmd_plan_crcs_assumed(const struct layout *l, const struct conf *conf,
                          struct plan_ask *ask, uint8_t **ret);

#endif
