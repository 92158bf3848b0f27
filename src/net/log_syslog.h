/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * syslog behind two words: its header names LOG_INFO and LOG_DEBUG, which
 * net.h names too.
 */
#ifndef S3ZIPFS_NET_LOG_SYSLOG_H
#define S3ZIPFS_NET_LOG_SYSLOG_H

void log_syslog_open(void);
void log_syslog_close(void);
/* rank: 0 error, 1 warning, 2 info, 3 debug. */
void log_syslog_line(int rank, const char *text);

#endif
