/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * Descriptors 0, 1 and 2 are the standard streams, or nobody's.  Used by
 * both programs, before anything else is opened.
 */
#ifndef S3ZIPFS_CMD_STDIO_H
#define S3ZIPFS_CMD_STDIO_H

/* Puts something harmless where the caller left a standard stream closed:
 * reads end at once, writes fail.  0 or -errno. */
int cmd_stdio(void);

#endif
