/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The log lines that go to syslog.  Knows nothing of net.h (see
 * log_syslog.h).
 */
#include "net/log_syslog.h"

#include <errno.h>
#include <syslog.h>

void
log_syslog_open(void)
{
    openlog(program_invocation_short_name, LOG_PID, LOG_DAEMON);
}

void
log_syslog_close(void)
{
    closelog();
}

void
log_syslog_line(int rank, const char *text)
{
    static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

    syslog(priority[rank], "%s", text);
}
