/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The s3zipfs authors */
/*
 * The log: one line, one write(2), so that lines of threads and processes
 * do not mix.  Must not see secrets: callers pass none.
 *
 * The target is set before threads start (log_open) and only read later;
 * this is the one process-wide state of the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/log_syslog.h"
#include "net/net.h"

enum { LINE_MAX_BYTES = 4096 };

static struct {
    enum log_level level;
    bool syslog;
    bool stamp; /* a file: lines begin with the time */
    int fd;
} target = {.level = LOG_WARN, .fd = STDERR_FILENO};

static const char *const words[] = {"error", "warning", "info", "debug"};

int
log_open(enum log_level level, const char *where, struct err *e)
{
    int fd = STDERR_FILENO;
    bool to_syslog = where && strcmp(where, "syslog") == 0;

    if (where && !to_syslog) {
        fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (fd < 0)
            return err_set(e, errno, "cannot open the log file %s: %s", where,
                           strerror(errno));
    }
    log_close();
    if (to_syslog)
        log_syslog_open();
    target.level = level;
    target.fd = fd;
    target.syslog = to_syslog;
    target.stamp = fd != STDERR_FILENO;
    return 0;
}

void
log_close(void)
{
    if (target.syslog)
        log_syslog_close();
    if (target.fd != STDERR_FILENO)
        close(target.fd);
    target.fd = STDERR_FILENO;
    target.syslog = target.stamp = false;
}

bool
log_on(enum log_level level)
{
    return level <= target.level;
}

static size_t
put_stamp(char *line, size_t size)
{
    struct timespec now;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(line + n, size - n, ".%03dZ ",
                                (int)(now.tv_nsec / 1000000));
}

/* A text is one line, whatever is in it. */
static void
flatten(char *line, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    size_t n = 0, room = sizeof(line) - 1;
    int saved = errno, more;
    va_list ap;

    if (!log_on(level))
        return;
    if (target.stamp)
        n = put_stamp(line, room);
    if (!target.syslog)
        n += (size_t)snprintf(line + n, room - n,
                              "%s: %s: ", program_invocation_short_name,
                              words[level]);
    errno = saved;
    va_start(ap, fmt);
    more = vsnprintf(line + n, room - n, fmt, ap);
    va_end(ap);
    if (more > 0)
        n += (size_t)more < room - n ? (size_t)more : room - n - 1;
    flatten(line, n);
    line[n] = '\0';
    if (target.syslog) {
        log_syslog_line((int)level, line);
    } else {
        line[n++] = '\n';
        if (write(target.fd, line, n) < 0)
            n = 0; /* nowhere to say it */
    }
    errno = saved;
}
