/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * What s3zip plan plans for without a store: a file of sizes.  Private to
 * that command.
 */
#ifndef S3ZIPFS_CMD_PLAN_H
#define S3ZIPFS_CMD_PLAN_H

#include "cmd/cmd.h"

/* Lines of size, tab, name; "-" is standard input.  *ret is the caller's;
 * 0 or -errno with words. */
int cmd_plan_sizes(const struct cmd_args *a, const char *file,
                   struct layout **ret, struct err *e);

/* Where CRCs come from with --sizes: all are known, or, with crc=oracle and
 * crc=read, each is found that way, because a store's copies tell none.
 * Fills ask->finding, which borrows *ret, the caller's (NULL if all are
 * known).  0 or -ENOMEM. */
int cmd_plan_crcs_assumed(const struct layout *l, const struct conf *conf,
                          struct plan_ask *ask, uint8_t **ret);

#endif
